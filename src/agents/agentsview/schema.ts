import { InvalidInputError } from '../../platform/errors.ts';
import { KNOWN_COLUMNS, REQUIRED_COLUMNS, type Column, type Table } from './known-columns.ts';
import type { Rows } from './rows.ts';

/**
 * Which of the known tables and columns one file has. Each is asked for alone (rule A5), since releases added them one
 * by one: 0.11 to 0.13 have `display_name` but no tokens, and guessing one from the other lost the names there.
 */
export class Schema {
  readonly #columns: ReadonlyMap<Table, ReadonlySet<string>>;

  /** @throws InvalidInputError `agentsview.unsupported` when the file lacks what every release has. */
  constructor(columns: ReadonlyMap<Table, ReadonlySet<string>>) {
    this.#columns = columns;
    for (const table of Object.keys(REQUIRED_COLUMNS) as Table[]) this.#require(table);
  }

  /** True when the file has the table, whatever its columns. */
  hasTable(table: Table): boolean {
    return (this.#columns.get(table)?.size ?? 0) > 0;
  }

  has<T extends Table>(table: T, ...columns: Column<T>[]): boolean {
    return columns.every((column) => this.#columns.get(table)?.has(column) ?? false);
  }

  /**
   * The select list of `columns`: each by its own name, and NULL in place of one that the file lacks. So a row has one
   * shape in all releases and its reader needs no branches.
   */
  select<T extends Table>(table: T, columns: readonly Column<T>[]): string {
    return columns.map((column) => this.expression(table, column, (name) => name)).join(', ');
  }

  /** `sql(column)` under the column's name, or NULL under that name where the file lacks it. */
  expression<T extends Table>(table: T, column: Column<T>, sql: (column: string) => string): string {
    return `${this.has(table, column) ? sql(`"${column}"`) : 'NULL'} AS "${column}"`;
  }

  /** The newest release whose known columns are all here: "written by this release or a later one". */
  release(): string {
    const missing = new Set<string>();
    const present = new Set<string>();
    for (const [table, releases] of Object.entries(KNOWN_COLUMNS) as [Table, Record<string, readonly string[]>][]) {
      for (const [release, columns] of Object.entries(releases)) {
        const known = this.#columns.get(table);
        for (const column of columns) (known?.has(column) ? present : missing).add(release);
      }
    }
    return (
      [...present]
        .filter((release) => !missing.has(release))
        .sort(byRelease)
        .at(-1) ?? 'before 0.8'
    );
  }

  #require(table: Table): void {
    const absent = (REQUIRED_COLUMNS[table] as readonly string[]).filter(
      (column) => !this.#columns.get(table)?.has(column),
    );
    if (absent.length === 0) return;
    const what = this.hasTable(table) ? `column ${absent.join(', ')} of table ${table}` : `table ${table}`;
    throw new InvalidInputError('agentsview.unsupported', `agentsview's database has no ${what}.`, {
      field: table,
      hint: 'Start agentsview once so that it creates or upgrades its database, or name the right file.',
    });
  }
}

/** What this file has, read in one transaction. Extra tables and columns are fine and stay unread. */
export function probeSchema(rows: Rows): Schema {
  const columns = new Map<Table, ReadonlySet<string>>();
  for (const table of Object.keys(KNOWN_COLUMNS) as Table[]) {
    const names = rows.all<{ name: string }>('SELECT name FROM pragma_table_info(?)', table);
    columns.set(table, new Set(names.map(({ name }) => name)));
  }
  return new Schema(columns);
}

function byRelease(a: string, b: string): number {
  return a.localeCompare(b, 'en', { numeric: true });
}

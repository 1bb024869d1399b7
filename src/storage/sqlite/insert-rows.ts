import type { SQLInputValue } from 'node:sqlite';
import { invariant } from '../../platform/errors.ts';
import type { Database } from './database.ts';

/** Rows of one statement: 64, 32, 16, …, so that any number of rows needs few different statements. */
const MOST_ROWS = 64;

/** How many of `rows` rows `insertRows` inserts with its first statement. */
export function rowsOfOneInsert(rows: number): number {
  return Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(rows)));
}

/** An insert of any number of rows: `head VALUES (row), (row), … tail`. */
export interface RowsStatement {
  /** `INSERT INTO message (message_id, body)` */
  head: string;
  /** `(?, ?)` */
  row: string;
  /** `ON CONFLICT …`; empty: nothing. */
  tail: string;
}

/** By number of rows: the text of one is long, and is looked up by its hash. */
const texts = new WeakMap<RowsStatement, Map<number, string>>();

/** The text of a statement for so many rows; the same one each time. */
export function textOfRows(statement: RowsStatement, count: number): string {
  let of_statement = texts.get(statement);
  if (!of_statement) texts.set(statement, (of_statement = new Map<number, string>()));
  let text = of_statement.get(count);
  if (text === undefined) {
    const { head, row, tail } = statement;
    text = `${head} VALUES ${Array<string>(count).fill(row).join(', ')} ${tail}`;
    of_statement.set(count, text);
  }
  return text;
}

const inserts = new Map<string, RowsStatement>();

/** Inserts rows, many with one statement. `target` is the table with its columns: `message (message_id, body)`. */
export function insertRows(db: Database, target: string, rows: readonly (readonly SQLInputValue[])[]): void {
  const columns = rows[0]?.length;
  if (columns === undefined) return;
  const statement = insertOf(target, columns);
  let at = 0;
  while (at < rows.length) {
    const count = rowsOfOneInsert(rows.length - at);
    const parameters: SQLInputValue[] = [];
    // `flat` grows its array again and again.
    for (let i = at; i < at + count; i++) for (const value of rows[i] ?? []) parameters.push(value);
    invariant(parameters.length === count * columns, 'rows of one insert have the same columns');
    db.run(textOfRows(statement, count), ...parameters);
    at += count;
  }
}

function insertOf(target: string, columns: number): RowsStatement {
  let statement = inserts.get(target);
  if (!statement) {
    const row = `(${Array<string>(columns).fill('?').join(', ')})`;
    inserts.set(target, (statement = { head: `INSERT INTO ${target}`, row, tail: '' }));
  }
  return statement;
}

import { invariant } from '../../platform/errors.ts';
import { storable } from '../../storage/postgres/steps.ts';
import type { RowValue, RowWrite, RowWriter } from '../transaction.ts';
import type { Transaction } from './database.ts';

/** The rows of one claim: `place` says which of the call it is. */
export interface RowsOfKey {
  place: number;
  rows: readonly RowWrite[];
}

/** The row writers that the store was opened with (transaction.ts): one statement for all rows of a transaction. */
export class RowWriters {
  readonly #writers: ReadonlyMap<string, { sql: string; width: number; order: number }>;

  constructor(writers: readonly RowWriter[]) {
    invariant(new Set(writers.map(({ name }) => name)).size === writers.length, 'row writers have different names');
    this.#writers = new Map(
      writers.map(({ name, sql, columns, order }) => {
        invariant(sql.includes('$rows'), `the row writer ${name} reads $rows`);
        const arrays = ['integer', ...columns].map((type, i) => `$${i + 1}::${type}[]`).join(', ');
        const complete = sql.replaceAll('$rows', () => `unnest(${arrays})`);
        return [name, { sql: complete, width: columns.length, order }];
      }),
    );
  }

  /** @throws InvariantError for a writer that there is none of, or a row that does not fit it */
  require(rows: readonly RowWrite[]): void {
    for (const { writer, row } of rows) {
      const known = this.#writers.get(writer);
      invariant(known, `this back-end has no row writer ${writer}`);
      invariant(row.length === known.width, `a row of ${writer} has ${known.width} values`);
    }
  }

  /**
   * Writes the rows, one statement a writer, and returns the places of keys with a row that was not applied. When there are
   * any, writers of a higher order have not run: the transaction is of no use any more.
   */
  async write(tx: Transaction, keys: readonly RowsOfKey[]): Promise<Set<number>> {
    const stale = new Set<number>();
    for (const [writer, rows] of this.#grouped(keys)) {
      const known = this.#writers.get(writer);
      invariant(known, 'rows were checked before the transaction began');
      const columns = Array.from({ length: known.width }, (_, c) => rows.map(({ row }) => valueOf(row[c] ?? null)));
      const indexes = rows.map((_, i) => i);
      const applied = await tx.all<{ i: number }>(known.sql, indexes, ...columns);
      const done = new Set(applied.map(({ i }) => i));
      invariant(done.size === applied.length, `the row writer ${writer} returns each index once`);
      if (done.size === rows.length) continue;
      for (const [i, { place }] of rows.entries()) if (!done.has(i)) stale.add(place);
      return stale;
    }
    return stale;
  }

  /** By writer, the lowest order first. */
  #grouped(keys: readonly RowsOfKey[]): [string, { place: number; row: readonly RowValue[] }[]][] {
    const groups = new Map<string, { place: number; row: readonly RowValue[] }[]>();
    for (const { place, rows } of keys)
      for (const { writer, row } of rows) {
        const group = groups.get(writer);
        if (group) group.push({ place, row });
        else groups.set(writer, [{ place, row }]);
      }
    const order = (writer: string): number => this.#writers.get(writer)?.order ?? 0;
    return [...groups].sort(([a], [b]) => order(a) - order(b) || (a < b ? -1 : 1));
  }
}

function valueOf(value: RowValue): RowValue {
  return typeof value === 'string' ? storable(value) : value;
}

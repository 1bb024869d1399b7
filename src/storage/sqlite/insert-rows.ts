import type { SQLInputValue } from 'node:sqlite';
import { invariant } from '../../platform/errors.ts';
import type { Database } from './database.ts';

/** Rows of one statement: 64, 32, 16, …, so that any number of rows needs few different statements. */
const MOST_ROWS = 64;

/** How many of `rows` rows `insertRows` inserts with its first statement. */
export function rowsOfOneInsert(rows: number): number {
  return Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(rows)));
}

/** Inserts rows, many with one statement. `target` is the table with its columns: `message (message_id, body)`. */
export function insertRows(db: Database, target: string, rows: readonly (readonly SQLInputValue[])[]): void {
  const columns = rows[0]?.length ?? 0;
  const row = `(${Array<string>(columns).fill('?').join(', ')})`;
  let at = 0;
  while (at < rows.length) {
    const count = rowsOfOneInsert(rows.length - at);
    const values = Array<string>(count).fill(row).join(', ');
    const parameters = rows.slice(at, at + count).flat();
    invariant(parameters.length === count * columns, 'rows of one insert have the same columns');
    db.run(`INSERT INTO ${target} VALUES ${values}`, ...parameters);
    at += count;
  }
}

import type { SQLInputValue } from 'node:sqlite';
import { invariant } from '../../platform/errors.ts';
import type { Database } from './database.ts';

/** Rows of one statement: 64, 32, 16, …, so that any number of rows needs few different statements. */
const MOST_ROWS = 64;

/** How many of `rows` rows `insertRows` inserts with its first statement. */
export function rowsOfOneInsert(rows: number): number {
  return Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(rows)));
}

/** Statements by target and number of rows: the text of one is long, and is looked up by its hash. */
const texts = new Map<string, Map<number, string>>();

/** Inserts rows, many with one statement. `target` is the table with its columns: `message (message_id, body)`. */
export function insertRows(db: Database, target: string, rows: readonly (readonly SQLInputValue[])[]): void {
  const columns = rows[0]?.length ?? 0;
  let at = 0;
  while (at < rows.length) {
    const count = rowsOfOneInsert(rows.length - at);
    const parameters: SQLInputValue[] = [];
    // `flat` grows its array again and again.
    for (let i = at; i < at + count; i++) for (const value of rows[i] ?? []) parameters.push(value);
    invariant(parameters.length === count * columns, 'rows of one insert have the same columns');
    db.run(textOf(target, columns, count), ...parameters);
    at += count;
  }
}

function textOf(target: string, columns: number, count: number): string {
  let of_target = texts.get(target);
  if (!of_target) texts.set(target, (of_target = new Map<number, string>()));
  let text = of_target.get(count);
  if (text === undefined) {
    const row = `(${Array<string>(columns).fill('?').join(', ')})`;
    text = `INSERT INTO ${target} VALUES ${Array<string>(count).fill(row).join(', ')}`;
    of_target.set(count, text);
  }
  return text;
}

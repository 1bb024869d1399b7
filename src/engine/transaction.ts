/** What every method of the engine's store may carry in its one transaction (design §5 rule 1). */
import type { SQLInputValue } from 'node:sqlite';

/** Most rows and bytes of one transaction. */
export const TRANSACTION_LIMITS = { max_rows: 1000, max_bytes: 4 * 1024 * 1024 } as const;

/**
 * The same for an append, whose rows are small: a first sweep commits several files at once, and each commit writes the
 * pages anew that all of them touch. 4,000 rows take about 50 ms.
 */
export const APPEND_LIMITS = { max_rows: 4000, max_bytes: TRANSACTION_LIMITS.max_bytes } as const;

/**
 * A statement of the flow's own that commits with the method; another row count than expected rolls all back. In the
 * dialect of the back-end: SQLite takes `?`; PostgreSQL takes `$1`, `$2`, gets the values in text form, and `syncline.` in
 * the statement stands for the schema of the store, whatever that is called.
 */
export interface FlowWrite {
  sql: string;
  parameters: SQLInputValue[];
  expect_rows?: number;
}

/** A value of a row, as the type of its column reads it: whole numbers beyond 2^53, decimals, dates, JSON as strings. */
export type RowValue = string | number | boolean | null;

/**
 * A row of the flow's own, written together with the rows of other keys by one statement: the fast path beside `FlowWrite`
 * for many keys at once. Only back-ends that were opened with row writers take them (PostgreSQL).
 */
export interface RowWrite {
  /** Name of the `RowWriter`. */
  writer: string;
  /** One value for each of its columns. */
  row: readonly RowValue[];
}

/**
 * One statement that writes any number of rows, given to the back-end when it is opened. Compare-and-set: it returns the
 * index of each row that it applied, once, in a column named `i`; a row that is not among them makes its key stale.
 */
export interface RowWriter {
  name: string;
  /**
   * PostgreSQL. `$rows` stands for `unnest(…)` of the index (an integer) and the columns, in their order; `syncline.` for
   * the schema of the store. No other parameters. For example `UPDATE syncline.link l SET doc = r.doc FROM $rows AS
   * r (i, key, base, doc) WHERE l.key = r.key AND l.base = r.base RETURNING r.i`.
   *
   * Two rows of one transaction must not have the same target: PostgreSQL applies one of them, and the other key is stale.
   * Rows come in the order of their keys; a statement that locks rows which others lock too must keep an order of its own.
   */
  sql: string;
  /** PostgreSQL types of the columns, as in `bigint` or `text`. */
  columns: readonly string[];
  /** The writers of one transaction run from the lowest to the highest; each sees what those before it wrote. */
  order: number;
}

export interface CounterChange {
  name: string;
  label: string;
  by: number;
}

/** Why a destination, or the engine, did not take something. No value of a record, no path, no secret. */
export interface Refusal {
  class: string;
  code: string;
  message: string;
  field?: string | undefined;
}

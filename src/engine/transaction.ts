/** What every method of the engine's store may carry in its one transaction (design §5 rule 1). */
import type { SQLInputValue } from 'node:sqlite';

/** Most rows and bytes of one transaction. */
export const TRANSACTION_LIMITS = { max_rows: 1000, max_bytes: 4 * 1024 * 1024 } as const;

/**
 * The same for an append, whose rows are small: a first sweep commits several files at once, and each commit writes the
 * pages anew that all of them touch. 4,000 rows take about 50 ms.
 */
export const APPEND_LIMITS = { max_rows: 4000, max_bytes: TRANSACTION_LIMITS.max_bytes } as const;

/** A statement of the flow's own that commits with the method; another row count than expected rolls all back. */
export interface FlowWrite {
  sql: string;
  parameters: SQLInputValue[];
  expect_rows?: number;
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

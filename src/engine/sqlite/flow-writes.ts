import { StaleError, invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { FlowWrite, RowWrite } from '../transaction.ts';

/**
 * Applies the flow's own statements inside the caller's transaction.
 * @throws StaleError when one changed another number of rows than it expected
 */
export function applyFlowWrites(db: Database, writes: readonly FlowWrite[]): void {
  for (const write of writes) {
    const changed = db.run(write.sql, ...write.parameters);
    if (write.expect_rows !== undefined && changed !== write.expect_rows)
      throw new StaleError('stale', `A write of the flow changed ${changed} rows instead of ${write.expect_rows}`);
  }
}

/** SQLite writes row by row without a round trip: `FlowWrite` is its fast path. */
export function requireNoRows(rows: readonly RowWrite[] | undefined): void {
  invariant((rows?.length ?? 0) === 0, 'this back-end has no row writers');
}

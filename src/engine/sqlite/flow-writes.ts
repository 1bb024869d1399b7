import { StaleError } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { FlowWrite } from '../transaction.ts';

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

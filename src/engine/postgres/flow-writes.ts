import { StaleError } from '../../platform/errors.ts';
import { storable } from '../../storage/postgres/steps.ts';
import type { FlowWrite } from '../transaction.ts';
import type { Transaction, Value } from './database.ts';

/**
 * Applies the flow's own statements inside the caller's transaction.
 * @throws StaleError when one changed another number of rows than it expected
 */
export async function applyFlowWrites(tx: Transaction, writes: readonly FlowWrite[]): Promise<void> {
  for (const write of writes) {
    const changed = await tx.run(write.sql, ...write.parameters.map(valueOf));
    if (write.expect_rows !== undefined && changed !== write.expect_rows)
      throw new StaleError('stale', `A write of the flow changed ${changed} rows instead of ${write.expect_rows}`);
  }
}

function valueOf(parameter: FlowWrite['parameters'][number]): Value {
  if (parameter === null || typeof parameter === 'number' || typeof parameter === 'bigint') return parameter;
  if (typeof parameter === 'string') return storable(parameter);
  const bytes = Buffer.from(parameter.buffer, parameter.byteOffset, parameter.byteLength);
  return `\\x${bytes.toString('hex')}`;
}

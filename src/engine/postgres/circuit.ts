import { invariant } from '../../platform/errors.ts';
import { storable } from '../../storage/postgres/steps.ts';
import { nextCircuitState, type CircuitState } from '../ordered/states.ts';
import type { Refusal } from '../store.ts';
import type { Transaction } from './database.ts';
import { NEWEST_FENCE } from './fences.ts';

interface CircuitChange {
  /** Of the batch or key whose attempt ended. */
  fence: number;
  now_ms: number;
  until_ms?: number;
  refusal?: Refusal;
}

interface CircuitRow {
  circuit: CircuitState;
  opened_fence: number;
}

/** The circuit, which nobody else moves until the commit. */
async function lockCircuit(tx: Transaction, destination_id: string): Promise<CircuitRow | undefined> {
  return tx.get<CircuitRow>(
    'SELECT circuit, opened_fence FROM syncline.destination WHERE destination_id = $1 FOR NO KEY UPDATE',
    destination_id,
  );
}

/**
 * Only what was sent after the circuit opened says something about the time after. Without this, a reply that was under
 * way would close a circuit that a 429 just opened, and one outage with 16 requests in flight would count as 16
 * failures and wait for the cap of the back-off at once.
 */
export async function moveCircuit(
  tx: Transaction,
  destination_id: string,
  event: 'succeeded' | 'failed',
  change: CircuitChange,
): Promise<void> {
  const row = await lockCircuit(tx, destination_id);
  invariant(row, `destination ${destination_id} exists`);
  const news = row.circuit === 'closed' || change.fence > row.opened_fence;
  if (event === 'failed') return openCircuit(tx, destination_id, row, news, change);
  await tx.run(
    `UPDATE syncline.destination SET accepted_fence = greatest(accepted_fence, $1::bigint), last_success_ms = $2
     WHERE destination_id = $3`,
    change.fence,
    change.now_ms,
    destination_id,
  );
  if (news && row.circuit !== 'closed') await closeCircuit(tx, destination_id, row.circuit);
}

async function openCircuit(
  tx: Transaction,
  destination_id: string,
  row: CircuitRow,
  news: boolean,
  { now_ms, until_ms, refusal }: CircuitChange,
): Promise<void> {
  await tx.run(
    `UPDATE syncline.destination SET circuit = $1,
       circuit_until_ms = CASE WHEN $2::boolean THEN $3::bigint ELSE greatest(circuit_until_ms, $3::bigint) END,
       circuit_failures = circuit_failures + $2::boolean::int,
       opened_fence = CASE WHEN $2::boolean THEN ${NEWEST_FENCE} ELSE opened_fence END,
       failing_since_ms = coalesce(failing_since_ms, $4::bigint), last_error_ms = $4::bigint, last_error_code = $5,
       last_error_message = $6
     WHERE destination_id = $7`,
    nextCircuitState(row.circuit, 'failed'),
    news,
    until_ms ?? now_ms,
    now_ms,
    refusal?.code ?? 'unknown',
    storable(refusal?.message ?? ''),
    destination_id,
  );
}

async function closeCircuit(tx: Transaction, destination_id: string, current: CircuitState): Promise<void> {
  await tx.run(
    `UPDATE syncline.destination SET circuit = $1, circuit_until_ms = 0, circuit_failures = 0, failing_since_ms = NULL
     WHERE destination_id = $2`,
    nextCircuitState(current, 'succeeded'),
    destination_id,
  );
}

/** Any answer about a batch or key shows that the destination is there: an open circuit closes. */
export async function answered(
  tx: Transaction,
  attempt: { readonly destination_id: string; readonly fence: number },
): Promise<void> {
  const row = await lockCircuit(tx, attempt.destination_id);
  if (row && row.circuit !== 'closed' && attempt.fence > row.opened_fence)
    await closeCircuit(tx, attempt.destination_id, row.circuit);
}

export async function halfOpen(tx: Transaction, destination_id: string): Promise<void> {
  const row = await lockCircuit(tx, destination_id);
  invariant(row, `destination ${destination_id} exists`);
  await tx.run(
    'UPDATE syncline.destination SET circuit = $1 WHERE destination_id = $2',
    nextCircuitState(row.circuit, 'waited'),
    destination_id,
  );
}

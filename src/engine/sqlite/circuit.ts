import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { nextCircuitState, type CircuitState } from '../ordered/states.ts';
import type { Refusal } from '../store.ts';
import type { BatchRow } from './batches.ts';

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

/**
 * Only what was sent after the circuit opened says something about the time after. Without this, a reply that was under
 * way would close a circuit that a 429 just opened, and one outage with 16 requests in flight would count as 16
 * failures and wait for the cap of the back-off at once.
 */
export function moveCircuit(
  db: Database,
  destination_id: string,
  event: 'succeeded' | 'failed',
  change: CircuitChange,
): void {
  const row = db.get<CircuitRow>(
    'SELECT circuit, opened_fence FROM destination WHERE destination_id = ?',
    destination_id,
  );
  invariant(row, `destination ${destination_id} exists`);
  const news = row.circuit === 'closed' || change.fence > row.opened_fence;
  if (event === 'failed') return openCircuit(db, destination_id, row, news, change);
  db.run(
    'UPDATE destination SET accepted_fence = max(accepted_fence, ?), last_success_ms = ? WHERE destination_id = ?',
    change.fence,
    change.now_ms,
    destination_id,
  );
  if (news) closeCircuit(db, destination_id, row.circuit);
}

function openCircuit(
  db: Database,
  destination_id: string,
  row: CircuitRow,
  news: boolean,
  { now_ms, until_ms, refusal }: CircuitChange,
): void {
  db.run(
    `UPDATE destination SET circuit = ?1, circuit_until_ms = CASE WHEN ?2 THEN ?3 ELSE max(circuit_until_ms, ?3) END,
       circuit_failures = circuit_failures + ?2,
       opened_fence = CASE WHEN ?2 THEN (SELECT fence FROM identity) ELSE opened_fence END,
       failing_since_ms = coalesce(failing_since_ms, ?4), last_error_ms = ?4, last_error_code = ?5, last_error_message = ?6
     WHERE destination_id = ?7`,
    nextCircuitState(row.circuit, 'failed'),
    news ? 1 : 0,
    until_ms ?? now_ms,
    now_ms,
    refusal?.code ?? 'unknown',
    refusal?.message ?? '',
    destination_id,
  );
}

function closeCircuit(db: Database, destination_id: string, current: CircuitState): void {
  db.run(
    'UPDATE destination SET circuit = ?, circuit_until_ms = 0, circuit_failures = 0, failing_since_ms = NULL WHERE destination_id = ?',
    nextCircuitState(current, 'succeeded'),
    destination_id,
  );
}

/** Any answer about a batch or key shows that the destination is there: an open circuit closes. */
export function answered(db: Database, attempt: Pick<BatchRow, 'destination_id' | 'fence'>): void {
  const row = db.get<CircuitRow>(
    'SELECT circuit, opened_fence FROM destination WHERE destination_id = ?',
    attempt.destination_id,
  );
  if (row && row.circuit !== 'closed' && attempt.fence > row.opened_fence)
    closeCircuit(db, attempt.destination_id, row.circuit);
}

export function halfOpen(db: Database, destination_id: string): void {
  db.transaction(() => {
    const current = db.value<CircuitState>('SELECT circuit FROM destination WHERE destination_id = ?', destination_id);
    db.run(
      'UPDATE destination SET circuit = ? WHERE destination_id = ?',
      nextCircuitState(current, 'waited'),
      destination_id,
    );
  });
}

import { StaleError } from '../../../platform/errors.ts';
import type { Database } from '../../../storage/sqlite/database.ts';
import { nextTaskState } from '../../keyed/states.ts';
import { LONGEST_DELAY_MS, type TaskSettlement, type TaskSettlementResult } from '../../keyed/store.ts';
import { answered, moveCircuit } from '../circuit.ts';
import { addCounters } from '../counters.ts';
import { applyFlowWrites, requireNoRows } from '../flow-writes.ts';
import { moved, type ClaimedRow } from './claimed-row.ts';
import { acceptedFence, acceptedInGroup, holdGroup } from './groups.ts';
import { holdKey } from './letters.ts';

/** Ends attempts in one transaction; one that is stale is undone alone. */
export function settleTasks(
  db: Database,
  settlements: readonly TaskSettlement[],
  newId: () => string,
): TaskSettlementResult[] {
  for (const { rows } of settlements) requireNoRows(rows);
  return db.transaction(() => settlements.map((settlement) => settleOne(db, settlement, newId)));
}

function settleOne(db: Database, settlement: TaskSettlement, newId: () => string): TaskSettlementResult {
  const task = claimedRow(db, settlement);
  if (!task) return { outcome: 'void', dead_letter: false };
  db.exec('SAVEPOINT settlement');
  try {
    applyFlowWrites(db, settlement.writes ?? []);
    addCounters(db, settlement.counters ?? []);
    const dead_letter = apply(db, task, settlement, newId);
    db.exec('RELEASE settlement');
    return { outcome: 'settled', dead_letter };
  } catch (error) {
    // Anything else ends the transaction, and with it all settlements.
    if (!(error instanceof StaleError)) throw error;
    db.exec('ROLLBACK TO settlement');
    db.exec('RELEASE settlement');
    return { outcome: 'stale', dead_letter: false };
  }
}

/** Undefined when the claim is not the newest any more (K2). */
function claimedRow(db: Database, settlement: TaskSettlement): ClaimedRow | undefined {
  return db.get<ClaimedRow>(
    `SELECT t.destination_id, t.key, t.fence, t.key_group, t.wanted, t.claimed, t.attempts, t.failures, t.refused_fence,
            t.dead_letter_id, t.partition_id, t.offset, u.name AS subject
     FROM task t LEFT JOIN subject u USING (subject_id)
     WHERE t.destination_id = ? AND t.key = ? AND t.fence = ? AND t.state = 'claimed'`,
    settlement.destination_id,
    settlement.key,
    settlement.fence,
  );
}

/** True when a dead letter came of it. */
function apply(db: Database, task: ClaimedRow, settlement: TaskSettlement, newId: () => string): boolean {
  const { now_ms } = settlement;
  switch (settlement.kind) {
    case 'done':
      done(db, task, settlement);
      return false;
    case 'later':
      putBack(db, task, settlement.due_ms, now_ms);
      return false;
    case 'deferred':
      deferred(db, task, settlement);
      return false;
    case 'group_held':
      answered(db, task);
      holdGroup(db, task, settlement.refusal, settlement.until_ms, now_ms);
      // Its group alone decides when it goes on.
      putBack(db, task, 0, now_ms);
      return false;
    case 'refused':
      return refused(db, task, settlement, newId);
    case 'dead_letter':
      answered(db, task);
      holdKey(db, task, settlement.refusal, now_ms, newId);
      return true;
  }
}

type Of<K extends TaskSettlement['kind']> = Extract<TaskSettlement, { kind: K }>;

/** The other side has what the claim stood for; what came since makes the key ready again (K1). */
function done(db: Database, task: ClaimedRow, settlement: Of<'done'>): void {
  const { now_ms } = settlement;
  if (task.wanted === task.claimed) {
    nextTaskState('claimed', 'done');
    db.run('DELETE FROM task WHERE destination_id = ? AND key = ?', task.destination_id, task.key);
  } else
    db.run(
      `UPDATE task SET ${moved('done_newer')}, attempts = 0, failures = 0, refused_fence = NULL, failed_fence = NULL,
         dead_letter_id = NULL, since_ms = ? WHERE destination_id = ? AND key = ?`,
      now_ms,
      task.destination_id,
      task.key,
    );
  const label = task.destination_id;
  if (!settlement.sent) {
    addCounters(db, [{ name: 'keys_unchanged', label, by: 1 }]);
    return;
  }
  acceptedInGroup(db, task, task.fence);
  moveCircuit(db, task.destination_id, 'succeeded', { fence: task.fence, now_ms });
  addCounters(db, [
    { name: 'items_accepted', label, by: 1 },
    { name: 'bytes_sent', label, by: settlement.bytes },
  ]);
}

function deferred(db: Database, task: ClaimedRow, settlement: Of<'deferred'>): void {
  const { now_ms, until_ms, refusal } = settlement;
  if (settlement.suspicious)
    db.run(
      `UPDATE task SET failures = failures + 1, failed_fence = fence, refused_fence = coalesce(refused_fence, fence)
       WHERE destination_id = ? AND key = ?`,
      task.destination_id,
      task.key,
    );
  putBack(db, task, settlement.due_ms, now_ms);
  moveCircuit(db, task.destination_id, 'failed', { fence: task.fence, until_ms, refusal, now_ms });
}

/**
 * The key was refused. When its attempts are used up it is bad if a neighbour passed since the first refusal, or if an
 * operator tried it again; else, while none passed, the whole group may be refused, and is held (K6).
 */
function refused(db: Database, task: ClaimedRow, settlement: Of<'refused'>, newId: () => string): boolean {
  const { now_ms, refusal, group_until_ms } = settlement;
  answered(db, task);
  const refused_fence = task.refused_fence ?? task.fence;
  const neighbour_passed = acceptedFence(db, task) > refused_fence;
  const used_up = (settlement.suspicious ? task.failures : task.attempts) + 1 >= settlement.most_attempts;
  if (used_up && (neighbour_passed || task.dead_letter_id !== null)) {
    holdKey(db, task, refusal, now_ms, newId);
    return true;
  }
  db.run(
    `UPDATE task SET attempts = attempts + ?, failures = failures + ?, failed_fence = iif(?, fence, failed_fence), refused_fence = ?
     WHERE destination_id = ? AND key = ?`,
    settlement.suspicious ? 0 : 1,
    settlement.suspicious ? 1 : 0,
    settlement.suspicious ? 1 : 0,
    refused_fence,
    task.destination_id,
    task.key,
  );
  if (!neighbour_passed && group_until_ms !== null) holdGroup(db, task, refusal, group_until_ms, now_ms);
  putBack(db, task, settlement.due_ms, now_ms);
  return false;
}

function putBack(db: Database, task: ClaimedRow, due_ms: number, now_ms: number): void {
  db.run(
    `UPDATE task SET ${moved('again')}, due_ms = ? WHERE destination_id = ? AND key = ?`,
    Math.min(due_ms, now_ms + LONGEST_DELAY_MS),
    task.destination_id,
    task.key,
  );
}

import { nextTaskState } from '../../keyed/states.ts';
import type { Refusal } from '../../transaction.ts';
import { addCounters } from '../counters.ts';
import type { Transaction, Value } from '../database.ts';
import { insertDeadLetter, reopenDeadLetter } from '../dead-letters.ts';
import { moved, type ClaimedRow } from './claimed-row.ts';

/** Refused for good: a dead letter holds the key (K5). One that was tried again is open once more. */
export async function holdKey(
  tx: Transaction,
  task: ClaimedRow,
  refusal: Refusal,
  now_ms: number,
  newId: () => string,
): Promise<void> {
  let { dead_letter_id } = task;
  if (dead_letter_id === null || !(await reopenDeadLetter(tx, dead_letter_id, refusal, now_ms))) {
    dead_letter_id = newId();
    const attempts = task.attempts + task.failures + 1;
    await insertDeadLetter(tx, { ...task, dead_letter_id, refusal, attempts, payload: null, now_ms });
    await addCounters(tx, [{ name: 'dead_letters', label: task.destination_id, by: 1 }]);
  }
  await tx.run(
    `UPDATE syncline.task SET ${moved('dead_letter')}, dead_letter_id = $1 WHERE destination_id = $2 AND key = $3`,
    dead_letter_id,
    task.destination_id,
    task.key,
  );
}

const FRESH = 'attempts = 0, failures = 0, refused_fence = NULL, failed_fence = NULL, due_ms = 0';

/** Marks the key of an open dead letter dirty. False when the letter is none of a key, or not open. */
export async function retryKey(tx: Transaction, dead_letter_id: string): Promise<boolean> {
  if (!(await closeLetter(tx, dead_letter_id, 'retried'))) return false;
  await goOn(tx, [dead_letter_id]);
  return true;
}

/** Gives up what was refused; what changed since goes on. False as above. */
export async function discardKey(
  tx: Transaction,
  dead_letter_id: string,
  state: 'discarded' | 'superseded',
): Promise<boolean> {
  if (!(await closeLetter(tx, dead_letter_id, state))) return false;
  nextTaskState('held', 'discard');
  // First the lock: a change may come at this moment, and then the key goes on.
  await tx.get(`SELECT 1 FROM syncline.task WHERE dead_letter_id = $1 AND state = 'held' FOR UPDATE`, dead_letter_id);
  await tx.run(
    `DELETE FROM syncline.task WHERE dead_letter_id = $1 AND state = 'held' AND wanted = claimed`,
    dead_letter_id,
  );
  await tx.run(
    `UPDATE syncline.task SET state = '${nextTaskState('held', 'discard_newer')}', dead_letter_id = NULL, ${FRESH}
     WHERE dead_letter_id = $1 AND state = 'held'`,
    dead_letter_id,
  );
  return true;
}

async function closeLetter(tx: Transaction, dead_letter_id: string, state: string): Promise<boolean> {
  const closed = await tx.run(
    `UPDATE syncline.dead_letter SET state = $1 WHERE dead_letter_id = $2 AND state = 'open' AND key IS NOT NULL`,
    state,
    dead_letter_id,
  );
  return closed === 1;
}

/**
 * What was refused is erased: the letters of these keys are closed, and the keys go on, so that the deletion is sent.
 * `condition` is about `dead_letter d`. Returns how many letters there were.
 */
export async function releaseErased(tx: Transaction, condition: string, ...values: Value[]): Promise<number> {
  const letters = await tx.all<{ dead_letter_id: string }>(
    `UPDATE syncline.dead_letter d SET state = 'discarded' WHERE state = 'open' AND key IS NOT NULL AND ${condition}
     RETURNING dead_letter_id`,
    ...values,
  );
  if (letters.length === 0) return 0;
  await goOn(
    tx,
    letters.map(({ dead_letter_id }) => dead_letter_id),
  );
  return letters.length;
}

async function goOn(tx: Transaction, letters: readonly string[]): Promise<void> {
  await tx.all(
    `SELECT 1 FROM syncline.task WHERE dead_letter_id = ANY ($1::text[]) AND state = 'held'
     ORDER BY destination_id, key FOR NO KEY UPDATE`,
    letters,
  );
  await tx.run(
    `UPDATE syncline.task SET state = '${nextTaskState('held', 'retry')}', wanted = wanted + 1, ${FRESH}
     WHERE dead_letter_id = ANY ($1::text[]) AND state = 'held'`,
    letters,
  );
}

import type { Database } from '../../../storage/sqlite/database.ts';
import { nextTaskState } from '../../keyed/states.ts';
import type { Refusal } from '../../transaction.ts';
import { addCounters } from '../counters.ts';
import { insertDeadLetter, reopenDeadLetter } from '../dead-letters.ts';
import { moved, type ClaimedRow } from './claimed-row.ts';

/** Refused for good: a dead letter holds the key (K5). One that was tried again is open once more. */
export function holdKey(db: Database, task: ClaimedRow, refusal: Refusal, now_ms: number, newId: () => string): void {
  let dead_letter_id = task.dead_letter_id;
  if (dead_letter_id === null || !reopenDeadLetter(db, dead_letter_id, refusal, now_ms)) {
    dead_letter_id = newId();
    insertDeadLetter(db, {
      ...task,
      dead_letter_id,
      refusal,
      attempts: task.attempts + task.failures + 1,
      payload: null,
      now_ms,
    });
    addCounters(db, [{ name: 'dead_letters', label: task.destination_id, by: 1 }]);
  }
  db.run(
    `UPDATE task SET ${moved('dead_letter')}, dead_letter_id = ? WHERE destination_id = ? AND key = ?`,
    dead_letter_id,
    task.destination_id,
    task.key,
  );
}

const FRESH = 'attempts = 0, failures = 0, refused_fence = NULL, failed_fence = NULL, due_ms = 0';

/** Marks the key of an open dead letter dirty. False when the letter is none of a key, or not open. */
export function retryKey(db: Database, dead_letter_id: string): boolean {
  if (!closeLetter(db, dead_letter_id, 'retried')) return false;
  goOn(db, '= ?', dead_letter_id);
  return true;
}

/** Gives up what was refused; what changed since goes on. False as above. */
export function discardKey(db: Database, dead_letter_id: string, state: 'discarded' | 'superseded'): boolean {
  if (!closeLetter(db, dead_letter_id, state)) return false;
  nextTaskState('held', 'discard');
  db.run(`DELETE FROM task WHERE dead_letter_id = ? AND state = 'held' AND wanted = claimed`, dead_letter_id);
  db.run(
    `UPDATE task SET state = '${nextTaskState('held', 'discard_newer')}', dead_letter_id = NULL, ${FRESH}
     WHERE dead_letter_id = ? AND state = 'held'`,
    dead_letter_id,
  );
  return true;
}

function closeLetter(db: Database, dead_letter_id: string, state: string): boolean {
  return (
    db.run(
      `UPDATE dead_letter SET state = ? WHERE dead_letter_id = ? AND state = 'open' AND key IS NOT NULL`,
      state,
      dead_letter_id,
    ) === 1
  );
}

/**
 * What was refused is erased: the letters of these keys are closed, and the keys go on, so that the deletion is sent.
 * `condition` is about `dead_letter d`. Returns how many letters there were.
 */
export function releaseErased(db: Database, condition: string, ...parameters: (string | number)[]): number {
  const letters = db
    .all<{ dead_letter_id: string }>(
      `SELECT dead_letter_id FROM dead_letter d WHERE state = 'open' AND key IS NOT NULL AND ${condition}`,
      ...parameters,
    )
    .map(({ dead_letter_id }) => dead_letter_id);
  if (letters.length === 0) return 0;
  const ids = JSON.stringify(letters);
  goOn(db, 'IN (SELECT value FROM json_each(?))', ids);
  return db.run(
    `UPDATE dead_letter SET state = 'discarded' WHERE dead_letter_id IN (SELECT value FROM json_each(?))`,
    ids,
  );
}

function goOn(db: Database, letters: string, parameter: string): void {
  db.run(
    `UPDATE task SET state = '${nextTaskState('held', 'retry')}', wanted = wanted + 1, ${FRESH}
     WHERE dead_letter_id ${letters} AND state = 'held'`,
    parameter,
  );
}

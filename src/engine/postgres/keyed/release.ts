import { nextTaskState } from '../../keyed/states.ts';
import type { Transaction } from '../database.ts';
import { claimedTasks } from './claims.ts';
import { isDue } from './groups.ts';
import { present, presentOf, type LeaseTime } from './time.ts';

const RELEASED = `state = '${nextTaskState('claimed', 'again')}', is_claimed = false, due_ms = 0`;

/**
 * Claims of `owner`, who has none under way, and of others whose lease is over, become ready; what is noted of claims that
 * were settled in pieces goes.
 */
export async function releaseExpired(
  tx: Transaction,
  destination_id: string,
  owner: string,
  now_ms: number,
  lease_time: LeaseTime,
): Promise<number> {
  const over = await tx.all<{ first_fence: number }>(
    `SELECT first_fence FROM syncline.claim WHERE destination_id = $1
       AND (owner = $2 OR lease_until_ms <= ${present('$3')}) ORDER BY first_fence LIMIT ${MOST_CLAIMS} FOR UPDATE SKIP LOCKED`,
    destination_id,
    owner,
    presentOf(lease_time, now_ms),
  );
  if (over.length === 0) return 0;
  const fences = over.map(({ first_fence }) => first_fence);
  const of_these = `SELECT t.key FROM ${claimedTasks('$1')} WHERE c.first_fence = ANY ($2::bigint[])`;
  await tx.all(`${of_these} ORDER BY t.key FOR NO KEY UPDATE OF t`, destination_id, fences);
  // A statement of its own: what was settled while the locks were waited for is no claim any more.
  const released = await tx.run(
    `UPDATE syncline.task SET ${RELEASED} WHERE destination_id = $1 AND key = ANY (ARRAY(${of_these}))`,
    destination_id,
    fences,
  );
  await tx.run('DELETE FROM syncline.claim WHERE first_fence = ANY ($1::bigint[])', fences);
  return released;
}

/** Of one call, so that a transaction stays small; the next one takes more. */
const MOST_CLAIMS = 200;

/** When the next task is due; of a held group, when it and one of its keys are. */
export async function nextDue(tx: Transaction, destination_id: string, now_ms: number): Promise<number | null> {
  const timed = `FROM syncline.task t WHERE t.destination_id = $1 AND t.state = 'ready' AND t.due_ms <> 0 AND NOT t.is_claimed`;
  const times = await tx.all<{ due_ms: number | null }>(
    `SELECT min(0) AS due_ms FROM (SELECT 1 FROM syncline.task t
       WHERE t.destination_id = $1 AND t.state = 'ready' AND t.due_ms = 0 AND NOT t.is_claimed LIMIT 1) AS at_once HAVING count(*) > 0
     UNION ALL SELECT min(t.due_ms) ${timed}
     UNION ALL SELECT max(t.due_ms) ${timed}
     UNION ALL
     SELECT greatest(g.due_ms, p.due_ms) FROM syncline.key_group g CROSS JOIN LATERAL (
       SELECT t.due_ms FROM syncline.task t
       WHERE t.destination_id = g.destination_id AND t.key_group = g.key_group
         AND t.state IN ('ready', 'parked') AND t.state = 'parked' ORDER BY t.due_ms LIMIT 1) p
     WHERE g.destination_id = $1 AND (g.held_class IS NOT NULL OR g.parked)
       -- Somebody tries a key of the group; how that ends decides when the others go on.
       AND NOT (g.held_class IS NOT NULL AND EXISTS (SELECT 1 FROM ${claimedTasks('$1')} AND t.key_group = g.key_group))`,
    destination_id,
  );
  const due = times.flatMap(({ due_ms }) => (due_ms === null ? [] : [isDue(due_ms, now_ms) ? now_ms : due_ms]));
  return due.length === 0 ? null : Math.min(...due);
}

import { nextTaskState } from '../../keyed/states.ts';
import type { Transaction } from '../database.ts';
import { isDue } from './groups.ts';
import { present, presentOf, type LeaseTime } from './time.ts';

const RELEASED = `state = '${nextTaskState('claimed', 'again')}', owner = NULL, lease_until_ms = NULL, due_ms = 0`;

/**
 * Claims of `owner`, who has none under way, and of others whose lease is over, become ready. One that is being written at
 * this moment (settled after all, or touched) is left for the next time.
 */
export function releaseExpired(
  tx: Transaction,
  destination_id: string,
  owner: string,
  now_ms: number,
  lease_time: LeaseTime,
): Promise<number> {
  return tx.run(
    `UPDATE syncline.task SET ${RELEASED} WHERE destination_id = $1 AND key IN (
       SELECT key FROM syncline.task WHERE destination_id = $1 AND state = 'claimed'
         AND (owner = $2 OR lease_until_ms <= ${present('$3')}) FOR UPDATE SKIP LOCKED)`,
    destination_id,
    owner,
    presentOf(lease_time, now_ms),
  );
}

/** When the next task is due; of a held group, when it and one of its keys are. */
export async function nextDue(tx: Transaction, destination_id: string, now_ms: number): Promise<number | null> {
  const timed = `FROM syncline.task t WHERE t.destination_id = $1 AND t.state = 'ready' AND t.due_ms <> 0`;
  const times = await tx.all<{ due_ms: number | null }>(
    `SELECT min(0) AS due_ms FROM (SELECT 1 FROM syncline.task t
       WHERE t.destination_id = $1 AND t.state = 'ready' AND t.due_ms = 0 LIMIT 1) AS at_once HAVING count(*) > 0
     UNION ALL SELECT min(t.due_ms) ${timed}
     UNION ALL SELECT max(t.due_ms) ${timed}
     UNION ALL
     SELECT greatest(g.due_ms, p.due_ms) FROM syncline.key_group g CROSS JOIN LATERAL (
       SELECT t.due_ms FROM syncline.task t
       WHERE t.destination_id = g.destination_id AND t.key_group = g.key_group
         AND t.state IN ('ready', 'parked') AND t.state = 'parked' ORDER BY t.due_ms LIMIT 1) p
     WHERE g.destination_id = $1 AND (g.held_class IS NOT NULL OR g.parked)
       -- Somebody tries a key of the group; how that ends decides when the others go on.
       AND NOT (g.held_class IS NOT NULL AND EXISTS (
         SELECT 1 FROM syncline.task t
         WHERE t.destination_id = g.destination_id AND t.key_group = g.key_group AND t.state = 'claimed'))`,
    destination_id,
  );
  const due = times.flatMap(({ due_ms }) => (due_ms === null ? [] : [isDue(due_ms, now_ms) ? now_ms : due_ms]));
  return due.length === 0 ? null : Math.min(...due);
}

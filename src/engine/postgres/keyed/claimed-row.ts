import { nextTaskState, type TaskEvent, type TaskState } from '../../keyed/states.ts';
import type { TaskRef } from '../../keyed/store.ts';
import type { Transaction } from '../database.ts';

/** A claimed task as its settlement needs it. */
export interface ClaimedRow {
  destination_id: string;
  key: string;
  fence: number;
  key_group: string;
  wanted: number;
  claimed: number;
  attempts: number;
  failures: number;
  refused_fence: number | null;
  dead_letter_id: string | null;
  partition_id: number;
  offset: number;
  subject_id: number | null;
}

/** The columns that end a claim. */
export function moved(event: TaskEvent): string {
  return `state = '${nextTaskState('claimed', event)}', owner = NULL, lease_until_ms = NULL`;
}

/** One look into the primary key for each: joined in any other way, PostgreSQL may read all tasks, or all claimed ones. */
const LOCK = `
  SELECT g.place::integer - 1 AS place, t.* FROM (
    SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS g (destination_id, key, place)
    ORDER BY destination_id COLLATE "C", key COLLATE "C") g
  CROSS JOIN LATERAL (
    SELECT t.destination_id, t.key, t.state, t.fence, t.key_group, t.wanted, t.claimed, t.attempts, t.failures,
           t.refused_fence, t.dead_letter_id, t.partition_id, t."offset", t.subject_id
    FROM syncline.task t WHERE t.destination_id = g.destination_id AND t.key = g.key FOR NO KEY UPDATE) t`;

/**
 * The claims among these that are the newest of their keys (K2), by their place in `refs`, locked in the order of keys as
 * `raiseTasks` locks them. A statement of its own: those after it see what others did until the lock was given.
 */
export async function lockClaims(tx: Transaction, refs: readonly TaskRef[]): Promise<Map<number, ClaimedRow>> {
  const rows = await tx.all<ClaimedRow & { place: number; state: TaskState }>(
    LOCK,
    refs.map(({ destination_id }) => destination_id),
    refs.map(({ key }) => key),
  );
  const newest = rows.filter(({ place, fence, state }) => state === 'claimed' && fence === refs[place]?.fence);
  return new Map(newest.map(({ place, state: _, ...row }) => [place, row]));
}

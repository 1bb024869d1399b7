import { storable } from '../../../storage/postgres/steps.ts';
import { nextTaskState } from '../../keyed/states.ts';
import { LONGEST_DELAY_MS } from '../../keyed/store.ts';
import { TRANSACTION_LIMITS, type Refusal } from '../../transaction.ts';
import type { Transaction } from '../database.ts';

export interface GroupPlace {
  destination_id: string;
  key_group: string;
}

export interface TroubledGroup {
  key_group: string;
  held: boolean;
  due_ms: number;
  parked: boolean;
}

/** Groups that are held, or were and have parked keys left. The caller has locked the destination. */
export function troubledGroups(tx: Transaction, destination_id: string): Promise<TroubledGroup[]> {
  return tx.all<TroubledGroup>(
    `SELECT key_group, held_class IS NOT NULL AS held, due_ms, parked FROM syncline.key_group
     WHERE destination_id = $1 AND (held_class IS NOT NULL OR parked) ORDER BY key_group`,
    destination_id,
  );
}

/**
 * Takes the keys of held groups out of the index of ready ones, and brings those of others back: at most a thousand each
 * in one claim, so that a held group of any size delays nobody else.
 */
export async function park(tx: Transaction, destination_id: string, groups: readonly TroubledGroup[]): Promise<void> {
  const held = groups.filter((group) => group.held).map(({ key_group }) => key_group);
  const free = groups.filter((group) => !group.held).map(({ key_group }) => key_group);
  if (held.length > 0) {
    await moveSome(tx, destination_id, held, 'ready', nextTaskState('ready', 'park'));
    await tx.run(
      `UPDATE syncline.key_group SET parked = true
       WHERE destination_id = $1 AND key_group = ANY ($2::text[]) AND NOT parked`,
      destination_id,
      held,
    );
  }
  if (free.length === 0) return;
  const moved = await moveSome(tx, destination_id, free, 'parked', nextTaskState('parked', 'unpark'));
  if (moved < TRANSACTION_LIMITS.max_rows)
    await tx.run(
      `UPDATE syncline.key_group g SET parked = false
       WHERE destination_id = $1 AND key_group = ANY ($2::text[]) AND parked AND NOT EXISTS (
         SELECT 1 FROM syncline.task t
         WHERE t.destination_id = g.destination_id AND t.key_group = g.key_group AND t.state = 'parked')`,
      destination_id,
      free,
    );
}

/** Rows that somebody writes at this moment are left for the next claim. */
function moveSome(
  tx: Transaction,
  destination_id: string,
  groups: readonly string[],
  from: 'ready' | 'parked',
  to: string,
): Promise<number> {
  return tx.run(
    `UPDATE syncline.task SET state = $1 WHERE destination_id = $2 AND key IN (
       SELECT key FROM syncline.task
       WHERE destination_id = $2 AND key_group = ANY ($3::text[]) AND state IN ('ready', 'parked') AND state = $4
       LIMIT ${TRANSACTION_LIMITS.max_rows} FOR UPDATE SKIP LOCKED)`,
    to,
    destination_id,
    groups,
    from,
  );
}

/** For each held group whose time has come, and of which nobody tries a key: the key that is due longest. */
export async function trials(
  tx: Transaction,
  destination_id: string,
  groups: readonly TroubledGroup[],
  now_ms: number,
): Promise<string[]> {
  const due = groups.filter((group) => group.held && isDue(group.due_ms, now_ms));
  if (due.length === 0) return [];
  const rows = await tx.all<{ key: string }>(
    `SELECT k.key FROM unnest($2::text[]) AS g (key_group) CROSS JOIN LATERAL (
       SELECT t.key FROM syncline.task t
       WHERE t.destination_id = $1 AND t.key_group = g.key_group AND t.state IN ('ready', 'parked') AND t.state = 'parked'
         AND (t.due_ms <= $3 OR t.due_ms > $4)
         AND t.partition_id = ANY (ARRAY(SELECT partition_id FROM syncline.subscription WHERE destination_id = $1 AND accepts))
       ORDER BY t.due_ms LIMIT 1 FOR UPDATE SKIP LOCKED) k
     WHERE NOT EXISTS (SELECT 1 FROM syncline.task t
                       WHERE t.destination_id = $1 AND t.key_group = g.key_group AND t.state = 'claimed')`,
    destination_id,
    due.map(({ key_group }) => key_group),
    now_ms,
    now_ms + LONGEST_DELAY_MS,
  );
  return rows.map(({ key }) => key);
}

export function isDue(due_ms: number, now_ms: number): boolean {
  return due_ms <= now_ms || due_ms > now_ms + LONGEST_DELAY_MS;
}

/** The destination refuses the group: nothing of it goes until `until_ms`, then one key. A burst of answers counts once. */
export async function holdGroup(
  tx: Transaction,
  place: GroupPlace,
  refusal: Refusal,
  until_ms: number,
  now_ms: number,
): Promise<void> {
  await tx.run(
    `INSERT INTO syncline.key_group AS g (destination_id, key_group, held_class, held_since_ms, held_message, holds, due_ms)
     VALUES ($1, $2, $3, $4::bigint, $5, 1, $6)
     ON CONFLICT (destination_id, key_group) DO UPDATE SET held_class = excluded.held_class,
       held_since_ms = coalesce(g.held_since_ms, excluded.held_since_ms), held_message = excluded.held_message,
       due_ms = excluded.due_ms, holds = g.holds + (g.held_class IS NULL OR g.due_ms <= $4)::int`,
    place.destination_id,
    place.key_group,
    refusal.class,
    now_ms,
    storable(refusal.message),
    Math.min(until_ms, now_ms + LONGEST_DELAY_MS),
  );
}

/** Keys of these groups were accepted: they are held no more, and what was refused before is itself suspect. */
export async function acceptedInGroups(
  tx: Transaction,
  destination_id: string,
  fences: ReadonlyMap<string, number>,
): Promise<void> {
  await tx.run(
    `INSERT INTO syncline.key_group AS g (destination_id, key_group, accepted_fence)
     SELECT $1, key_group, fence FROM unnest($2::text[], $3::bigint[]) AS a (key_group, fence) ORDER BY key_group
     ON CONFLICT (destination_id, key_group) DO UPDATE SET
       accepted_fence = greatest(g.accepted_fence, excluded.accepted_fence),
       held_class = NULL, held_since_ms = NULL, held_message = NULL, holds = 0, due_ms = 0`,
    destination_id,
    [...fences.keys()],
    [...fences.values()],
  );
}

export async function acceptedFence(tx: Transaction, place: GroupPlace): Promise<number> {
  const fence = await tx.value<number | undefined>(
    'SELECT accepted_fence FROM syncline.key_group WHERE destination_id = $1 AND key_group = $2',
    place.destination_id,
    place.key_group,
  );
  return fence ?? 0;
}

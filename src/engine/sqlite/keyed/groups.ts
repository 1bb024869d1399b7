import type { Database } from '../../../storage/sqlite/database.ts';
import { nextTaskState } from '../../keyed/states.ts';
import { LONGEST_DELAY_MS } from '../../keyed/store.ts';
import { TRANSACTION_LIMITS, type Refusal } from '../../transaction.ts';

export interface GroupPlace {
  destination_id: string;
  key_group: string;
}

interface TroubledGroup {
  key_group: string;
  held: 0 | 1;
  due_ms: number;
  parked: 0 | 1;
}

/** Groups that are held, or were and have parked keys left. */
export function troubledGroups(db: Database, destination_id: string): TroubledGroup[] {
  return db.all<TroubledGroup>(
    `SELECT key_group, held_class IS NOT NULL AS held, due_ms, parked FROM key_group
     WHERE destination_id = ? AND (held_class IS NOT NULL OR parked = 1) ORDER BY key_group`,
    destination_id,
  );
}

/**
 * Takes the keys of held groups out of the index of ready ones, and brings those of others back: at most a thousand each
 * in one claim, so that a held group of any size delays nobody else.
 */
export function park(db: Database, destination_id: string, groups: readonly TroubledGroup[]): void {
  const held = groups.filter((group) => group.held === 1).map(({ key_group }) => key_group);
  const free = groups.filter((group) => group.held === 0).map(({ key_group }) => key_group);
  if (held.length > 0) {
    moveSome(db, destination_id, held, 'ready', nextTaskState('ready', 'park'));
    db.run(
      'UPDATE key_group SET parked = 1 WHERE destination_id = ? AND parked = 0 AND held_class IS NOT NULL',
      destination_id,
    );
  }
  if (free.length === 0) return;
  const moved = moveSome(db, destination_id, free, 'parked', nextTaskState('parked', 'unpark'));
  if (moved < TRANSACTION_LIMITS.max_rows)
    db.run(
      'UPDATE key_group SET parked = 0 WHERE destination_id = ? AND parked = 1 AND held_class IS NULL',
      destination_id,
    );
}

function moveSome(
  db: Database,
  destination_id: string,
  groups: readonly string[],
  from: 'ready' | 'parked',
  to: string,
): number {
  return db.run(
    `UPDATE task SET state = ?1 WHERE destination_id = ?2 AND key IN (
       SELECT t.key FROM json_each(?3) j CROSS JOIN task t
       WHERE t.destination_id = ?2 AND t.key_group = j.value AND t.state = ?4 LIMIT ${TRANSACTION_LIMITS.max_rows})`,
    to,
    destination_id,
    JSON.stringify(groups),
    from,
  );
}

/** For each held group whose time has come, and of which nobody tries a key: the key that is due longest. */
export function trials(
  db: Database,
  destination_id: string,
  groups: readonly TroubledGroup[],
  now_ms: number,
): string[] {
  const due = groups.filter((group) => group.held === 1 && isDue(group.due_ms, now_ms));
  if (due.length === 0) return [];
  return db
    .all<{ key: string | null }>(
      `SELECT (SELECT t.key FROM task t
               WHERE t.destination_id = ?1 AND t.key_group = j.value AND t.state = 'parked'
                 AND (t.due_ms <= ?3 OR t.due_ms > ?4)
                 AND +t.partition_id IN (SELECT partition_id FROM subscription WHERE destination_id = ?1 AND accepts = 1)
               ORDER BY t.due_ms LIMIT 1) AS key
       FROM json_each(?2) j
       WHERE NOT EXISTS (SELECT 1 FROM task t WHERE t.destination_id = ?1 AND t.key_group = j.value AND t.state = 'claimed')`,
      destination_id,
      JSON.stringify(due.map(({ key_group }) => key_group)),
      now_ms,
      now_ms + LONGEST_DELAY_MS,
    )
    .flatMap(({ key }) => (key === null ? [] : [key]));
}

export function isDue(due_ms: number, now_ms: number): boolean {
  return due_ms <= now_ms || due_ms > now_ms + LONGEST_DELAY_MS;
}

/** The destination refuses the group: nothing of it goes until `until_ms`, then one key. A burst of answers counts once. */
export function holdGroup(db: Database, place: GroupPlace, refusal: Refusal, until_ms: number, now_ms: number): void {
  db.run(
    `INSERT INTO key_group (destination_id, key_group, held_class, held_since_ms, held_message, holds, due_ms)
     VALUES (?1, ?2, ?3, ?4, ?5, 1, ?6)
     ON CONFLICT DO UPDATE SET held_class = excluded.held_class, held_since_ms = coalesce(held_since_ms, excluded.held_since_ms),
       held_message = excluded.held_message, due_ms = excluded.due_ms,
       holds = holds + (held_class IS NULL OR due_ms <= ?4)`,
    place.destination_id,
    place.key_group,
    refusal.class,
    now_ms,
    refusal.message,
    Math.min(until_ms, now_ms + LONGEST_DELAY_MS),
  );
}

/** A key of the group was accepted: the group is held no more, and what was refused before is itself suspect. */
export function acceptedInGroup(db: Database, place: GroupPlace, fence: number): void {
  db.run(
    `INSERT INTO key_group (destination_id, key_group, accepted_fence) VALUES (?1, ?2, ?3)
     ON CONFLICT DO UPDATE SET accepted_fence = max(accepted_fence, excluded.accepted_fence),
       held_class = NULL, held_since_ms = NULL, held_message = NULL, holds = 0, due_ms = 0`,
    place.destination_id,
    place.key_group,
    fence,
  );
}

export function acceptedFence(db: Database, place: GroupPlace): number {
  return (
    db.value<number | undefined>(
      'SELECT accepted_fence FROM key_group WHERE destination_id = ? AND key_group = ?',
      place.destination_id,
      place.key_group,
    ) ?? 0
  );
}

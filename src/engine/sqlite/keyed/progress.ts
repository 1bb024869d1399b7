import type { Database } from '../../../storage/sqlite/database.ts';
import type { KeyedProgress, KeyEntry, WaitingKey } from '../../keyed/store.ts';
import { OFFSET_BITS } from '../entry-id.ts';

type Group = KeyedProgress['held_groups'][number];

/** What is open for each keyed destination. */
export function keyedProgress(db: Database): KeyedProgress[] {
  const rows = db.all<Omit<KeyedProgress, 'held_groups'>>(
    `SELECT d.destination_id,
            coalesce(sum(t.state <> 'held'), 0) AS waiting,
            min(iif(t.state <> 'held', t.since_ms, NULL)) AS oldest_waiting_ms,
            coalesce(sum(t.state = 'claimed'), 0) AS claimed,
            coalesce(sum(t.state <> 'held' AND t.attempts + t.failures > 0), 0) AS failing,
            coalesce(sum(t.state = 'held'), 0) AS held_keys
     FROM destination d LEFT JOIN task t USING (destination_id)
     WHERE d.delivery = 'keyed' AND d.state <> 'removed' GROUP BY d.destination_id ORDER BY d.destination_id`,
  );
  const groups = db.all<Group & { destination_id: string }>(
    `SELECT g.destination_id, g.key_group AS "group", g.held_class AS class, g.held_since_ms AS since_ms,
            g.held_message AS message,
            (SELECT count(*) FROM task t WHERE t.destination_id = g.destination_id AND t.key_group = g.key_group
               AND t.state <> 'held') AS waiting
     FROM key_group g WHERE g.held_class IS NOT NULL ORDER BY g.destination_id, g.key_group`,
  );
  return rows.map((row) => ({
    ...row,
    held_groups: groups
      .filter(({ destination_id }) => destination_id === row.destination_id)
      .map(({ destination_id: _, ...group }) => group),
  }));
}

/** Keys that wait for a destination, about in the order in which they go; sorts them all. */
export function waitingKeys(db: Database, destination_id: string, now_ms: number, limit: number): WaitingKey[] {
  return db.all<WaitingKey & Record<string, never>>(
    `SELECT key, due_ms FROM task WHERE destination_id = ? AND state <> 'held'
     ORDER BY due_ms > ?, priority, iif(due_ms = 0, since_ms, due_ms), key LIMIT ?`,
    destination_id,
    now_ms,
    limit,
  );
}

/** Entries of one key after an offset of one partition, oldest first. */
export function entriesOf(
  db: Database,
  key: string,
  partition_id: number,
  after_offset: number,
  limit: number,
): KeyEntry[] {
  return db.all<KeyEntry>(
    `SELECT partition_id, offset, observed_ms, payload FROM entry
     WHERE key = ?1 AND entry_id > ((?2 << ${OFFSET_BITS}) | ?3) AND entry_id < ((?2 + 1) << ${OFFSET_BITS})
     ORDER BY entry_id LIMIT ?4`,
    key,
    partition_id,
    after_offset,
    limit,
  );
}

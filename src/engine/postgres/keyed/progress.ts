import type { KeyedProgress, KeyEntry, WaitingKey } from '../../keyed/store.ts';
import type { Transaction } from '../database.ts';

type Group = KeyedProgress['held_groups'][number];

/** What is open for each keyed destination. */
export async function keyedProgress(tx: Transaction): Promise<KeyedProgress[]> {
  const rows = await tx.all<Omit<KeyedProgress, 'held_groups'>>(
    `SELECT d.destination_id,
            count(t.key) FILTER (WHERE t.state <> 'held') AS waiting,
            min(t.since_ms) FILTER (WHERE t.state <> 'held') AS oldest_waiting_ms,
            count(t.key) FILTER (WHERE t.state = 'claimed') AS claimed,
            count(t.key) FILTER (WHERE t.state <> 'held' AND t.attempts + t.failures > 0) AS failing,
            count(t.key) FILTER (WHERE t.state = 'held') AS held_keys
     FROM syncline.destination d LEFT JOIN syncline.task t USING (destination_id)
     WHERE d.delivery = 'keyed' AND d.state <> 'removed' GROUP BY d.destination_id ORDER BY d.destination_id`,
  );
  const groups = await tx.all<Group & { destination_id: string }>(
    `SELECT g.destination_id, g.key_group AS "group", g.held_class AS class, g.held_since_ms AS since_ms,
            g.held_message AS message,
            (SELECT count(*) FROM syncline.task t WHERE t.destination_id = g.destination_id AND t.key_group = g.key_group
               AND t.state <> 'held') AS waiting
     FROM syncline.key_group g WHERE g.held_class IS NOT NULL ORDER BY g.destination_id, g.key_group`,
  );
  return rows.map((row) => ({
    ...row,
    held_groups: groups
      .filter(({ destination_id }) => destination_id === row.destination_id)
      .map(({ destination_id: _, ...group }) => group),
  }));
}

/** Keys that wait for a destination, about in the order in which they go; sorts them all. */
export function waitingKeys(
  tx: Transaction,
  destination_id: string,
  now_ms: number,
  limit: number,
): Promise<WaitingKey[]> {
  return tx.all<WaitingKey>(
    `SELECT key, due_ms FROM syncline.task WHERE destination_id = $1 AND state <> 'held'
     ORDER BY due_ms > $2::bigint, priority, CASE due_ms WHEN 0 THEN since_ms ELSE due_ms END, key LIMIT $3`,
    destination_id,
    now_ms,
    limit,
  );
}

/** Entries of one key after an offset of one partition, oldest first. */
export function entriesOf(
  tx: Transaction,
  key: string,
  partition_id: number,
  after_offset: number,
  limit: number,
): Promise<KeyEntry[]> {
  return tx.all<KeyEntry>(
    `SELECT partition_id, "offset", observed_ms, payload FROM syncline.entry
     WHERE key = $1 AND partition_id = $2 AND "offset" > $3 ORDER BY "offset" LIMIT $4`,
    key,
    partition_id,
    after_offset,
    limit,
  );
}

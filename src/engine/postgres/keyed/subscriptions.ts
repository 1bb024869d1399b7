import type { Partition } from '../../partition.ts';
import { TRANSACTION_LIMITS } from '../../transaction.ts';
import type { EngineDatabase, Transaction } from '../database.ts';
import { PARTITION_COLUMNS, toPartition, type PartitionRow } from '../partitions.ts';

interface Decision {
  row: PartitionRow;
  before: boolean | null;
  now: boolean;
}

/** Notes which partitions the destination takes, and withdraws tasks of those that it takes no more. */
export async function decide(
  db: EngineDatabase,
  destination_id: string,
  accepts: (partition: Partition) => boolean,
): Promise<{ withdrawn: number; more: boolean }> {
  const rows = await db.statement((tx) =>
    tx.all<PartitionRow & { accepts: boolean | null }>(
      `SELECT ${PARTITION_COLUMNS}, s.accepts
       FROM syncline.destination d JOIN syncline.partition p ON p.stream = d.stream
       LEFT JOIN syncline.subscription s ON s.destination_id = d.destination_id AND s.partition_id = p.partition_id
       WHERE d.destination_id = $1 AND p.delivery = 'keyed' ORDER BY p.partition_id`,
      destination_id,
    ),
  );
  const decided = rows.map(({ accepts: before, ...row }) => ({ row, before, now: accepts(toPartition(row)) }));
  const changed = decided.filter(({ before, now }) => before !== now);
  const declined = decided.filter(({ now }) => !now).map(({ row }) => row.partition_id);
  if (changed.length === 0 && declined.length === 0) return { withdrawn: 0, more: false };
  return db.transaction(async (tx) => {
    if (changed.length > 0) await note(tx, destination_id, changed);
    const withdrawn = declined.length === 0 ? 0 : await withdraw(tx, destination_id, declined);
    return { withdrawn, more: withdrawn === TRANSACTION_LIMITS.max_rows };
  });
}

async function note(tx: Transaction, destination_id: string, changed: readonly Decision[]): Promise<void> {
  const ids = changed.map(({ row }) => row.partition_id);
  // Whoever marks keys of these partitions dirty has ended, or asks again once this is committed.
  await tx.all(
    `SELECT 1 FROM syncline.partition WHERE partition_id = ANY ($1::bigint[]) ORDER BY partition_id FOR UPDATE`,
    ids,
  );
  await tx.run(
    `INSERT INTO syncline.subscription (destination_id, partition_id, accepts)
     SELECT $1, partition_id, accepts FROM unnest($2::bigint[], $3::boolean[]) AS c (partition_id, accepts)
     ORDER BY partition_id
     ON CONFLICT (destination_id, partition_id) DO UPDATE SET accepts = excluded.accepts`,
    destination_id,
    ids,
    changed.map(({ now }) => now),
  );
  // While it did not take the partition no task was raised for its keys.
  if (changed.some(({ before, now }) => before === false && now))
    await tx.run(`UPDATE syncline.destination SET backfill = '' WHERE destination_id = $1`, destination_id);
}

/** Removes tasks that nobody works on and no dead letter holds; at most a thousand. */
function withdraw(tx: Transaction, destination_id: string, partitions: readonly number[]): Promise<number> {
  return tx.run(
    `DELETE FROM syncline.task WHERE destination_id = $1 AND key IN (
       SELECT key FROM syncline.task
       WHERE partition_id = ANY ($2::bigint[]) AND destination_id = $1 AND state IN ('ready', 'parked')
       LIMIT ${TRANSACTION_LIMITS.max_rows} FOR UPDATE SKIP LOCKED)`,
    destination_id,
    partitions,
  );
}

/** The same for destinations that were removed; their dead letters stay. */
export function withdrawRemoved(tx: Transaction): Promise<number> {
  return tx.run(
    `DELETE FROM syncline.task WHERE (destination_id, key) IN (
       SELECT t.destination_id, t.key FROM syncline.destination d JOIN syncline.task t USING (destination_id)
       WHERE d.state = 'removed' AND d.delivery = 'keyed' AND t.state IN ('ready', 'parked')
       LIMIT ${TRANSACTION_LIMITS.max_rows} FOR UPDATE OF t SKIP LOCKED)`,
  );
}

import type { Database } from '../../../storage/sqlite/database.ts';
import type { Partition } from '../../partition.ts';
import { TRANSACTION_LIMITS } from '../../transaction.ts';
import { toPartition } from '../partitions.ts';

type DecisionRow = Parameters<typeof toPartition>[0] & { accepts: 0 | 1 | null };

/** Notes which partitions the destination takes, and withdraws tasks of those that it takes no more. */
export function decide(
  db: Database,
  destination_id: string,
  accepts: (partition: Partition) => boolean,
): { withdrawn: number; more: boolean } {
  const rows = db.all<DecisionRow>(
    `SELECT p.partition_id, p.stream, p.name, p.header, p.delivery, p.first_offset, p.last_offset, p.bytes, s.accepts
     FROM destination d JOIN partition p ON p.stream = d.stream
     LEFT JOIN subscription s ON s.destination_id = d.destination_id AND s.partition_id = p.partition_id
     WHERE d.destination_id = ? AND p.delivery = 'keyed'`,
    destination_id,
  );
  const decided = rows.map(({ accepts: before, ...row }) => ({ row, before, now: accepts(toPartition(row)) ? 1 : 0 }));
  const changed = decided.filter(({ before, now }) => before !== now);
  const declined = decided.filter(({ now }) => now === 0).map(({ row }) => row.partition_id);
  if (changed.length === 0 && declined.length === 0) return { withdrawn: 0, more: false };
  return db.transaction(() => {
    for (const { row, now } of changed)
      db.run(
        `INSERT INTO subscription (destination_id, partition_id, accepts) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET accepts = excluded.accepts`,
        destination_id,
        row.partition_id,
        now,
      );
    // While it did not take the partition no task was raised for its keys.
    if (changed.some(({ before, now }) => before === 0 && now === 1))
      db.run(`UPDATE destination SET backfill = '' WHERE destination_id = ?`, destination_id);
    const withdrawn = withdraw(db, destination_id, declined);
    return { withdrawn, more: withdrawn === TRANSACTION_LIMITS.max_rows };
  });
}

/** Removes tasks that nobody works on and no dead letter holds; at most a thousand. */
function withdraw(db: Database, destination_id: string, partitions: readonly number[]): number {
  if (partitions.length === 0) return 0;
  return db.run(
    `DELETE FROM task WHERE destination_id = ?1 AND key IN (
       SELECT t.key FROM json_each(?2) j CROSS JOIN task t
       WHERE t.partition_id = j.value AND t.destination_id = ?1 AND t.state IN ('ready', 'parked') LIMIT ${TRANSACTION_LIMITS.max_rows})`,
    destination_id,
    JSON.stringify(partitions),
  );
}

/** The same for destinations that were removed; their dead letters stay. */
export function withdrawRemoved(db: Database): number {
  return db.run(
    `DELETE FROM task WHERE (destination_id, key) IN (
       SELECT t.destination_id, t.key FROM destination d CROSS JOIN task t USING (destination_id)
       WHERE d.state = 'removed' AND d.delivery = 'keyed' AND t.state IN ('ready', 'parked')
       LIMIT ${TRANSACTION_LIMITS.max_rows})`,
  );
}

import { SynclineError } from '../../platform/errors.ts';
import type { PartitionHeader } from '../ordered/destination.ts';
import { nextDestinationState, type DestinationEvent, type DestinationState } from '../ordered/states.ts';
import type { Backlog, DestinationRow, DestinationSpec, Partition, PartitionProgress } from '../store.ts';
import { addCounters } from './counters.ts';
import type { EngineDatabase, Transaction } from './database.ts';
import { PARTITION_COLUMNS, requireOneDelivery, toPartition, type PartitionRow } from './partitions.ts';

/** Makes a destination known, or takes over a changed configuration; its progress stays. */
export async function configureDestination(tx: Transaction, spec: DestinationSpec): Promise<void> {
  const delivery = spec.delivery ?? 'ordered';
  await requireOneDelivery(tx, spec.stream, delivery);
  // Whoever appends to them has ended, or sees the destination.
  await tx.all('SELECT 1 FROM syncline.partition WHERE stream = $1 ORDER BY partition_id FOR UPDATE', spec.stream);
  const added = await tx.run(
    `INSERT INTO syncline.destination (destination_id, stream, delivery, required, start, backfill)
     VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING`,
    spec.destination_id,
    spec.stream,
    delivery,
    spec.required,
    spec.start,
    delivery === 'keyed' && spec.start === 'earliest' ? '' : null,
  );
  // Once only: skipping again at each start would skip what came while the destination was paused.
  if (added === 1 && delivery === 'ordered' && spec.start === 'latest') await skipPast(tx, spec);
  // Of one that was removed, the tasks went with it, and none was raised while it was away.
  await tx.run(
    `UPDATE syncline.destination SET required = $1,
       backfill = CASE WHEN delivery = 'keyed' AND state = 'removed' THEN '' ELSE backfill END
     WHERE destination_id = $2`,
    spec.required,
    spec.destination_id,
  );
  await step(tx, spec.destination_id, 'configure', null);
}

/**
 * A destination that begins at the latest offset never sees what was there before it. Whether it takes these partitions
 * at all is asked later (`accepts` stays null).
 */
async function skipPast(tx: Transaction, spec: DestinationSpec): Promise<void> {
  await tx.run(
    `INSERT INTO syncline.progress (destination_id, partition_id, planned_offset, acked_offset)
     SELECT $1, partition_id, last_offset, last_offset FROM syncline.partition WHERE stream = $2`,
    spec.destination_id,
    spec.stream,
  );
}

/** @throws SynclineError `destination.unknown` */
export function changeDestination(
  tx: Transaction,
  destination_id: string,
  event: Exclude<DestinationEvent, 'configure'>,
  until_ms: number | null,
): Promise<void> {
  return step(tx, destination_id, event, until_ms);
}

async function step(
  tx: Transaction,
  destination_id: string,
  event: DestinationEvent,
  until_ms: number | null,
): Promise<void> {
  const row = await tx.get<{ state: DestinationState }>(
    'SELECT state FROM syncline.destination WHERE destination_id = $1 FOR NO KEY UPDATE',
    destination_id,
  );
  if (!row)
    throw new SynclineError('destination.unknown', `There is no destination named ${destination_id}`, {
      hint: '`syncline status` lists them.',
    });
  const state = nextDestinationState(row.state, event);
  if (event === 'configure' && state === row.state) return;
  await tx.run(
    'UPDATE syncline.destination SET state = $1, paused_until_ms = $2 WHERE destination_id = $3',
    state,
    state === 'paused' ? until_ms : null,
    destination_id,
  );
}

interface StoredDestination extends Omit<DestinationRow, 'last_error'> {
  last_error_ms: number | null;
  last_error_code: string | null;
  last_error_message: string | null;
}

export async function destinations(tx: Transaction): Promise<DestinationRow[]> {
  const rows = await tx.all<StoredDestination>(
    `SELECT destination_id, stream, delivery, backfill, required, start, state, paused_until_ms, circuit, circuit_until_ms,
            circuit_failures, failing_since_ms, last_success_ms, last_error_ms, last_error_code, last_error_message
     FROM syncline.destination ORDER BY destination_id`,
  );
  return rows.map(({ last_error_ms, last_error_code, last_error_message, ...row }) => ({
    ...row,
    last_error:
      last_error_ms === null
        ? null
        : { at_ms: last_error_ms, code: last_error_code ?? 'unknown', message: last_error_message ?? '' },
  }));
}

interface BacklogRow extends PartitionRow {
  oldest_ms: number | null;
  held_class: string | null;
  held_since_ms: number | null;
  held_message: string | null;
  due_ms: number;
}

/**
 * Partitions with something undelivered, oldest entry first. A partition is left out while one before it in its chain
 * of predecessors is not drained for this destination: order holds across versions. Suspects do not count: as inside
 * their own partition, what follows may pass them.
 */
export async function backlog(
  db: EngineDatabase,
  destination_id: string,
  accepts: (partition: Partition) => boolean,
): Promise<Backlog[]> {
  await decidePartitions(db, destination_id, accepts);
  const rows = await db.statement((tx) => tx.all<BacklogRow>(BACKLOG, destination_id));
  return rows.map(({ oldest_ms, held_class, held_since_ms, held_message, due_ms, ...row }) => ({
    partition: toPartition(row),
    oldest_ms: oldest_ms ?? 0,
    held: heldOf({ held_class, held_since_ms, held_message }),
    due_ms,
  }));
}

const BACKLOG = `
  WITH RECURSIVE undrained (partition_id) AS (
    SELECT g.partition_id FROM syncline.progress g JOIN syncline.partition p USING (partition_id)
    WHERE g.destination_id = $1 AND g.accepts
      AND (g.planned_offset < p.last_offset
           OR EXISTS (SELECT 1 FROM syncline.batch b WHERE b.destination_id = $1 AND b.partition_id = p.partition_id
                      AND b.state = 'open' AND b.retry_of IS NULL))),
  waiting (partition_id) AS (
    SELECT p.partition_id FROM syncline.partition p JOIN undrained u ON p.predecessor = u.partition_id
    UNION SELECT p.partition_id FROM syncline.partition p JOIN waiting w ON p.predecessor = w.partition_id)
  SELECT ${PARTITION_COLUMNS}, g.held_class, g.held_since_ms, g.held_message, g.due_ms,
         (SELECT observed_ms FROM syncline.entry e
          WHERE e.partition_id = p.partition_id AND e."offset" = g.acked_offset + 1) AS oldest_ms
  FROM syncline.progress g JOIN syncline.partition p USING (partition_id)
  WHERE g.destination_id = $1 AND g.accepts
    AND (g.acked_offset < p.last_offset
         OR EXISTS (SELECT 1 FROM syncline.batch b WHERE b.destination_id = $1 AND b.partition_id = p.partition_id
                    AND b.state IN ('open', 'suspect')))
    AND p.partition_id NOT IN (SELECT partition_id FROM waiting)
  ORDER BY oldest_ms NULLS FIRST, p.partition_id`;

/** Notes which partitions of its stream the destination takes now; new ones begin at their first entry. */
async function decidePartitions(
  db: EngineDatabase,
  destination_id: string,
  accepts: (partition: Partition) => boolean,
): Promise<void> {
  const rows = await db.statement((tx) =>
    tx.all<PartitionRow & { accepts: boolean | null }>(
      `SELECT ${PARTITION_COLUMNS}, g.accepts
       FROM syncline.destination d JOIN syncline.partition p ON p.stream = d.stream
       LEFT JOIN syncline.progress g ON g.destination_id = d.destination_id AND g.partition_id = p.partition_id
       WHERE d.destination_id = $1 ORDER BY p.partition_id`,
      destination_id,
    ),
  );
  const decided = rows.map(({ accepts: before, ...row }) => ({ row, before, now: accepts(toPartition(row)) }));
  const changed = decided.filter(({ before, now }) => before !== now);
  if (changed.length === 0) return;
  await db.transaction((tx) => note(tx, destination_id, changed));
}

async function note(
  tx: Transaction,
  destination_id: string,
  changed: readonly { row: PartitionRow; now: boolean }[],
): Promise<void> {
  const ids = changed.map(({ row }) => row.partition_id);
  await tx.all(
    `SELECT 1 FROM syncline.partition WHERE partition_id = ANY ($1::bigint[]) ORDER BY partition_id FOR UPDATE`,
    ids,
  );
  // What retention took before the destination was asked turns out to be its loss.
  const lost = await tx.value<number>(
    `WITH taken AS (
       SELECT g.partition_id, g.dropped_before FROM unnest($2::bigint[], $3::boolean[]) AS c (partition_id, accepts)
       JOIN syncline.progress g ON g.destination_id = $1 AND g.partition_id = c.partition_id
       WHERE c.accepts AND g.dropped_before > 0 ORDER BY g.partition_id FOR NO KEY UPDATE OF g),
     cleared AS (
       UPDATE syncline.progress g SET dropped_before = 0 FROM taken
       WHERE g.destination_id = $1 AND g.partition_id = taken.partition_id)
     SELECT coalesce(sum(dropped_before), 0)::bigint FROM taken`,
    destination_id,
    ids,
    changed.map(({ now }) => now),
  );
  await tx.run(
    `INSERT INTO syncline.progress (destination_id, partition_id, planned_offset, acked_offset, accepts)
     SELECT $1, p.partition_id, p.first_offset - 1, p.first_offset - 1, c.accepts
     FROM unnest($2::bigint[], $3::boolean[]) AS c (partition_id, accepts)
     JOIN syncline.partition p ON p.partition_id = c.partition_id ORDER BY p.partition_id
     ON CONFLICT (destination_id, partition_id) DO UPDATE SET accepts = excluded.accepts`,
    destination_id,
    ids,
    changed.map(({ now }) => now),
  );
  await addCounters(tx, [{ name: 'items_dropped_by_retention', label: destination_id, by: lost }]);
}

function heldOf(row: Pick<BacklogRow, 'held_class' | 'held_since_ms' | 'held_message'>): Backlog['held'] {
  if (row.held_class === null) return null;
  return { class: row.held_class, since_ms: row.held_since_ms ?? 0, message: row.held_message ?? '' };
}

type ProgressRow = Omit<PartitionProgress, 'held'> & Pick<BacklogRow, 'held_class' | 'held_since_ms' | 'held_message'>;

export async function progress(tx: Transaction): Promise<PartitionProgress[]> {
  const rows = await tx.all<ProgressRow>(
    `SELECT g.destination_id, p.name AS partition, p.last_offset - g.acked_offset AS waiting, g.acked_offset,
            g.held_class, g.held_since_ms, g.held_message,
            (SELECT observed_ms FROM syncline.entry e
             WHERE e.partition_id = p.partition_id AND e."offset" = g.acked_offset + 1) AS oldest_waiting_ms,
            (SELECT count(*) FROM syncline.batch b WHERE b.destination_id = g.destination_id
               AND b.partition_id = g.partition_id AND b.state = 'open') AS open_batches,
            (SELECT count(*) FROM syncline.batch b WHERE b.destination_id = g.destination_id
               AND b.partition_id = g.partition_id AND b.state = 'suspect') AS suspects
     FROM syncline.progress g JOIN syncline.partition p USING (partition_id)
     WHERE g.accepts IS NOT FALSE ORDER BY g.destination_id, p.partition_id`,
  );
  return rows.map(({ held_class, held_since_ms, held_message, ...row }) => ({
    ...row,
    held: heldOf({ held_class, held_since_ms, held_message }),
  }));
}

/** An open batch may have been sent; that of an attempt that never began is among them. */
export async function sentTo(tx: Transaction): Promise<{ destination_id: string; header: PartitionHeader }[]> {
  const rows = await tx.all<{ destination_id: string; header: string }>(
    `SELECT g.destination_id, p.header FROM syncline.progress g JOIN syncline.partition p USING (partition_id)
     WHERE g.accepted_fence > 0 OR EXISTS (
       SELECT 1 FROM syncline.batch b WHERE b.destination_id = g.destination_id AND b.partition_id = g.partition_id
         AND b.state IN ('open', 'suspect')) ORDER BY g.destination_id, g.partition_id`,
  );
  return rows.map(({ destination_id, header }) => ({ destination_id, header: JSON.parse(header) as PartitionHeader }));
}

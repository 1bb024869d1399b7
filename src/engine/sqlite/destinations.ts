import { SynclineError } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { PartitionHeader } from '../ordered/destination.ts';
import { nextDestinationState, type DestinationEvent, type DestinationState } from '../ordered/states.ts';
import type { Backlog, DeliveryKind, DestinationRow, DestinationSpec, Partition, PartitionProgress } from '../store.ts';
import { addCounters } from './counters.ts';
import { OFFSET_BITS } from './entry-id.ts';
import { requireOneDelivery, toPartition } from './partitions.ts';

/** Makes a destination known, or takes over a changed configuration; its progress stays. */
export function configureDestination(db: Database, spec: DestinationSpec): void {
  const delivery = spec.delivery ?? 'ordered';
  db.transaction(() => {
    requireOneDelivery(db, spec.stream, delivery);
    const added = db.run(
      `INSERT INTO destination (destination_id, stream, delivery, required, start, backfill) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT DO NOTHING`,
      spec.destination_id,
      spec.stream,
      delivery,
      spec.required ? 1 : 0,
      spec.start,
      delivery === 'keyed' && spec.start === 'earliest' ? '' : null,
    );
    // Once only: skipping again at each start would skip what came while the destination was paused.
    if (added === 1 && delivery === 'ordered' && spec.start === 'latest') skipPast(db, spec);
    // Its tasks went with it, and none was raised while it was away.
    db.run(
      `UPDATE destination SET backfill = '' WHERE destination_id = ? AND delivery = 'keyed' AND state = 'removed'`,
      spec.destination_id,
    );
    db.run('UPDATE destination SET required = ? WHERE destination_id = ?', spec.required ? 1 : 0, spec.destination_id);
    step(db, spec.destination_id, 'configure', null);
  });
}

/**
 * A destination that begins at the latest offset never sees what was there before it. Whether it takes these partitions
 * at all is asked later (`accepts` stays null).
 */
function skipPast(db: Database, spec: DestinationSpec): void {
  db.run(
    `INSERT INTO progress (destination_id, partition_id, planned_offset, acked_offset)
     SELECT ?, partition_id, last_offset, last_offset FROM partition WHERE stream = ?`,
    spec.destination_id,
    spec.stream,
  );
}

/** @throws SynclineError `destination.unknown` */
export function changeDestination(
  db: Database,
  destination_id: string,
  event: Exclude<DestinationEvent, 'configure'>,
  until_ms: number | null,
): void {
  db.transaction(() => step(db, destination_id, event, until_ms));
}

function step(db: Database, destination_id: string, event: DestinationEvent, until_ms: number | null): void {
  const row = db.get<{ state: DestinationState }>(
    'SELECT state FROM destination WHERE destination_id = ?',
    destination_id,
  );
  if (!row)
    throw new SynclineError('destination.unknown', `There is no destination named ${destination_id}`, {
      hint: '`syncline status` lists them.',
    });
  const state = nextDestinationState(row.state, event);
  if (event === 'configure' && state === row.state) return;
  db.run(
    'UPDATE destination SET state = ?, paused_until_ms = ? WHERE destination_id = ?',
    state,
    state === 'paused' ? until_ms : null,
    destination_id,
  );
}

interface StoredDestination extends Omit<DestinationRow, 'required' | 'last_error'> {
  required: number;
  last_error_ms: number | null;
  last_error_code: string | null;
  last_error_message: string | null;
}

export function destinations(db: Database): DestinationRow[] {
  const rows = db.all<StoredDestination>(
    `SELECT destination_id, stream, delivery, backfill, required, start, state, paused_until_ms, circuit, circuit_until_ms, circuit_failures,
            failing_since_ms, last_success_ms, last_error_ms, last_error_code, last_error_message
     FROM destination ORDER BY destination_id`,
  );
  return rows.map(({ last_error_ms, last_error_code, last_error_message, ...row }) => ({
    ...row,
    required: row.required === 1,
    last_error:
      last_error_ms === null
        ? null
        : { at_ms: last_error_ms, code: last_error_code ?? 'unknown', message: last_error_message ?? '' },
  }));
}

interface BacklogRow {
  partition_id: number;
  stream: string;
  name: string;
  header: string;
  delivery: DeliveryKind;
  first_offset: number;
  last_offset: number;
  bytes: number;
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
export function backlog(db: Database, destination_id: string, accepts: (partition: Partition) => boolean): Backlog[] {
  decidePartitions(db, destination_id, accepts);
  const rows = db.all<BacklogRow>(
    `WITH RECURSIVE undrained (partition_id) AS (
       SELECT g.partition_id FROM progress g JOIN partition p USING (partition_id)
       WHERE g.destination_id = ?1 AND g.accepts = 1
         AND (g.planned_offset < p.last_offset
              OR EXISTS (SELECT 1 FROM batch b WHERE b.destination_id = ?1 AND b.partition_id = p.partition_id
                         AND b.state = 'open' AND b.retry_of IS NULL))),
     waiting (partition_id) AS (
       SELECT p.partition_id FROM partition p JOIN undrained u ON p.predecessor = u.partition_id
       UNION SELECT p.partition_id FROM partition p JOIN waiting w ON p.predecessor = w.partition_id)
     SELECT p.partition_id, p.stream, p.name, p.header, p.delivery, p.first_offset, p.last_offset, p.bytes,
            g.held_class, g.held_since_ms, g.held_message, g.due_ms,
            (SELECT observed_ms FROM entry WHERE entry_id = (p.partition_id << ${OFFSET_BITS}) | (g.acked_offset + 1)) AS oldest_ms
     FROM progress g JOIN partition p USING (partition_id)
     WHERE g.destination_id = ?1 AND g.accepts = 1
       AND (g.acked_offset < p.last_offset
            OR EXISTS (SELECT 1 FROM batch b WHERE b.destination_id = ?1 AND b.partition_id = p.partition_id AND b.state IN ('open', 'suspect')))
       AND p.partition_id NOT IN (SELECT partition_id FROM waiting)
     ORDER BY oldest_ms, p.partition_id`,
    destination_id,
  );
  return rows.map((row) => ({
    partition: toPartition(row),
    oldest_ms: row.oldest_ms ?? 0,
    held: heldOf(row),
    due_ms: row.due_ms,
  }));
}

type DecisionRow = Parameters<typeof toPartition>[0] & { accepts: 0 | 1 | null };

/** Notes which partitions of its stream the destination takes now; new ones begin at their first entry. */
function decidePartitions(db: Database, destination_id: string, accepts: (partition: Partition) => boolean): void {
  const rows = db.all<DecisionRow>(
    `SELECT p.partition_id, p.stream, p.name, p.header, p.delivery, p.first_offset, p.last_offset, p.bytes, g.accepts
     FROM destination d JOIN partition p ON p.stream = d.stream
     LEFT JOIN progress g ON g.destination_id = d.destination_id AND g.partition_id = p.partition_id
     WHERE d.destination_id = ?`,
    destination_id,
  );
  const decided = rows.map(({ accepts: before, ...row }) => ({ row, before, now: accepts(toPartition(row)) ? 1 : 0 }));
  const changed = decided.filter(({ before, now }) => before !== now);
  if (changed.length === 0) return;
  db.transaction(() => {
    for (const { row, now } of changed) {
      if (now === 1) countDroppedBefore(db, destination_id, row.partition_id);
      db.run(
        `INSERT INTO progress (destination_id, partition_id, planned_offset, acked_offset, accepts) VALUES (?1, ?2, ?3, ?3, ?4)
         ON CONFLICT DO UPDATE SET accepts = excluded.accepts`,
        destination_id,
        row.partition_id,
        row.first_offset - 1,
        now,
      );
    }
  });
}

/** What retention took before the destination was asked turns out to be its loss. */
function countDroppedBefore(db: Database, destination_id: string, partition_id: number): void {
  const lost = db.value<number | undefined>(
    'SELECT dropped_before FROM progress WHERE destination_id = ? AND partition_id = ?',
    destination_id,
    partition_id,
  );
  if (!lost) return;
  addCounters(db, [{ name: 'items_dropped_by_retention', label: destination_id, by: lost }]);
  db.run(
    'UPDATE progress SET dropped_before = 0 WHERE destination_id = ? AND partition_id = ?',
    destination_id,
    partition_id,
  );
}

function heldOf(row: Pick<BacklogRow, 'held_class' | 'held_since_ms' | 'held_message'>): Backlog['held'] {
  if (row.held_class === null) return null;
  return { class: row.held_class, since_ms: row.held_since_ms ?? 0, message: row.held_message ?? '' };
}

type ProgressRow = Omit<PartitionProgress, 'held'> & Pick<BacklogRow, 'held_class' | 'held_since_ms' | 'held_message'>;

export function progress(db: Database): PartitionProgress[] {
  const rows = db.all<ProgressRow>(
    `SELECT g.destination_id, p.name AS partition, p.last_offset - g.acked_offset AS waiting, g.acked_offset,
            g.held_class, g.held_since_ms, g.held_message,
            (SELECT observed_ms FROM entry WHERE entry_id = (p.partition_id << ${OFFSET_BITS}) | (g.acked_offset + 1)) AS oldest_waiting_ms,
            (SELECT count(*) FROM batch b WHERE b.destination_id = g.destination_id AND b.partition_id = g.partition_id AND b.state = 'open') AS open_batches,
            (SELECT count(*) FROM batch b WHERE b.destination_id = g.destination_id AND b.partition_id = g.partition_id AND b.state = 'suspect') AS suspects
     FROM progress g JOIN partition p USING (partition_id) WHERE g.accepts IS NOT 0 ORDER BY g.destination_id, p.partition_id`,
  );
  return rows.map(({ held_class, held_since_ms, held_message, ...row }) => ({
    ...row,
    held: heldOf({ held_class, held_since_ms, held_message }),
  }));
}

/** An open batch may have been sent; that of an attempt that never began is among them. */
export function sentTo(db: Database): { destination_id: string; header: PartitionHeader }[] {
  const rows = db.all<{ destination_id: string; header: string }>(
    `SELECT g.destination_id, p.header FROM progress g JOIN partition p USING (partition_id)
     WHERE g.accepted_fence > 0 OR EXISTS (
       SELECT 1 FROM batch b WHERE b.destination_id = g.destination_id AND b.partition_id = g.partition_id
         AND b.state IN ('open', 'suspect'))`,
  );
  return rows.map(({ destination_id, header }) => ({ destination_id, header: JSON.parse(header) as PartitionHeader }));
}

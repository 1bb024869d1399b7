import type { Batch, Entry, Plan, PlanRequest } from '../store.ts';
import type { DestinationState } from '../ordered/states.ts';
import type { Transaction } from './database.ts';
import { readEntries } from './entries.ts';

const BATCH_COLUMNS = `b.batch_id, b.destination_id, b.partition_id, b.first_offset, b.last_offset, b.items, b.body_sha256,
  b.state, b.attempts, b.failures, b.due_ms, b.retry_of,
  (b.failed_fence IS NOT NULL AND d.accepted_fence > b.failed_fence) AS destination_accepted_since`;

/**
 * Opens the next batches of a partition, from `entry.bytes` without reading a payload, and returns the open ones that
 * may be sent now, lowest offset first. With a window of 1 that is one batch: order is kept. One planner of a partition at
 * a time, by a lock of its progress.
 */
export async function plan(tx: Transaction, request: PlanRequest): Promise<Plan> {
  const place = await tx.get<Place>(
    `SELECT g.planned_offset AS planned, p.last_offset AS last, g.holds, d.state
     FROM syncline.progress g JOIN syncline.partition p USING (partition_id) JOIN syncline.destination d USING (destination_id)
     WHERE g.destination_id = $1 AND g.partition_id = $2 FOR NO KEY UPDATE OF g`,
    request.destination_id,
    request.partition_id,
  );
  if (!place || !maySend(place.state)) return { open: [], suspect: null, holds: 0 };
  const before = await unsettled(tx, request);
  const open = before.filter((batch) => batch.state === 'open');
  let opened = false;
  for (let room = request.window - open.length; room > 0; room--) {
    if (!(await openNext(tx, request, place))) break;
    opened = true;
  }
  const now = opened ? await unsettled(tx, request) : before;
  return {
    open: now.filter((batch) => batch.state === 'open').slice(0, request.window),
    suspect: now.find((batch) => batch.state === 'suspect') ?? null,
    holds: place.holds,
  };
}

interface Place {
  planned: number;
  last: number;
  holds: number;
  state: DestinationState;
}

/** False for a destination that is paused or removed: from the moment `pause` returned, nothing more leaves. */
export function maySend(state: DestinationState | undefined): boolean {
  return state === 'active' || state === 'draining';
}

/** Open and suspect batches of one (destination, partition), lowest offset first. */
export function unsettled(tx: Transaction, place: { destination_id: string; partition_id: number }): Promise<Batch[]> {
  return tx.all<Batch>(
    `SELECT ${BATCH_COLUMNS} FROM syncline.batch b JOIN syncline.destination d USING (destination_id)
     WHERE b.destination_id = $1 AND b.partition_id = $2 AND b.state IN ('open', 'suspect')
     ORDER BY b.first_offset, b.batch_id`,
    place.destination_id,
    place.partition_id,
  );
}

/** Inserts the batch after `place.planned`, and moves it; false when nothing is left to plan. */
async function openNext(tx: Transaction, request: PlanRequest, place: Place): Promise<boolean> {
  const range = await nextRange(tx, request, place);
  if (!range) return false;
  await tx.run(
    `INSERT INTO syncline.batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state)
     VALUES ($1, $2, $3, $4, $5, $6, $7, 'open')`,
    request.newBatchId(),
    request.destination_id,
    request.partition_id,
    range.first,
    range.last,
    range.items,
    range.bytes,
  );
  await tx.run(
    'UPDATE syncline.progress SET planned_offset = $1 WHERE destination_id = $2 AND partition_id = $3',
    range.last,
    request.destination_id,
    request.partition_id,
  );
  place.planned = range.last;
  return true;
}

interface Range {
  first: number;
  last: number;
  items: number;
  bytes: number;
}

/** As many entries as a batch takes and as fit, at least one; null when there is none. */
async function nextRange(tx: Transaction, request: PlanRequest, { planned, last }: Place): Promise<Range | null> {
  const { limits, envelope_bytes } = request;
  // Offsets are dense, so a batch is full without reading an entry. One that bytes fill waits with the others.
  if (request.full_only === true && last - planned < limits.max_items) return null;
  const rows = await tx.all<{ offset: number; bytes: number }>(
    `SELECT "offset", bytes FROM syncline.entry WHERE partition_id = $1 AND "offset" > $2 ORDER BY "offset" LIMIT $3`,
    request.partition_id,
    planned,
    limits.max_items,
  );
  const first = rows[0];
  if (!first) return null;
  // What retention took away before it was planned counts as settled; it was counted when it was removed.
  const range: Range = { first: first.offset, last: first.offset, items: 0, bytes: envelope_bytes };
  for (const row of rows) {
    const comma = range.items > 0 ? 1 : 0;
    if (range.items > 0 && range.bytes + comma + row.bytes > limits.max_body_bytes) break;
    range.last = row.offset;
    range.items++;
    range.bytes += comma + row.bytes;
  }
  return range;
}

export async function readBatch(tx: Transaction, batch_id: string): Promise<Entry[]> {
  const batch = await tx.get<{
    partition_id: number;
    first_offset: number;
    last_offset: number;
    retry_of: string | null;
  }>('SELECT partition_id, first_offset, last_offset, retry_of FROM syncline.batch WHERE batch_id = $1', batch_id);
  if (!batch) return [];
  if (batch.retry_of === null) return readEntries(tx, batch.partition_id, batch.first_offset, batch.last_offset);
  const letter = await tx.get<{ payload: string | null }>(
    'SELECT payload FROM syncline.dead_letter WHERE dead_letter_id = $1',
    batch.retry_of,
  );
  return [{ offset: batch.first_offset, payload: letter?.payload ?? null }];
}

import type { Database } from '../../storage/sqlite/database.ts';
import type { Batch, Entry, Plan, PlanRequest } from '../store.ts';
import type { DestinationState } from '../ordered/states.ts';
import { OFFSET_BITS } from './entry-id.ts';

const BATCH_COLUMNS = `b.batch_id, b.destination_id, b.partition_id, b.first_offset, b.last_offset, b.items, b.body_sha256,
  b.state, b.attempts, b.failures, b.due_ms, b.retry_of,
  (b.failed_fence IS NOT NULL AND d.accepted_fence > b.failed_fence) AS destination_accepted_since`;

interface BatchRow extends Omit<Batch, 'destination_accepted_since'> {
  destination_accepted_since: number;
}

/**
 * Opens the next batches of a partition, from `entry.bytes` without reading a payload, and returns the open ones that
 * may be sent now, lowest offset first. With a window of 1 that is one batch: order is kept.
 */
export function plan(db: Database, request: PlanRequest): Plan {
  return db.transaction(() => {
    if (!maySend(db, request.destination_id)) return { open: [], suspect: null, holds: 0 };
    const before = unsettled(db, request);
    const open = before.filter((batch) => batch.state === 'open');
    let opened = false;
    for (let room = request.window - open.length; room > 0; room--) {
      if (openNext(db, request) === null) break;
      opened = true;
    }
    const now = opened ? unsettled(db, request) : before;
    const counts = db.get<{ holds: number }>(
      'SELECT holds FROM progress WHERE destination_id = ? AND partition_id = ?',
      request.destination_id,
      request.partition_id,
    );
    return {
      open: now.filter((batch) => batch.state === 'open').slice(0, request.window),
      suspect: now.find((batch) => batch.state === 'suspect') ?? null,
      holds: counts?.holds ?? 0,
    };
  });
}

/** False for a destination that is paused or removed: from the moment `pause` returned, nothing more leaves. */
export function maySend(db: Database, destination_id: string): boolean {
  const state = db.value<DestinationState | undefined>(
    'SELECT state FROM destination WHERE destination_id = ?',
    destination_id,
  );
  return state === 'active' || state === 'draining';
}

/** Open and suspect batches of one (destination, partition), lowest offset first. */
export function unsettled(db: Database, place: { destination_id: string; partition_id: number }): Batch[] {
  return db
    .all<BatchRow>(
      `SELECT ${BATCH_COLUMNS} FROM batch b JOIN destination d USING (destination_id)
       WHERE b.destination_id = ? AND b.partition_id = ? AND b.state IN ('open', 'suspect') ORDER BY b.first_offset, b.batch_id`,
      place.destination_id,
      place.partition_id,
    )
    .map((row) => ({ ...row, destination_accepted_since: row.destination_accepted_since === 1 }));
}

/** Inserts the batch after `planned_offset`; null when nothing is left to plan. */
function openNext(db: Database, request: PlanRequest): string | null {
  const range = nextRange(db, request);
  if (!range) return null;
  const batch_id = request.newBatchId();
  db.run(
    `INSERT INTO batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state) VALUES (?, ?, ?, ?, ?, ?, ?, 'open')`,
    batch_id,
    request.destination_id,
    request.partition_id,
    range.first,
    range.last,
    range.items,
    range.bytes,
  );
  db.run(
    'UPDATE progress SET planned_offset = ? WHERE destination_id = ? AND partition_id = ?',
    range.last,
    request.destination_id,
    request.partition_id,
  );
  return batch_id;
}

interface Range {
  first: number;
  last: number;
  items: number;
  bytes: number;
}

function nextRange(db: Database, request: PlanRequest): Range | null {
  const place = db.get<{ planned: number; last: number }>(
    `SELECT g.planned_offset AS planned, p.last_offset AS last FROM progress g JOIN partition p USING (partition_id)
     WHERE g.destination_id = ? AND g.partition_id = ?`,
    request.destination_id,
    request.partition_id,
  );
  const { planned, last } = place ?? { planned: 0, last: 0 };
  // Offsets are dense, so a batch is full without reading an entry. One that bytes fill waits with the others.
  if (request.full_only === true && last - planned < request.limits.max_items) return null;
  return wholeRange(db, request, planned) ?? cutRange(db, request, planned);
}

/** The entries behind `planned`, at most as many as `?3`. */
const NEXT_ENTRIES = `SELECT offset, bytes FROM entry
  WHERE entry_id > ((?1 << ${OFFSET_BITS}) | ?2) AND entry_id < ((?1 + 1) << ${OFFSET_BITS}) ORDER BY entry_id LIMIT ?3`;

/** As many entries as a batch takes, where their bytes fit, too: most batches, and no entry is looked at by itself. */
function wholeRange(
  db: Database,
  { partition_id, limits, envelope_bytes }: PlanRequest,
  planned: number,
): Range | null {
  const row = db.get<Range>(
    `SELECT min(offset) AS first, max(offset) AS last, count(*) AS items, coalesce(sum(bytes), 0) AS bytes
     FROM (${NEXT_ENTRIES})`,
    partition_id,
    planned,
    limits.max_items,
  );
  if (!row || row.items === 0) return null;
  const bytes = envelope_bytes + row.bytes + row.items - 1;
  return row.items === 1 || bytes <= limits.max_body_bytes ? { ...row, bytes } : null;
}

/** As many as fit, at least one; null when there is none. */
function cutRange(db: Database, request: PlanRequest, planned: number): Range | null {
  const rows = db.all<{ offset: number; bytes: number }>(
    NEXT_ENTRIES,
    request.partition_id,
    planned,
    request.limits.max_items,
  );
  const first = rows[0];
  if (!first) return null;
  // What retention took away before it was planned counts as settled; it was counted when it was removed.
  const range: Range = { first: first.offset, last: first.offset, items: 0, bytes: request.envelope_bytes };
  for (const row of rows) {
    const comma = range.items > 0 ? 1 : 0;
    if (range.items > 0 && range.bytes + comma + row.bytes > request.limits.max_body_bytes) break;
    range.last = row.offset;
    range.items++;
    range.bytes += comma + row.bytes;
  }
  return range;
}

/** Entries of a range of offsets, lowest first. */
export function readEntries(db: Database, partition_id: number, first_offset: number, last_offset: number): Entry[] {
  return db.all<{ offset: number; payload: string | null }>(
    `SELECT offset, payload FROM entry
     WHERE entry_id BETWEEN ((?1 << ${OFFSET_BITS}) | ?2) AND ((?1 << ${OFFSET_BITS}) | ?3) ORDER BY entry_id`,
    partition_id,
    first_offset,
    last_offset,
  );
}

export function readBatch(db: Database, batch_id: string): Entry[] {
  const batch = db.get<{ partition_id: number; first_offset: number; last_offset: number; retry_of: string | null }>(
    'SELECT partition_id, first_offset, last_offset, retry_of FROM batch WHERE batch_id = ?',
    batch_id,
  );
  if (!batch) return [];
  if (batch.retry_of === null) return readEntries(db, batch.partition_id, batch.first_offset, batch.last_offset);
  const letter = db.get<{ payload: string | null }>(
    'SELECT payload FROM dead_letter WHERE dead_letter_id = ?',
    batch.retry_of,
  );
  return [{ offset: batch.first_offset, payload: letter?.payload ?? null }];
}

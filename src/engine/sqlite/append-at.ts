import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { insertRows } from '../../storage/sqlite/insert-rows.ts';
import { TRANSACTION_LIMITS, type AppendAtRequest, type AppendAtResult } from '../store.ts';
import { requireRoom } from './append.ts';
import { addCounters } from './counters.ts';
import { OFFSET_BITS, entryId } from './entry-id.ts';
import { applyFlowWrites } from './flow-writes.ts';
import { partitionById } from './partitions.ts';
import { leaveBehind, removeUpTo } from './retention.ts';
import { sizeOfRange } from './batches.ts';
import { subjectsOf } from './subjects.ts';

/** Cursors of entries that are numbered by their origin: the offset itself, of one width, so that its index grows at its end. */
const cursorOf = (offset: number): string => String(offset).padStart(13, '0');

const COLUMNS = 'entry (entry_id, source_id, cursor, subject_id, observed_ms, bytes, payload)';

/**
 * Appends entries at offsets that their origin gave them (design §5 rule 2). Joins a transaction of the caller, so that
 * a flow whose effects depend on each other can compute them inside it.
 */
export function appendAt(db: Database, request: AppendAtRequest, cap_bytes: number): AppendAtResult {
  const { entries, first_offset } = request;
  requireOneTransaction(request);
  return db.transaction(() => {
    requireRoom(db, cap_bytes);
    const { last_offset: last, delivery } = partitionById(db, request.partition_id);
    invariant(delivery === 'ordered', 'entries of a keyed partition are numbered here, not by their origin');
    if (first_offset > last + 1) return { appended: 0, known: 0, refused: { why: 'gap', offset: first_offset } };
    const known = entries.slice(0, last + 1 - first_offset);
    const other = firstOther(db, request, known.length);
    if (other !== null) return { appended: 0, known: 0, refused: { why: 'other_payload', offset: other } };
    const fresh = entries.slice(known.length);
    insert(db, request, last, fresh);
    applyFlowWrites(db, request.writes ?? []);
    addCounters(db, request.counters ?? []);
    return { appended: fresh.length, known: known.length, refused: null };
  });
}

function requireOneTransaction({ entries, first_offset }: AppendAtRequest): void {
  invariant(Number.isSafeInteger(first_offset) && first_offset >= 1, 'offsets begin at 1');
  const { max_rows, max_bytes } = TRANSACTION_LIMITS;
  invariant(entries.length <= max_rows, `an append has at most ${max_rows} entries`);
  if (entries.length <= 1) return;
  const bytes = entries.reduce((total, { payload }) => total + Buffer.byteLength(payload ?? ''), 0);
  invariant(bytes <= max_bytes, 'an append has at most 4 MiB of payload');
}

/** The first known offset that holds another payload. One that was erased, or is past retention, cannot be compared. */
function firstOther(
  db: Database,
  { partition_id, first_offset, entries }: AppendAtRequest,
  known: number,
): number | null {
  if (known === 0) return null;
  const rows = db.all<{ offset: number; payload: string | null }>(
    `SELECT offset, payload FROM entry
     WHERE entry_id BETWEEN ((?1 << ${OFFSET_BITS}) | ?2) AND ((?1 << ${OFFSET_BITS}) | ?3) ORDER BY entry_id`,
    partition_id,
    first_offset,
    first_offset + known - 1,
  );
  const other = rows.find(({ offset, payload }) => {
    const given = entries[offset - first_offset]?.payload ?? null;
    return payload !== null && given !== null && payload !== given;
  });
  return other?.offset ?? null;
}

function insert(db: Database, request: AppendAtRequest, last: number, entries: AppendAtRequest['entries']): void {
  if (entries.length === 0) return;
  const { partition_id, source_id } = request;
  const subjects = subjectsOf(
    db,
    entries.flatMap(({ subject }) => subject ?? []),
  );
  let bytes = 0;
  const rows = entries.map((entry, i) => {
    const offset = last + 1 + i;
    const subject = entry.subject === null ? undefined : subjects.get(entry.subject);
    // The offset of an erased subject's entry is taken all the same: another member numbered it.
    const payload = subject?.erased ? null : entry.payload;
    const size = payload === null ? 0 : Buffer.byteLength(payload);
    bytes += size;
    const subject_id = subject?.subject_id ?? null;
    return [entryId(partition_id, offset), source_id, cursorOf(offset), subject_id, entry.observed_ms, size, payload];
  });
  insertRows(db, COLUMNS, rows);
  db.run(
    'UPDATE partition SET last_offset = ?, bytes = bytes + ? WHERE partition_id = ?',
    last + entries.length,
    bytes,
    partition_id,
  );
}

/**
 * Goes on after `offset` as if everything up to it had been here and gone: the state that it made came as a snapshot.
 * Without effect when it is there already.
 */
export function skipTo(db: Database, partition_id: number, offset: number, now_ms: number, newId: () => string): void {
  db.transaction(() => {
    const partition = partitionById(db, partition_id);
    if (offset <= partition.last_offset) return;
    if (partition.first_offset <= partition.last_offset)
      removeUpTo(db, partition, partition.last_offset, now_ms, newId);
    db.run(
      'UPDATE partition SET first_offset = ?, last_offset = ? WHERE partition_id = ?',
      offset + 1,
      offset,
      partition_id,
    );
    leaveBehind(db, partition_id, partition.last_offset + 1, offset, now_ms, newId);
  });
}

/**
 * Takes back what was appended after `offset`, whose numbers another gave as well: what continues there is appended next. Only for
 * partitions that no destination consumes. Returns how many entries went; nothing that retention took comes back.
 */
export function cutBack(db: Database, partition_id: number, offset: number): number {
  return db.transaction(() => {
    const { first_offset, last_offset } = partitionById(db, partition_id);
    const kept = Math.max(offset, first_offset - 1);
    if (kept >= last_offset) return 0;
    const { bytes } = sizeOfRange(db, partition_id, kept + 1, last_offset);
    const removed = db.run(
      `DELETE FROM entry WHERE entry_id BETWEEN ((?1 << ${OFFSET_BITS}) | ?2) AND ((?1 << ${OFFSET_BITS}) | ?3)`,
      partition_id,
      kept + 1,
      last_offset,
    );
    invariant(removed === last_offset - kept, 'offsets of a partition are dense');
    db.run('UPDATE partition SET last_offset = ?, bytes = bytes - ? WHERE partition_id = ?', kept, bytes, partition_id);
    return removed;
  });
}

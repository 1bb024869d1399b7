import { invariant } from '../../platform/errors.ts';
import { storable } from '../../storage/postgres/steps.ts';
import { TRANSACTION_LIMITS, type AppendAtRequest, type AppendAtResult } from '../store.ts';
import { addCounters } from './counters.ts';
import type { Transaction } from './database.ts';
import { insertEntries, readEntries } from './entries.ts';
import { applyFlowWrites } from './flow-writes.ts';
import { lockPartition } from './partitions.ts';
import { leaveBehind, removeUpTo } from './retention.ts';
import { requireRoom } from './room.ts';
import { subjectsOf } from './subjects.ts';

/** Cursors of entries that are numbered by their origin: the offset itself, of one width, so that its index grows at its end. */
const cursorOf = (offset: number): string => String(offset).padStart(13, '0');

/** Appends entries at offsets that their origin gave them (design §5 rule 2). */
export async function appendAt(tx: Transaction, request: AppendAtRequest, cap_bytes: number): Promise<AppendAtResult> {
  const entries = request.entries.map((entry) => ({
    ...entry,
    payload: entry.payload === null ? null : storable(entry.payload),
  }));
  const { first_offset } = request;
  requireOneTransaction(request);
  const { last_offset: last, delivery } = await lockPartition(tx, request.partition_id);
  invariant(delivery === 'ordered', 'entries of a keyed partition are numbered here, not by their origin');
  await requireRoom(tx, cap_bytes);
  if (first_offset > last + 1) return { appended: 0, known: 0, refused: { why: 'gap', offset: first_offset } };
  const known = entries.slice(0, last + 1 - first_offset);
  const other = await firstOther(tx, request.partition_id, first_offset, known);
  if (other !== null) return { appended: 0, known: 0, refused: { why: 'other_payload', offset: other } };
  const fresh = entries.slice(known.length);
  await insert(tx, request, last, fresh);
  await applyFlowWrites(tx, request.writes ?? []);
  await addCounters(tx, request.counters ?? []);
  return { appended: fresh.length, known: known.length, refused: null };
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
async function firstOther(
  tx: Transaction,
  partition_id: number,
  first_offset: number,
  known: readonly { payload: string | null }[],
): Promise<number | null> {
  if (known.length === 0) return null;
  const rows = await readEntries(tx, partition_id, first_offset, first_offset + known.length - 1);
  const other = rows.find(({ offset, payload }) => {
    const given = known[offset - first_offset]?.payload ?? null;
    return payload !== null && given !== null && payload !== given;
  });
  return other?.offset ?? null;
}

async function insert(
  tx: Transaction,
  { partition_id, source_id }: AppendAtRequest,
  last: number,
  entries: AppendAtRequest['entries'],
): Promise<void> {
  if (entries.length === 0) return;
  const subjects = await subjectsOf(
    tx,
    entries.flatMap(({ subject }) => subject ?? []),
  );
  const rows = entries.map((entry, i) => {
    const offset = last + 1 + i;
    const subject = entry.subject === null ? undefined : subjects.get(entry.subject);
    // The offset of an erased subject's entry is taken all the same: another member numbered it.
    const payload = subject?.erased ? null : entry.payload;
    const bytes = payload === null ? 0 : Buffer.byteLength(payload);
    const subject_id = subject?.subject_id ?? null;
    const { observed_ms } = entry;
    return {
      partition_id,
      offset,
      source_id,
      cursor: cursorOf(offset),
      subject_id,
      observed_ms,
      bytes,
      payload,
      key: null,
    };
  });
  await insertEntries(tx, rows);
  await tx.run(
    'UPDATE syncline.partition SET last_offset = $1, bytes = bytes + $2 WHERE partition_id = $3',
    last + entries.length,
    rows.reduce((total, { bytes }) => total + bytes, 0),
    partition_id,
  );
}

/**
 * Goes on after `offset` as if everything up to it had been here and gone: the state that it made came as a snapshot.
 * Without effect when it is there already.
 */
export async function skipTo(
  tx: Transaction,
  partition_id: number,
  offset: number,
  now_ms: number,
  newId: () => string,
): Promise<void> {
  const partition = await lockPartition(tx, partition_id);
  if (offset <= partition.last_offset) return;
  if (partition.first_offset <= partition.last_offset)
    await removeUpTo(tx, partition, partition.last_offset, now_ms, newId);
  await tx.run(
    'UPDATE syncline.partition SET first_offset = $1, last_offset = $2 WHERE partition_id = $3',
    offset + 1,
    offset,
    partition_id,
  );
  await leaveBehind(tx, partition_id, partition.last_offset + 1, offset, now_ms, newId);
}

import type { SQLInputValue } from 'node:sqlite';
import { FullError, SynclineError, invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { insertRows, rowsOfOneInsert } from '../../storage/sqlite/insert-rows.ts';
import {
  APPEND_LIMITS,
  type AppendRequest,
  type AppendResult,
  type CounterChange,
  type DeliveryKind,
  type NewEntry,
} from '../store.ts';
import { addCounters } from './counters.ts';
import { insertDeadLetter } from './dead-letters.ts';
import { entryId } from './entry-id.ts';
import { applyFlowWrites } from './flow-writes.ts';
import { raiseTasks, type Change } from './keyed/raise.ts';
import { subjectOf, type Subject } from './subjects.ts';

interface Tail {
  last_offset: number;
  delivery: DeliveryKind;
  added: number;
  bytes: number;
  /** Of keyed entries. */
  keys: Change[];
}

/** SQLITE_CONSTRAINT_UNIQUE. */
const UNIQUE_VIOLATED = 2067;

const COLUMNS = 'entry (entry_id, source_id, cursor, subject_id, observed_ms, bytes, payload, key)';
const INSERT_ONE = `INSERT INTO ${COLUMNS} VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source_id, cursor) DO NOTHING`;

/** An entry with what it is inserted with. */
interface Incoming {
  entry: NewEntry;
  tail: Tail;
  subject: Subject | null;
  bytes: number;
}

/**
 * Appends entries with dense offsets, moves each source's checkpoint, applies the flow's own writes: one transaction for
 * all requests (design §5 rule 2), which costs one wait for the disk. An entry whose (source, cursor) is known is skipped;
 * with another payload in the same partition it is a clash: dead letter, and the checkpoint moves on. Payloads are
 * compared themselves: a stored 52-bit hash would cost as much as the insert, and would keep a fingerprint of what was
 * erased.
 */
export function append(
  db: Database,
  requests: readonly AppendRequest[],
  cap_bytes: number,
  newId: () => string,
): AppendResult {
  const entries = requests.flatMap((request) => request.entries);
  const now_ms = Math.max(0, ...requests.map((request) => request.now_ms));
  requireOneTransaction(entries);
  return db.transaction(() => {
    requireRoom(db, cap_bytes);
    const tails = lockTails(db, entries);
    const result: AppendResult = { appended: 0, duplicates: 0, clashes: 0, erased: 0 };
    for (const request of requests) insertEntries(db, request, tails, newId, result);
    moveTails(db, tails);
    raiseTasks(db, keysOf(tails), now_ms);
    for (const request of requests) {
      if (request.checkpoint !== null) moveCheckpoint(db, request);
      applyFlowWrites(db, request.writes ?? []);
    }
    addCounters(db, [...requests.flatMap(({ counters }) => counters ?? []), ...countersOf(result)]);
    return result;
  });
}

function requireOneTransaction(entries: readonly NewEntry[]): void {
  const { max_rows, max_bytes } = APPEND_LIMITS;
  invariant(entries.length <= max_rows, `an append has at most ${max_rows} entries`);
  // A character is at most three bytes, so most appends need not be measured.
  if (entries.length <= 1 || 3 * sum(entries, ({ payload }) => payload?.length ?? 0) <= max_bytes) return;
  const bytes = sum(entries, ({ payload }) => Buffer.byteLength(payload ?? ''));
  invariant(bytes <= max_bytes, 'an append has at most 4 MiB of payload');
}

function sum<T>(rows: readonly T[], amount: (row: T) => number): number {
  return rows.reduce((total, row) => total + amount(row), 0);
}

function insertEntries(
  db: Database,
  request: AppendRequest,
  tails: ReadonlyMap<number, Tail>,
  newId: () => string,
  result: AppendResult,
): void {
  const incoming: Incoming[] = [];
  for (const entry of request.entries) {
    const tail = tails.get(entry.partition_id);
    invariant(tail, 'every partition of a request has its tail read');
    invariant((tail.delivery === 'keyed') === (entry.key !== undefined), 'an entry of a keyed partition has a key');
    const subject = entry.subject === null ? null : subjectOf(db, entry.subject);
    const bytes = entry.payload === null ? 0 : Buffer.byteLength(entry.payload);
    if (subject?.erased) result.erased++;
    else incoming.push({ entry, tail, subject, bytes });
  }
  for (let from = 0, count = 0; from < incoming.length; from += count) {
    count = rowsOfOneInsert(incoming.length - from);
    const some = incoming.slice(from, from + count);
    if (insertNew(db, request, some)) for (const one of some) countAppended(one, result);
    else for (const one of some) insertOne(db, request, one, newId, result);
  }
}

/** Inserts as many entries as one statement takes; false when one is known, and then none is inserted. */
function insertNew(db: Database, request: AppendRequest, incoming: readonly Incoming[]): boolean {
  const added = new Map<Tail, number>();
  const rows = incoming.map((one) => {
    const before = added.get(one.tail) ?? one.tail.added;
    added.set(one.tail, before + 1);
    return rowOf(request, one, before);
  });
  try {
    insertRows(db, COLUMNS, rows);
    return true;
  } catch (error) {
    if (error instanceof SynclineError && (error.cause as { errcode?: unknown }).errcode === UNIQUE_VIOLATED)
      return false;
    throw error;
  }
}

function insertOne(
  db: Database,
  request: AppendRequest,
  one: Incoming,
  newId: () => string,
  result: AppendResult,
): void {
  if (db.run(INSERT_ONE, ...rowOf(request, one, one.tail.added)) === 1) countAppended(one, result);
  else if (recordClash(db, request, one.entry, newId)) result.clashes++;
  else result.duplicates++;
}

/** `before`: entries of this append that precede it in its partition. */
function rowOf(
  { source_id }: AppendRequest,
  { entry, tail, subject, bytes }: Incoming,
  before: number,
): SQLInputValue[] {
  const entry_id = entryId(entry.partition_id, tail.last_offset + before + 1);
  const { cursor, observed_ms, payload, key = null } = entry;
  return [entry_id, source_id, cursor, subject?.subject_id ?? null, observed_ms, bytes, payload, key];
}

function countAppended({ entry, tail, subject, bytes }: Incoming, result: AppendResult): void {
  tail.added++;
  if (entry.key !== undefined) tail.keys.push(changeOf(entry, entry.key, tail, subject));
  tail.bytes += bytes;
  result.appended++;
}

/** Refuses before the file reaches SQLite's own limit, because at that limit deletes fail too. */
export function requireRoom(db: Database, cap_bytes: number): void {
  if (db.usedBytes() < cap_bytes) return;
  throw new FullError(`The journal has reached its cap of ${cap_bytes} bytes`, {
    hint: 'Nothing is lost: capture waits and goes on when deliveries settle. See `syncline status`, or raise storage.max_bytes.',
  });
}

/** Reads where each partition ends, in id order. */
function lockTails(db: Database, entries: readonly NewEntry[]): Map<number, Tail> {
  const ids = [...new Set(entries.map((entry) => entry.partition_id))].sort((a, b) => a - b);
  return new Map(
    ids.map((partition_id) => {
      const row = db.get<Pick<Tail, 'last_offset' | 'delivery'>>(
        'SELECT last_offset, delivery FROM partition WHERE partition_id = ?',
        partition_id,
      );
      invariant(row, `partition ${partition_id} exists`);
      return [partition_id, { ...row, added: 0, bytes: 0, keys: [] }];
    }),
  );
}

function changeOf(entry: NewEntry, key: string, tail: Tail, subject: Subject | null): Change {
  return { ...entry, key, offset: tail.last_offset + tail.added, subject_id: subject?.subject_id ?? null };
}

function keysOf(tails: ReadonlyMap<number, Tail>): Change[] {
  return [...tails.values()].flatMap(({ keys }) => keys);
}

function moveTails(db: Database, tails: Map<number, Tail>): void {
  for (const [partition_id, tail] of tails) {
    if (tail.added === 0) continue;
    db.run(
      'UPDATE partition SET last_offset = last_offset + ?, bytes = bytes + ? WHERE partition_id = ?',
      tail.added,
      tail.bytes,
      partition_id,
    );
  }
}

function moveCheckpoint(db: Database, request: AppendRequest): void {
  const moved = db.run(
    'UPDATE source SET checkpoint = ?, updated_ms = ? WHERE source_id = ?',
    request.checkpoint,
    request.now_ms,
    request.source_id,
  );
  invariant(moved === 1, `source ${request.source_id} exists`);
}

/** True when the known entry of this cursor holds something else under the same schema and rule set. */
function recordClash(db: Database, request: AppendRequest, entry: NewEntry, newId: () => string): boolean {
  const known = db.get<{ partition_id: number; offset: number; payload: string | null }>(
    'SELECT partition_id, offset, payload FROM entry WHERE source_id = ? AND cursor = ?',
    request.source_id,
    entry.cursor,
  );
  if (!known || known.partition_id !== entry.partition_id) return false;
  if (known.payload === null || entry.payload === null || known.payload === entry.payload) return false;
  if (clashKept(db, known, entry.payload)) return true;
  insertDeadLetter(db, {
    dead_letter_id: newId(),
    destination_id: null,
    partition_id: known.partition_id,
    offset: known.offset,
    subject: entry.subject,
    refusal: {
      class: 'clash',
      code: 'source_clash',
      message: 'A position of the source was read again with other content',
    },
    attempts: 1,
    payload: entry.payload,
    now_ms: request.now_ms,
  });
  return true;
}

/** A source read again from its start shows the same clash again; one dead letter of it is enough. */
function clashKept(db: Database, place: { partition_id: number; offset: number }, payload: string): boolean {
  const kept = db.get<object>(
    `SELECT 1 FROM dead_letter WHERE partition_id = ? AND offset = ? AND class = 'clash' AND payload = ?`,
    place.partition_id,
    place.offset,
    payload,
  );
  return kept !== undefined;
}

function countersOf(result: AppendResult): CounterChange[] {
  return [
    { name: 'entries_duplicate', label: 'append', by: result.duplicates },
    { name: 'entries_clash', label: 'append', by: result.clashes },
    { name: 'entries_of_erased', label: 'append', by: result.erased },
  ].filter((change) => change.by > 0);
}

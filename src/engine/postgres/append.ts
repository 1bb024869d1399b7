import { invariant } from '../../platform/errors.ts';
import { storable } from '../../storage/postgres/steps.ts';
import {
  APPEND_LIMITS,
  type AppendRequest,
  type AppendResult,
  type CounterChange,
  type DeliveryKind,
  type NewEntry,
} from '../store.ts';
import { addCounters } from './counters.ts';
import type { Transaction } from './database.ts';
import { insertDeadLetter } from './dead-letters.ts';
import { insertEntries, type EntryRow } from './entries.ts';
import { applyFlowWrites } from './flow-writes.ts';
import { raiseTasks, type Change } from './keyed/raise.ts';
import { requireRoom } from './room.ts';
import { subjectsOf, type Subject } from './subjects.ts';

/** Where a partition ends, and what this append adds to it. */
interface Tail {
  partition_id: number;
  last_offset: number;
  delivery: DeliveryKind;
  added: number;
  bytes: number;
}

/** What is at a cursor of a source. */
interface Known {
  partition_id: number;
  offset: number;
  payload: string | null;
}

interface Clash {
  known: Known;
  entry: NewEntry;
  payload: string;
  now_ms: number;
}

/** What becomes of the entries, decided before anything is written. */
interface Sorted {
  rows: EntryRow[];
  changes: Change[];
  clashes: Clash[];
  result: AppendResult;
}

/**
 * Appends entries with dense offsets, moves each source's checkpoint, applies the flow's own writes: one transaction for
 * all requests (design §5 rule 2), and a few statements, however many entries there are. An entry whose (source, cursor)
 * is known is skipped; with another payload in the same partition it is a clash: dead letter, and the checkpoint moves on.
 * Locks partitions, then sources, then subjects, each in order.
 */
export async function append(
  tx: Transaction,
  requests: readonly AppendRequest[],
  cap_bytes: number,
  newId: () => string,
): Promise<AppendResult> {
  const entries = requests.flatMap((request) => request.entries);
  const now_ms = Math.max(0, ...requests.map((request) => request.now_ms));
  requireOneTransaction(entries);
  const tails = await lockTails(tx, entries);
  await lockSources(tx, requests);
  await requireRoom(tx, cap_bytes);
  const subjects = await subjectsOf(
    tx,
    entries.flatMap(({ subject }) => subject ?? []),
  );
  const sorted = sortOut(requests, tails, subjects, await knownOf(tx, requests));
  await insertEntries(tx, sorted.rows);
  await moveTails(tx, tails);
  await raiseTasks(tx, sorted.changes, now_ms);
  for (const clash of sorted.clashes) await recordClash(tx, clash, subjects, newId);
  for (const request of requests) {
    if (request.checkpoint !== null) await moveCheckpoint(tx, request);
    await applyFlowWrites(tx, request.writes ?? []);
  }
  await addCounters(tx, [...requests.flatMap(({ counters }) => counters ?? []), ...countersOf(sorted.result)]);
  return sorted.result;
}

function requireOneTransaction(entries: readonly NewEntry[]): void {
  const { max_rows, max_bytes } = APPEND_LIMITS;
  invariant(entries.length <= max_rows, `an append has at most ${max_rows} entries`);
  if (entries.length <= 1) return;
  const bytes = entries.reduce((total, { payload }) => total + Buffer.byteLength(payload ?? ''), 0);
  invariant(bytes <= max_bytes, 'an append has at most 4 MiB of payload');
}

/** Where each partition ends; nobody else appends to them until the commit. */
async function lockTails(tx: Transaction, entries: readonly NewEntry[]): Promise<Map<number, Tail>> {
  const ids = [...new Set(entries.map(({ partition_id }) => partition_id))];
  if (ids.length === 0) return new Map();
  const rows = await tx.all<Pick<Tail, 'partition_id' | 'last_offset' | 'delivery'>>(
    `SELECT partition_id, last_offset, delivery FROM syncline.partition
     WHERE partition_id = ANY ($1::bigint[]) ORDER BY partition_id FOR NO KEY UPDATE`,
    ids,
  );
  invariant(rows.length === ids.length, 'every partition of an append exists');
  return new Map(rows.map((row) => [row.partition_id, { ...row, added: 0, bytes: 0 }]));
}

/** What a source brought is known before it brings more: two that read the same source do so one after the other. */
async function lockSources(tx: Transaction, requests: readonly AppendRequest[]): Promise<void> {
  await tx.all(
    `SELECT source_id FROM syncline.source WHERE source_id = ANY ($1::bigint[]) ORDER BY source_id FOR NO KEY UPDATE`,
    requests.map(({ source_id }) => source_id),
  );
}

const placeOf = (source_id: number, cursor: string): string => `${source_id} ${cursor}`;

async function knownOf(tx: Transaction, requests: readonly AppendRequest[]): Promise<Map<string, Known>> {
  const given = requests.flatMap(({ source_id, entries }) => entries.map(({ cursor }) => ({ source_id, cursor })));
  if (given.length === 0) return new Map();
  const rows = await tx.all<Known & { source_id: number; cursor: string }>(
    `SELECT e.source_id, e.cursor, e.partition_id, e."offset", e.payload
     FROM unnest($1::bigint[], $2::text[]) AS g (source_id, cursor)
     JOIN syncline.entry e ON e.source_id = g.source_id AND e.cursor = g.cursor`,
    given.map(({ source_id }) => source_id),
    given.map(({ cursor }) => cursor),
  );
  return new Map(rows.map(({ source_id, cursor, ...known }) => [placeOf(source_id, cursor), known]));
}

function sortOut(
  requests: readonly AppendRequest[],
  tails: ReadonlyMap<number, Tail>,
  subjects: ReadonlyMap<string, Subject>,
  known: Map<string, Known>,
): Sorted {
  const sorted: Sorted = {
    rows: [],
    changes: [],
    clashes: [],
    result: { appended: 0, duplicates: 0, clashes: 0, erased: 0 },
  };
  for (const request of requests)
    for (const entry of request.entries) {
      const tail = tails.get(entry.partition_id);
      invariant(tail, 'every partition of a request has its tail read');
      invariant((tail.delivery === 'keyed') === (entry.key !== undefined), 'an entry of a keyed partition has a key');
      const subject = entry.subject === null ? undefined : subjects.get(entry.subject);
      if (subject?.erased) sorted.result.erased++;
      else sortOne(sorted, request, entry, tail, subject?.subject_id ?? null, known);
    }
  return sorted;
}

function sortOne(
  sorted: Sorted,
  { source_id, now_ms }: AppendRequest,
  entry: NewEntry,
  tail: Tail,
  subject_id: number | null,
  known: Map<string, Known>,
): void {
  const payload = entry.payload === null ? null : storable(entry.payload);
  const place = placeOf(source_id, entry.cursor);
  const before = known.get(place);
  if (before) {
    if (isClash(before, entry.partition_id, payload)) {
      sorted.result.clashes++;
      sorted.clashes.push({ known: before, entry, payload: payload ?? '', now_ms });
    } else sorted.result.duplicates++;
    return;
  }
  const offset = tail.last_offset + ++tail.added;
  const bytes = payload === null ? 0 : Buffer.byteLength(payload);
  tail.bytes += bytes;
  sorted.result.appended++;
  known.set(place, { partition_id: tail.partition_id, offset, payload });
  const { partition_id, cursor, observed_ms, key = null } = entry;
  sorted.rows.push({ partition_id, offset, source_id, cursor, subject_id, observed_ms, bytes, payload, key });
  if (key !== null) sorted.changes.push({ ...entry, key, offset, subject_id });
}

/** True when the known entry of this cursor holds something else under the same schema and rule set. */
function isClash(known: Known, partition_id: number, payload: string | null): boolean {
  if (known.partition_id !== partition_id) return false;
  return known.payload !== null && payload !== null && known.payload !== payload;
}

async function moveTails(tx: Transaction, tails: ReadonlyMap<number, Tail>): Promise<void> {
  const moved = [...tails.values()].filter(({ added }) => added > 0);
  if (moved.length === 0) return;
  await tx.run(
    `UPDATE syncline.partition p SET last_offset = p.last_offset + g.added, bytes = p.bytes + g.bytes
     FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS g (partition_id, added, bytes)
     WHERE p.partition_id = g.partition_id`,
    moved.map(({ partition_id }) => partition_id),
    moved.map(({ added }) => added),
    moved.map(({ bytes }) => bytes),
  );
}

async function moveCheckpoint(tx: Transaction, request: AppendRequest): Promise<void> {
  const moved = await tx.run(
    'UPDATE syncline.source SET checkpoint = $1, updated_ms = $2 WHERE source_id = $3',
    request.checkpoint,
    request.now_ms,
    request.source_id,
  );
  invariant(moved === 1, `source ${request.source_id} exists`);
}

/** A source read again from its start shows the same clash again; one dead letter of it is enough. */
async function recordClash(
  tx: Transaction,
  { known, entry, payload, now_ms }: Clash,
  subjects: ReadonlyMap<string, Subject>,
  newId: () => string,
): Promise<void> {
  const kept = await tx.get(
    `SELECT 1 FROM syncline.dead_letter WHERE partition_id = $1 AND "offset" = $2 AND class = 'clash' AND payload = $3`,
    known.partition_id,
    known.offset,
    payload,
  );
  if (kept) return;
  await insertDeadLetter(tx, {
    dead_letter_id: newId(),
    destination_id: null,
    partition_id: known.partition_id,
    offset: known.offset,
    subject_id: entry.subject === null ? null : (subjects.get(entry.subject)?.subject_id ?? null),
    refusal: {
      class: 'clash',
      code: 'source_clash',
      message: 'A position of the source was read again with other content',
    },
    attempts: 1,
    payload,
    now_ms,
  });
}

function countersOf(result: AppendResult): CounterChange[] {
  return [
    { name: 'entries_duplicate', label: 'append', by: result.duplicates },
    { name: 'entries_clash', label: 'append', by: result.clashes },
    { name: 'entries_of_erased', label: 'append', by: result.erased },
  ];
}

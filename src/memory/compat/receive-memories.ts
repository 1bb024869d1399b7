import { SynclineError } from '../../platform/errors.ts';
import type { ImportedMemory, Memories, NewMemory, WriteOptions } from '../memories.ts';
import { SOURCES, type Memory } from '../memory.ts';
import { refusalOf } from '../parse-operation.ts';
import { goneOf, type Gone } from './gone.ts';
import { formatInstant, type Instant } from './instant.ts';
import {
  MARKED_FIELDS,
  editsOf,
  isBehind,
  knownAfter,
  marksOf,
  sameMarks,
  type KnownRow,
  type MarkedField,
} from './peer-rows.ts';
import type { ItemResult } from './push-reply.ts';
import { wireMemoryOf, type WireMemory } from './wire-memory.ts';

export interface ReceivedRows {
  results: Map<string, ItemResult>;
  /** What the peer is now known to have. */
  known: Map<string, KnownRow>;
  /** Memories of which the peer has something that was not taken over: it is to be told again what they are. */
  tell_again: string[];
}

export interface MemoryReception {
  memories: Memories;
  options: WriteOptions;
  known: ReadonlyMap<string, KnownRow>;
  /** Memories that old peers deleted before they came. */
  early_deletions: ReadonlySet<string>;
}

/** A row that says something new, as it is to be written. */
interface Taken {
  row: WireMemory;
  edits: readonly MarkedField[];
  written: ImportedMemory;
}

/**
 * Takes memories that an old peer pushed, one of each id. Rows become operations of ours, and only where they say something
 * new: a row that says what is known changes nothing, so nothing circles between peers.
 *
 * Nothing that was deleted comes back: the dialect has no deletion with a time, ids are never given twice, and a peer whose
 * clock is ahead would date any row after its deletion. What was archived comes back when it is alive, and newer, at a peer
 * that had archived it too.
 */
export async function receiveMemories(
  reception: MemoryReception,
  pushed: readonly WireMemory[],
): Promise<ReceivedRows> {
  const { memories, known } = reception;
  const received: ReceivedRows = { results: new Map(), known: new Map(), tell_again: [] };
  await restoreAgain(reception, received, pushed);
  const live = await liveOf(memories, pushed);
  const gone = await goneOf(
    memories.replica,
    pushed.map(({ id }) => id).filter((id) => !live.has(id)),
  );
  const taken: Taken[] = [];
  for (const row of pushed) {
    const current = live.get(row.id);
    const lost = gone.get(row.id)?.gone ?? (reception.early_deletions.has(row.id) ? 'dead' : null);
    if (current) judge(received, taken, row, current, known.get(row.id) ?? null);
    else if (lost === null) taken.push({ row, edits: MARKED_FIELDS, written: newMemory(row) });
    else stayGone(received, row, lost);
  }
  await write(reception, received, taken);
  return received;
}

async function liveOf(memories: Memories, rows: readonly WireMemory[]): Promise<Map<string, Memory>> {
  const live = await memories.getMany(rows.map(({ id }) => id));
  return new Map(live.map((memory) => [memory.id, memory]));
}

/** Of a row that lives here: what it says, and what there is to take over. */
function judge(received: ReceivedRows, taken: Taken[], row: WireMemory, current: Memory, known: KnownRow | null): void {
  const wire = wireMemoryOf(current);
  const edits = editsOf(row, wire, known);
  if (isBehind(row, known) || (!known && edits.length === 0 && !sameMarks(marksOf(row), marksOf(wire))))
    received.tell_again.push(row.id);
  if (edits.length > 0) taken.push({ row, edits, written: edited(row, edits, current) });
  else {
    received.results.set(row.id, { result: 'effect' });
    received.known.set(row.id, knownAfter(row, wire, [], known));
  }
}

/**
 * All in one transaction, as an import: neither a policy nor a title of here refuses what exists there, as in the original.
 * What is then known of the peer is taken from what was written, which masking may have changed.
 */
async function write(
  { memories, options, known }: MemoryReception,
  received: ReceivedRows,
  taken: readonly Taken[],
): Promise<void> {
  if (taken.length === 0) return;
  const data = { memories: taken.map(({ written }) => written), links: [] };
  const { result } = await memories.import(data, options);
  const reasons = new Map(result.errors.map(readImportError));
  const live = await liveOf(
    memories,
    taken.map(({ row }) => row),
  );
  for (const [index, { row, edits }] of taken.entries()) {
    const reason = reasons.get(index);
    const memory = live.get(row.id);
    if (reason !== undefined) received.results.set(row.id, { result: 'skipped', reason });
    else received.results.set(row.id, { result: 'effect' });
    // One whose time is over is here and hidden.
    if (reason === undefined && memory)
      received.known.set(row.id, knownAfter(row, wireMemoryOf(memory), edits, known.get(row.id) ?? null));
  }
}

/** `memories.3: memory.invalid title`: which item, and why. */
function readImportError(text: string): [number, string] {
  const match = /^memories\.(\d+): (.*)$/s.exec(text);
  return [Number(match?.[1] ?? -1), match?.[2] ?? text];
}

/** A row that an archive had hidden on both sides, and that is alive and newer at the peer, was restored there. */
async function restoreAgain(
  { memories, options, known }: MemoryReception,
  received: ReceivedRows,
  pushed: readonly WireMemory[],
): Promise<void> {
  const hidden = pushed.filter(({ id }) => known.get(id)?.gone === 'archived');
  const gone = await goneOf(
    memories.replica,
    hidden.map(({ id }) => id),
  );
  for (const row of hidden) {
    const lost = gone.get(row.id);
    if (lost?.gone !== 'archived' || row.updated_at <= lost.at) continue;
    try {
      await memories.restore(row.id, options);
    } catch (error) {
      received.results.set(row.id, skippedFor(error));
    }
  }
}

/** The baseline counts a row that loses as applied, and so does this; but the peer is told again what became of it. */
function stayGone(received: ReceivedRows, row: WireMemory, gone: Gone['gone']): void {
  received.results.set(row.id, { result: gone === 'dead' ? 'nothing' : 'effect' });
  received.known.set(row.id, { theirs: null, theirs_updated: row.updated_at, ours: null, gone: null });
  received.tell_again.push(row.id);
}

function newMemory(row: WireMemory): ImportedMemory {
  return {
    ...{ id: row.id, ...valuesOf(row), created_at: formatInstant(row.created_at) },
    adopted_at: formatInstant(row.updated_at),
  };
}

/** The memory as it is, with these fields of the row. */
function edited(row: WireMemory, edits: readonly MarkedField[], current: Memory): ImportedMemory {
  const theirs = valuesOf(row);
  const ours = { ...valuesOf(wireMemoryOf(current)), title: current.own_title };
  const changed = Object.fromEntries(edits.map((field) => [field, theirs[field]]));
  return { id: row.id, ...ours, ...changed };
}

function valuesOf(row: WireMemory): Required<Pick<NewMemory, MarkedField>> & { title: string; content: string } {
  return {
    title: row.title,
    content: row.content,
    tier: row.tier,
    namespace: row.namespace,
    tags: row.tags,
    priority: row.priority,
    confidence: row.confidence,
    // A newer release may know sources that nobody here does; the row is worth more than that word (D23).
    source: SOURCES.some((known) => known === row.source) ? row.source : 'import',
    expires_at: timeOrNull(row.expires_at),
    metadata: row.metadata,
    extra: row.extra,
  };
}

function timeOrNull(instant: Instant | null): string | null {
  return instant === null ? null : formatInstant(instant);
}

/** What the core refuses by rule is one item skipped; a full disk or a defect is the whole request's. */
export function skippedFor(error: unknown): ItemResult {
  rethrowUnlessRefused(error);
  return { result: 'skipped', reason: refusalOf(error) };
}

export function rethrowUnlessRefused(error: unknown): void {
  if (error instanceof SynclineError && error.code.startsWith('memory.')) return;
  throw error;
}

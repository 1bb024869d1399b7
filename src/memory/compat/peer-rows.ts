import { createHash } from 'node:crypto';
import { TIERS } from '../memory.ts';
import { canonicalJson } from '../json.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { formatInstant, parseInstant, type Instant } from './instant.ts';
import type { WireMemory } from './wire-memory.ts';

/** The fields in which two rows can differ, each in a form that is small and compares: long ones as a hash. */
export interface Marks {
  readonly title: string;
  readonly namespace: string;
  readonly content: string;
  readonly tags: string;
  readonly tier: string;
  readonly priority: number;
  readonly confidence: number;
  readonly source: string;
  readonly expires_at: string | null;
  readonly metadata: string;
  readonly extra: string;
  /** `metadata.scope`, which the hash of the metadata covers too: whether the peer has it as something private. */
  readonly scope: string | null;
}
export type MarkedField = Exclude<keyof Marks, 'scope'>;

export const MARKED_FIELDS: readonly MarkedField[] = [
  ...(['title', 'namespace', 'content', 'tags', 'tier', 'priority', 'confidence', 'source'] as const),
  ...(['expires_at', 'metadata', 'extra'] as const),
];

/**
 * What an old peer has of a memory. The peer's row and ours can say the same in different words (a shown title, a mask),
 * so there is one set of marks for each side, both of the moment when they last agreed field by field.
 */
export interface KnownRow {
  theirs: Marks | null;
  /** The greatest `updated_at` that the peer's row is known to have. */
  theirs_updated: Instant;
  /** Null: they do not agree as far as we know, so the peer is to be told. */
  ours: Marks | null;
  gone: 'archived' | 'dead' | null;
}

export function marksOf(memory: WireMemory): Marks {
  // Whose memory it is never changes, and an old peer keeps its own word for it whatever comes (§5.1).
  const { agent_id: _agent_id, ...metadata } = memory.metadata;
  return {
    title: hash(memory.title),
    namespace: memory.namespace,
    content: hash(memory.content),
    tags: hash(canonicalJson(memory.tags)),
    tier: memory.tier,
    priority: memory.priority,
    confidence: memory.confidence,
    source: memory.source,
    expires_at: memory.expires_at === null ? null : formatInstant(memory.expires_at),
    metadata: hash(canonicalJson(metadata)),
    extra: hash(canonicalJson(memory.extra)),
    scope: typeof memory.metadata['scope'] === 'string' ? memory.metadata['scope'] : null,
  };
}

export function sameMarks(a: Marks, b: Marks): boolean {
  return MARKED_FIELDS.every((field) => a[field] === b[field]);
}

/**
 * The row that a peer has after it was sent one: its rule of joining (§5.1). It keeps the greater priority, confidence and
 * tier, and an expiry that the newer row does not state, so it does not always have what it was sent (D6).
 */
export function joinedAtPeer(theirs: Marks | null, theirs_updated: Instant, sent: Marks, updated: Instant): Marks {
  if (!theirs) return sent;
  const newer = updated > theirs_updated ? sent : theirs;
  const tier = [theirs.tier, sent.tier].sort((a, b) => rank(a) - rank(b)).at(-1) ?? sent.tier;
  return {
    ...newer,
    title: theirs.title,
    namespace: theirs.namespace,
    priority: Math.max(theirs.priority, sent.priority),
    confidence: Math.max(theirs.confidence, sent.confidence),
    tier,
    expires_at: tier === 'long' ? null : (sent.expires_at ?? theirs.expires_at),
  };
}

/**
 * Which fields of a row that a peer sent are edits made there, to be taken over. Three ways, field by field: what the peer
 * changed since both agreed is taken; what both changed goes to the newer row. Without knowledge of the peer's row the newer
 * row wins whole, as there. A row that is no newer than what the peer is known to have tells nothing.
 */
export function editsOf(pushed: WireMemory, current: WireMemory, known: KnownRow | null): MarkedField[] {
  const theirs = marksOf(pushed);
  const ours = marksOf(current);
  const is_newer = pushed.updated_at > current.updated_at;
  if (!known?.theirs || !known.ours)
    return is_newer ? MARKED_FIELDS.filter((field) => theirs[field] !== ours[field]) : [];
  if (pushed.updated_at <= known.theirs_updated) return [];
  const { theirs: before, ours: agreed } = known;
  return MARKED_FIELDS.filter((field) => {
    if (theirs[field] === before[field] || theirs[field] === ours[field]) return false;
    return ours[field] === agreed[field] || is_newer;
  });
}

/**
 * Whether a row says another thing than the peer is known to have, under a time that is no later: an older row that was long
 * on its way, or an edit of a peer whose clock is behind (D8). Neither is taken over, and the peer is told again.
 */
export function isBehind(pushed: WireMemory, known: KnownRow | null): boolean {
  if (!known?.theirs || pushed.updated_at > known.theirs_updated) return false;
  return !sameMarks(marksOf(pushed), known.theirs);
}

/** What is known after a row came in and `taken` of its fields were taken over, which made `after` of ours. */
export function knownAfter(
  pushed: WireMemory,
  after: WireMemory,
  taken: readonly MarkedField[],
  known: KnownRow | null,
): KnownRow {
  if (isBehind(pushed, known) && known) return { ...known, theirs: marksOf(pushed), ours: null, gone: null };
  const theirs = marksOf(pushed);
  const now = marksOf(after);
  const before = known?.ours ?? theirs;
  const agree = (field: MarkedField): boolean => taken.includes(field) || now[field] === theirs[field];
  // A field in which ours stays another keeps the old agreement, so that it counts as changed here and is sent.
  const agreed = MARKED_FIELDS.map((field) => [field, (agree(field) ? now : before)[field]] as const);
  const { scope } = agree('metadata') ? now : before;
  const theirs_updated = known && known.theirs_updated > pushed.updated_at ? known.theirs_updated : pushed.updated_at;
  const ours = { ...Object.fromEntries(agreed), scope } as unknown as Marks;
  return { theirs, theirs_updated, ours, gone: null };
}

/** A row that the peer has no more. Of one that was deleted nothing is kept, not even the hashes of what it said. */
export function goneRow(known: KnownRow | null, gone: 'archived' | 'dead'): KnownRow {
  const { theirs, theirs_updated, ours } = known ?? { theirs: null, theirs_updated: 0n, ours: null };
  return gone === 'archived'
    ? { theirs, theirs_updated, ours, gone }
    : { theirs: null, theirs_updated, ours: null, gone };
}

interface StoredRow {
  memory_id: string;
  theirs: string | null;
  theirs_updated: string;
  ours: string | null;
  gone: KnownRow['gone'];
}

/** What each peer is known to have, on disk. Losing it costs a second sending and coarser joining, nothing else. */
export class PeerRows {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  get(peer: string, ids: readonly string[]): Map<string, KnownRow> {
    const rows = this.#db.all<StoredRow>(
      `SELECT memory_id, theirs, theirs_updated, ours, gone FROM compat_peer_row
       WHERE peer = ? AND memory_id IN (SELECT value FROM json_each(?))`,
      peer,
      JSON.stringify(ids),
    );
    return new Map(rows.map((row) => [row.memory_id, knownRow(row)]));
  }

  /** The peer may have these as we know, or archived: another old peer can have told it so. */
  doubt(peer: string, ids: readonly string[]): void {
    this.#db.run(
      `UPDATE compat_peer_row SET theirs = NULL
       WHERE peer = ? AND gone IS NULL AND memory_id IN (SELECT value FROM json_each(?))`,
      peer,
      JSON.stringify(ids),
    );
  }

  put(peer: string, rows: ReadonlyMap<string, KnownRow>): void {
    if (rows.size === 0) return;
    const texts = [...rows].map(([memory_id, known]) => ({
      memory_id,
      theirs: known.theirs && JSON.stringify(known.theirs),
      theirs_updated: formatInstant(known.theirs_updated),
      ours: known.ours && JSON.stringify(known.ours),
      gone: known.gone,
    }));
    this.#db.run(
      `INSERT OR REPLACE INTO compat_peer_row (peer, memory_id, theirs, theirs_updated, ours, gone)
       SELECT ?, value ->> 'memory_id', value ->> 'theirs', value ->> 'theirs_updated', value ->> 'ours', value ->> 'gone'
       FROM json_each(?)`,
      peer,
      JSON.stringify(texts),
    );
  }
}

function knownRow(row: StoredRow): KnownRow {
  return {
    theirs: row.theirs === null ? null : (JSON.parse(row.theirs) as Marks),
    theirs_updated: parseInstant(row.theirs_updated) ?? 0n,
    ours: row.ours === null ? null : (JSON.parse(row.ours) as Marks),
    gone: row.gone,
  };
}

function rank(tier: string): number {
  return TIERS.findIndex((known) => known === tier);
}

/** 64 bits: enough to see a change, too little to be of use as a fingerprint of what was erased. */
function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 11);
}

/** The side of a memory store that other members see: operations by place, vectors, digests, whole states. */
import type { Durability } from './durability.ts';
import type { RowKind } from './operation.ts';
import type { MemberId, OperationId, OperationPlace, OriginId, VersionVector } from './origin.ts';

export interface ReplicaIdentity {
  member: MemberId;
  /** Where this member's own operations are numbered now. */
  origin: OriginId;
  device: string;
}

/** A run of operations of one origin: `first`, `first + 1`, … in their own texts. */
export interface OperationPage {
  origin: OriginId;
  first: number;
  /** Hash of the operation before the first one, as the giver has it; '' or left out where it has none. */
  follows?: string;
  operations: readonly string[];
}

export interface ReadPage extends OperationPage {
  /** More of this origin is there. */
  more: boolean;
}

export interface PageLimits {
  /** At most `PAGE_LIMITS`, which is also the default. One operation is given even if it is larger. */
  max_items?: number;
  max_bytes?: number;
}

/**
 * `applied`: on disk, and had an effect · `already`: was on disk with the same text · `stale`: on disk, without effect,
 * because something later is known · `rejected`: not on disk; nothing of its origin after it either.
 */
export type ItemOutcome =
  | { operation: OperationId; outcome: 'applied' | 'already' | 'stale' }
  | { operation: OperationId; outcome: 'rejected'; reason: string };

/**
 * Why a page ended before its end. `parked`: the operation is kept beside the log, does not count in the vector, and is
 * tried again when the program or the clock has moved on · `gap`: the page does not begin after the last known one: read
 * the vector and send from there · `identity_shared`: a known place holds another text: two members share an origin.
 * (or the operation before the page is another one). Nothing of the page was taken; refuse it and raise an alarm.
 */
export type PageStop = { why: 'parked' | 'gap' | 'identity_shared'; sequence: number; reason: string };

export interface ApplyResult {
  origin: OriginId;
  /** What this member has of the origin now, durably: the cumulative acknowledgement. */
  through: number;
  /** One for each operation up to the stop. */
  items: ItemOutcome[];
  stopped: PageStop | null;
}

export interface ParkedOperation {
  operation: OperationId;
  reason: string;
  since_ms: number;
}

/**
 * A node of the digest tree: 16 children for each hex digit of the place of a row (48 bits of a hash of its key). `hash`
 * is the exclusive or of the hashes of its rows, live ones and tombstones, in 16 hex digits.
 */
export interface RangeDigest {
  prefix: string;
  hash: string;
  rows: number;
  /** Null below which only `entries` say more. */
  children: { prefix: string; hash: string; rows: number }[] | null;
  /** The rows themselves, when they are few. */
  entries: DigestEntry[] | null;
}

export interface DigestEntry {
  row: RowKind;
  key: string;
  hash: string;
}

/** The merged state of one row: what repair and snapshots carry. The text travels as it is. */
export interface RowState {
  row: RowKind;
  key: string;
  /** JSON. */
  state: string;
}

export interface SnapshotPage {
  rows: RowState[];
  /** Goes on from here; null = that was all. */
  next: string | null;
}

/** Where a page of a snapshot begins and ends, and what its giver had before it read the page. */
export interface SnapshotRange {
  after: string;
  next: string | null;
  vector: VersionVector;
}

/** A new incarnation. `told`: operations that say again what stood after the common part; `restamped`: how many with new times. */
export interface Renewed extends ReplicaIdentity {
  told: number;
  restamped: number;
}

export interface Replica {
  identity(): ReplicaIdentity;
  /**
   * Begins a new incarnation: from the next write on, own operations are numbered in an origin of their own, and what was
   * numbered before is replicated as any other origin. What this machine wrote after `common` is told again under the new
   * number, as states of its rows, and leaves its old places to whoever else filled them; those whose stamps lie more than a
   * day ahead are written again with stamps of now. `common` is how much of the old origin others are known to have as it
   * stands here; not given: as `confirm` was told. Ends also when the process died in the middle, at the next open.
   * @throws SynclineError `memory.set_back` when the store was opened without a way to keep it
   */
  renew(common?: number): Promise<Renewed>;

  /** Hash of the operation at a place; '' when it is not here, was erased, or is past retention. */
  hashAt(origin: OriginId, sequence: number): string;
  /** When this member took the operation at a place, epoch ms; null when it is not here. */
  takenAt(origin: OriginId, sequence: number): number | null;
  /** Some member has our operations up to here as they are here. Kept with the next write. */
  confirm(sequence: number): void;
  /** How far they were confirmed, in an earlier run too. */
  confirmed(): number;
  /** Former origins that a new incarnation took the place of (`renew`), with how much of each was kept; beyond it they are others'. */
  renewedOrigins(): ReadonlyMap<OriginId, number>;
  /** Where an operation of ours stands now: elsewhere once it was told anew. */
  standsAt(place: OperationPlace): OperationPlace;

  /** What this member has, durably, of every origin. Never counts what is parked. */
  vector(): VersionVector;
  /** Hash over all rows: members with equal vectors have the same one. In every reply. */
  root(): string;

  /**
   * Operations of an origin after a sequence, in order. Null: they are past retention, and only a snapshot helps. Texts
   * are what was received, never written again.
   */
  read(origin: OriginId, after: number, limits?: PageLimits): Promise<ReadPage | null>;

  /**
   * Takes a page in one transaction: log, effects, clock. Known operations are skipped after comparing their text. When it
   * returns, everything up to `through` is on disk.
   * @throws InvalidInputError `memory.page` (over the limits, not an origin, our own origin ahead of our log)
   */
  apply(page: OperationPage): Promise<ApplyResult>;

  parked(): Promise<ParkedOperation[]>;
  /** The same, at once. */
  parkedNow(): ParkedOperation[];
  /** Tries parked operations again; after an upgrade, and once in a while for clocks. */
  retryParked(): Promise<ApplyResult[]>;

  /** `''` is the root. @throws InvalidInputError `memory.prefix` */
  digest(prefix: string): Promise<RangeDigest>;
  /** States of rows by key, in no order; those that are not there are left out. */
  states(keys: readonly { row: RowKind; key: string }[]): Promise<RowState[]>;
  /**
   * Repair: writes operations of our own that join these states (as another member gave them) into ours. Those that
   * change nothing write none.
   */
  repair(states: readonly RowState[]): Promise<OperationId[]>;

  /** Compares the next rows with their checksums, at most so many; in the course of time all. */
  checkRows(most: number): void;
  /** Rows that are not what was written, as far as they were looked at. */
  damaged(): readonly { row: RowKind; key: string }[];
  /**
   * Puts in place what another member has of damaged rows, where the checksum says that it is what stood here. No operation is
   * written: nothing has changed. Returns how many were mended.
   */
  mend(states: readonly RowState[]): Promise<number>;

  /**
   * All rows from a place on (`''` at first), for a member that is new, was wiped, or fell behind retention. A page may be
   * empty before the end; only `next` null is the end.
   */
  snapshot(after: string, limits?: PageLimits): Promise<SnapshotPage>;
  /**
   * Joins a page of another member's rows. What this member has in the page's range and the other does not, although it had
   * all operations that this member's rows came from, was deleted and forgotten there: it goes here too, so that a restored
   * member brings nothing back. After the last page `adopt` moves the vector: everything up to it counts as
   * had, and the log begins after it. Until then the vector stays, so a cut transfer is begun again.
   */
  applySnapshot(rows: readonly RowState[], of?: SnapshotRange): Promise<number>;
  adopt(vector: VersionVector): Promise<void>;

  /**
   * Causal stability: tells what every member (this one included) is known to have. When all have a tombstone and all
   * that was written before they had it, one `purge` operation removes it everywhere. `agreed` is how much of that they have for
   * certain: the same rows were seen there. Returns what was purged here.
   */
  stabilise(
    members: ReadonlyMap<MemberId, VersionVector>,
    agreed: ReadonlyMap<MemberId, VersionVector>,
  ): Promise<{ purged: number }>;

  /**
   * Empties what the operations of deleted memories said, once every member has all of `stable`: what was said and that it was
   * deleted. Bounded; what is left is done by calling again.
   */
  forgetTexts(stable: VersionVector): Promise<{ emptied: number }>;
  /** Removes operations that all members have and that are older; the rows stay. Bounded; `more` = call again. */
  retain(stable: VersionVector, before_ms: number): Promise<{ removed: number; more: boolean }>;

  /** Canonical export (P6): one line a row, sorted by key, replicated columns only. */
  canonical(): AsyncIterable<string>;

  /** Called after each commit that added operations, own or a peer's; never while one is running. */
  onCommit(listener: (origins: ReadonlyMap<OriginId, number>) => void): () => void;
  /** Replication says who else has what; once, before the first write that waits. */
  useDurability(durability: Durability): void;
}

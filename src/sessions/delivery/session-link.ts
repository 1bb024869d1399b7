import type { SegmentHash } from '../store/transcript.ts';

/** How often each rule fired in one segment. */
export type Redactions = Readonly<Record<string, number>>;

/** A segment as it was last put, and the raw one that it came from. */
export interface LinkedSegment {
  index: number;
  /** Keyed hash of the raw segment; `UNKNOWN_RAW` when it is not known what the store's came from. */
  raw: string;
  /** Hash of the masked one. */
  masked: string;
  redactions: Redactions;
}

export const UNKNOWN_RAW = '0'.repeat(16);

/** What the store of a destination has of one session, as far as its sender knows (design §4). Holds no text (S3). */
export interface SessionLink {
  /** `withdrawn`: taken back from there; only a new share brings it again. `erased`: the store never takes it again. */
  state: 'stored' | 'withdrawn' | 'erased';
  /** Null: nothing of it is there. `IN_DOUBT`: what is there is not known. */
  fingerprint: string | null;
  owner: string;
  /** `Masker.id` that the raw hashes hold for. */
  rule_set: string;
  /** Ascending by index. */
  segments: readonly LinkedSegment[];
  /** Where a difference that needs several puts goes on; null: it has all been put. */
  next_index: number | null;
  gone_since_ms: number | null;
  /** Keyed digest of the title and branch that the store was told; '': they are on hold; null: not known. */
  told_head: string | null;
  stored_ms: number;
}

/** In the form of a fingerprint, and that of no content: a store that is named it as `base` answers with its own. */
export const IN_DOUBT = '0'.repeat(16);

/**
 * The link while a request is under way. Noted before it, so that a store that took the request, and whose answer was lost with
 * the process, is not taken for what it was before when the source meanwhile went back to just that.
 */
export function inDoubt(link: SessionLink): SessionLink {
  return { ...link, fingerprint: IN_DOUBT };
}

/** The list a store compares with. */
export function hashesOf(segments: readonly LinkedSegment[]): SegmentHash[] {
  return segments.map(({ index, masked }) => [index, masked]);
}

/** Over all segments, sorted by rule. */
export function totalRedactions(
  segments: Iterable<LinkedSegment>,
  more: ReadonlyMap<string, number>,
): Record<string, number> {
  const total = new Map(more);
  for (const { redactions } of segments)
    for (const [rule, times] of Object.entries(redactions)) total.set(rule, (total.get(rule) ?? 0) + times);
  return Object.fromEntries([...total].sort(([a], [b]) => (a < b ? -1 : 1)));
}

import type {
  ConversationMessage,
  ConversationPin,
  ConversationPresence,
  ConversationSegment,
} from '../../agents/conversation.ts';

/** A session as stores keep it and the wire carries it: masked, and without what must not leave (paths, R5). */
export interface TranscriptHead {
  key: string;
  /** The agent's id, for `sessions show ID`; masked like any text. */
  native_id: string;
  /** The hash under which telemetry knows the session (R20); null when it has no salt or no agent's id. */
  session_hash: string | null;
  agent: string;
  agent_version: string | null;
  /** Who wrote it. A server stamps these from the token, never from the body (R6). */
  member: string;
  device: string;
  /** `host/owner/repository` or a label; a hash where the team gets no names (R5). */
  project: string;
  /** The wire's workspace hash. */
  project_hash: string | null;
  /** Of the local store only; null on the way to others. */
  cwd: string | null;
  git_branch: string | null;
  title: string | null;
  first_message: string | null;
  started_at_ms: number | null;
  ended_at_ms: number | null;
  message_count: number;
  user_message_count: number;
  /** Models of its messages, sorted. */
  models: string[];
  parent_key: string | null;
  relationship: '' | 'continuation' | 'fork' | 'subagent';
  termination_status: string | null;
  is_automated: boolean;
  is_truncated: boolean;
  total_output_tokens: number | null;
  peak_context_tokens: number | null;
  starred_at_ms: number | null;
  pins: ConversationPin[];
  presence: ConversationPresence;
  /** The rules that masked it, and how often each fired in the whole session. */
  rule_set: string;
  redactions: Record<string, number>;
  cut_bytes: number;
}

export type SegmentHash = readonly [index: number, hash: string];

/** One write of a store: all of it or nothing. */
export interface TranscriptPut {
  key: string;
  /** What the sender believes the store has; null = nothing. */
  base: string | null;
  /** What the store has afterwards. */
  fingerprint: string;
  /** Who may write this key from now on: `device/incarnation`. */
  owner: string;
  head: TranscriptHead;
  /** All segments of the session after this put; those the store has and that are not listed are removed. */
  segment_hashes: readonly SegmentHash[];
  /** Those that are new or changed, masked; every other one of `segment_hashes` must be at the store already. */
  segments: readonly ConversationSegment[];
  /** More puts of the same difference follow: shown as arriving. */
  partial: boolean;
  /** It was unshared here and its owner shares it again: lifts that tombstone (never that of an erasure). */
  restores?: boolean | undefined;
}

/**
 * The source has the session no more (R12), so that there is no head to put: everything stays as the store has it, and
 * `presence` becomes `source_gone`. Compare-and-set like a put; the next put brings the presence of then.
 */
export interface SourceGone {
  key: string;
  /** What the sender believes the store has. */
  base: string;
  /** What the store has afterwards: its segments stay, its fingerprint moves. */
  fingerprint: string;
  owner: string;
  since_ms: number;
}

export type PutResult =
  | { kind: 'stored' }
  /** The store had exactly this already. */
  | { kind: 'already' }
  /** `base` is not what it has, or a listed segment is not there: this is. Nothing was changed. */
  | { kind: 'stale'; fingerprint: string | null; segment_hashes: readonly SegmentHash[] }
  /** Another owner holds the key. Nothing was changed. */
  | { kind: 'foreign'; owner: string }
  /** A person erased it (it does not come back), or unshared it and the put does not say `restores`. */
  | { kind: 'erased' };

export interface TranscriptState {
  fingerprint: string;
  owner: string;
  segment_hashes: readonly SegmentHash[];
}

export type { ConversationMessage, ConversationSegment };

import type { ConversationHead, ConversationSegment } from '../../agents/conversation.ts';

/** What a source tells cheaply of one session, to be compared with what was kept, for inequality only. No content. */
export interface SourceMark {
  native_id: string;
  /** Part of the key: see `conversationKey`. */
  archive: string;
  /** Changes when anything of the session may have changed. At most 64 characters. */
  mark: string;
  /**
   * What a destination may refuse together with it: the same for all sessions of a project, as far as a cheap look tells
   * projects apart. A short digest, no name or path in clear; '' = unknown.
   */
  group: string;
}

/** Why a session that was known is not in the source any more. */
export type Absence = { native_id: string; archive: string; fate: 'vanished' | 'deleted' };

/** What one look at a source found. */
export interface SourceRound {
  /** Another database stands there (swapped, rebuilt): everything is compared anew under a new epoch. */
  restarted: boolean;
  /** Sessions that may have changed since the checkpoint; all of them when `complete`. */
  marks: Iterable<SourceMark>;
  /** True when `marks` lists every session there is; only then can a known one be absent. */
  complete: boolean;
  /** Of known sessions that are not listed in a complete round, what became of them; the caller asks at most 1,000 at once. */
  fatesOf(absent: readonly { native_id: string; archive: string }[]): Absence[];
  /** Kept once everything listed is taken in. Opaque, no content. */
  checkpoint: string;
  /** Ends the round; called once, also when it was given up. Neither `marks` nor `fatesOf` is used afterwards. */
  close(): void;
}

/** What one reading of a session came to. */
export interface ConversationReading {
  head: ConversationHead;
  /** Bytes cut by limits, of what was visited. */
  cut_bytes: number;
  /** Lines passed over, by reason (`malformed`, `oversize`, …); absent where the source has none. */
  skipped?: Readonly<Record<string, number>>;
}

/**
 * A place conversations are read from. Read-only. One implementation a file: agentsview's database, Claude Code's own
 * transcripts.
 */
export interface SessionSource {
  /** Stable name in the engine's `source` table; no path in clear. */
  readonly name: string;
  /** Short name for people: `agentsview`, `claude transcripts`. */
  readonly label: string;
  /** False when it is not installed; then no round is made. */
  exists(): boolean;
  /**
   * True when nothing happened since the checkpoint: costs the same at any number of sessions, so it may not know of a
   * change in a place where nothing happened for long. Ask it by the clock; a hint from what is `watched` calls `round`
   * without asking.
   * @throws UnreachableError
   */
  isQuiet(checkpoint: string | null, now_ms: number): boolean;
  /**
   * One look; `whole` asks for every session whatever the checkpoint says. What `marks` and `fatesOf` throw is of the
   * same kinds.
   * @throws UnreachableError, StaleError, InvalidInputError: the round is tried again later
   */
  round(checkpoint: string | null, now_ms: number, signal: AbortSignal, whole?: boolean): Promise<SourceRound>;
  /**
   * The session as it is at one moment, one segment of ascending ordinals at a time; memory holds one segment (of a
   * transcript file that must be merged as a whole: one session). Null when it is not there (then `visit` was not called).
   * `visit` must not wait for anything; what it got counts only when this returned. It returns false when it has enough:
   * reading ends there, and the head is told all the same. A session larger than one put is read in several goes, each
   * from the segment `first_index` on (default 0: from the beginning); a database asks only for those rows.
   * `head` comes with each segment, because who may see it and how it is masked depend on its project: what tells that
   * (`cwd`, `repository`, ids, `started_at_ms`) is final from the first segment on, the rest as far as it is known.
   */
  read(
    native_id: string,
    archive: string,
    visit: (segment: ConversationSegment, head: ConversationHead) => boolean,
    signal: AbortSignal,
    first_index?: number,
  ): Promise<ConversationReading | null>;
  /** Folders and files whose change is a hint for a round. */
  watched(): string[];
}

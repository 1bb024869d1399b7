import type { AgentEvent, AgentName, AgentSession } from './event.ts';

/** A place where an agent may keep its files, for `doctor` and the first screen (R21). */
export interface Place {
  agent: AgentName;
  path: string;
  /** What made us look: an environment variable's name or `default`. */
  because: string;
  exists: boolean;
}

/** One transcript file as found on disk. */
export interface TranscriptFile {
  agent: AgentName;
  path: string;
  /**
   * Session by the file's place (name or parent folder), not by its content; only a subagent's file of the layout that
   * stands beside its parent's has no such place, and is named by its first lines.
   */
  session_id: string;
  subagent_id: string | null;
  size: number;
  birth_ms: number;
  mtime_ms: number;
}

/**
 * How far a file was read, and what the reader must still know of the part before: JSON, opaque to everybody else,
 * committed in one transaction with the entries it stands for.
 */
export type TranscriptCheckpoint = string;

export interface PositionedEvent {
  /** `<byte offset of the line>:<index within the line>`, or another stable position; unique within the file's epoch. */
  cursor: string;
  event: AgentEvent;
}

/** One bounded step of reading. */
export interface ReadStep {
  events: PositionedEvent[];
  /**
   * What this step knows of the session, null while nothing was said in it. Title, branch, version and folder are
   * content, which no checkpoint keeps: they are told in the step that finds them and null in the others, and null
   * never replaces what is known. Of a subagent's file only the time of its last line.
   */
  session: AgentSession | null;
  /** Equal to the one given when there is nothing to keep. Holds no content: positions, ids, counts and hashes. */
  checkpoint: TranscriptCheckpoint;
  /** Bytes the checkpoint moved on by. */
  read_bytes: number;
  /** True when the file holds more complete lines than this step took. */
  more: boolean;
  /** Lines passed over, by reason (`malformed`, `oversize`, …); unknown line types count as `type:<name>`. */
  skipped: Record<string, number>;
  /**
   * Set when the file is not the one the checkpoint was made for (replaced, truncated, prefix rewritten): the step then
   * starts again at byte 0 and everything belongs to a new source epoch.
   */
  restarted: boolean;
  /**
   * Present while a response is held because its end has not shown: reading again at this time (epoch milliseconds)
   * emits it, even if the file does not grow.
   */
  due_ms?: number;
}

export interface ReadLimits {
  /** Stop after about this many bytes of lines. */
  max_bytes: number;
  /** Longer lines are skipped in bounded memory and counted as `oversize`. */
  max_line_bytes: number;
  /**
   * Removes secrets from the name of a model or tool before a checkpoint keeps it: such names are no content, but
   * whoever chose one may have put a key into it, and checkpoints rest on the disk. Idempotent.
   */
  cleanName?: (name: string) => string;
  /** True for a reader that needs no content: events are told without it, so that what was said is not held in memory. */
  without_content?: boolean;
}

/** Everything Syncline must know of one coding agent. One folder with fixtures each; see docs/adding-an-agent.md. */
export interface AgentSource {
  readonly agent: AgentName;
  /** Where the agent says it keeps its files, by its own environment variables and defaults. Touches nothing but names. */
  places(env: Readonly<Record<string, string | undefined>>): Place[];
  /** All transcript files below the places that exist, oldest birth first. Read-only; unreadable folders are reported, not thrown. */
  discover(places: Place[]): Promise<{ files: TranscriptFile[]; problems: { path: string; message: string }[] }>;
  /** Reads on from `checkpoint` (null = from the start). Never throws for content; throws SynclineError when the file cannot be read. */
  read(
    file: TranscriptFile,
    checkpoint: TranscriptCheckpoint | null,
    limits: ReadLimits,
    now_ms: number,
  ): Promise<ReadStep>;
}

import { createHash } from 'node:crypto';
import type { Place } from '../../agents/source.ts';
import type { ConversationHead, ConversationSegment } from '../../agents/conversation.ts';
import {
  fileStamp,
  listProjectTranscripts,
  listTranscripts,
  type StampedTranscript,
  type TranscriptListing,
} from '../../agents/claude/conversations.ts';
import { SynclineError, UnreachableError } from '../../platform/errors.ts';
import type { Timers } from '../../platform/timers.ts';
import { CLAUDE_ARCHIVE } from '../conversation-key.ts';
import { ClaudeActivity, lookAt, type ActivityChange } from './claude-activity.ts';
import { ClaudeForks } from './claude-forks.ts';
import { ClaudeReadings } from './claude-readings.ts';
import { ClaudeSessions } from './claude-sessions.ts';
import type { ConversationReading, SessionSource, SourceMark, SourceRound } from './session-source.ts';

/** Looking where something is likely to happen misses what happens elsewhere, so everything is listed this often. */
const LIST_ALL_EVERY_MS = 10 * 60_000;
/** A hint that nothing known explains lists everything, at most this often by the files there are: some 2 % of the time. */
const LIST_ALL_MS_PER_FILE = 3;
const LIST_ALL_LEAST_MS = 2_000;

export interface ClaudeSourceOptions {
  /** Where Claude Code may keep its transcripts; whether they exist is looked up anew for each round. */
  places: () => readonly Place[];
  timers: Timers;
}

/** What a finished round leaves for the next: JSON without any content or path. */
interface Checkpoint {
  version: 1;
  /** Names the round within the process that made it. */
  round: string;
  /** Digests of the `projects` folders that were there. A listing without one of them is not complete. */
  roots: string[];
  /** Sessions whose subagents have a short id that others have, too: see `ClaudeSessions`. */
  owners: Record<string, string>;
}

/** What the rounds of this process found. */
interface Look {
  sessions: ClaudeSessions;
  listing: Pick<TranscriptListing, 'roots' | 'projects'>;
  activity: ClaudeActivity;
  listed_ms: number;
  listed_all_ms: number;
  /** Of the last round, and of the one before it that was taken in. */
  checkpoint: string;
  taken_checkpoint: string | null;
  /** Sessions told since the round that was taken in; 'all': every one. */
  told: Set<string> | 'all';
  /** A hint came that nothing explains: everything is listed as soon as that may be. */
  owes_listing: boolean;
}

/**
 * Claude Code's own transcripts as a source of sessions, for when agentsview is not installed. A subagent's transcript is a
 * session of its own.
 *
 * A mark is made of a file's inode, size and times. What is not in it: a fork's origin (the beginnings of other files), a
 * subagent's `.meta.json` beside it, outputs saved in `tool-results/`. All three are written before or with the lines that
 * need them; should one change later, the session is read again with its next line.
 *
 * A listing without a folder that was there before is not complete, so a disk that is not mounted makes nobody vanish; a
 * tree of transcripts cannot tell that a person deleted one, so nothing of it is ever `deleted`. A file of titles alone is
 * marked like any other and reads as null.
 */
export class ClaudeSource implements SessionSource, Disposable {
  readonly name: string;
  readonly label = 'claude transcripts';
  readonly #options: ClaudeSourceOptions;
  readonly #forks = new ClaudeForks();
  readonly #readings: ClaudeReadings;
  #look: Look | null = null;
  #unlooked: Promise<ClaudeSessions> | null = null;
  #rounds = 0;

  constructor(options: ClaudeSourceOptions) {
    this.#options = options;
    this.#readings = new ClaudeReadings(options.timers);
    const paths = options.places().map(({ path }) => path);
    // Other folders are another source: what was read from those before has not vanished.
    this.name = `claude-transcripts:${digest(paths.sort().join('\n'))}`;
  }

  exists(): boolean {
    return this.#options.places().some(({ exists }) => exists);
  }

  isQuiet(checkpoint: string | null, now_ms: number): boolean {
    const look = this.#look;
    if (look === null || checkpoint !== look.checkpoint || isOld(look, now_ms)) return false;
    if (look.owes_listing && mayListAll(look, now_ms)) return false;
    return look.activity.changes() === null;
  }

  async round(checkpoint: string | null, now_ms: number, signal: AbortSignal, whole = false): Promise<SourceRound> {
    const look = this.#look;
    if (look !== null && checkpoint === look.checkpoint) {
      look.taken_checkpoint = checkpoint;
      look.told = new Set();
    }
    const goes_on = look !== null && checkpoint !== null && checkpoint === look.taken_checkpoint && look.told !== 'all';
    if (whole || !goes_on || isOld(look, now_ms)) return this.#listAll(checkpoint, now_ms);
    const changes = look.activity.changes();
    if (changes === null ? mayListAll(look, now_ms) : changes.roots) return this.#listAll(checkpoint, now_ms);
    if (changes === null) look.owes_listing = true;
    else await this.#follow(look, changes, now_ms);
    signal.throwIfAborted();
    return this.#roundOf(look, checkpoint, false);
  }

  async read(
    native_id: string,
    archive: string,
    visit: (segment: ConversationSegment, head: ConversationHead) => boolean,
    signal: AbortSignal,
    first_index = 0,
  ): Promise<ConversationReading | null> {
    if (archive !== CLAUDE_ARCHIVE) return null;
    const sessions = this.#look?.sessions ?? (await (this.#unlooked ??= this.#listForReading()));
    const files = sessions.filesOf(native_id);
    const [first] = files;
    if (first === undefined) return null;
    const forked_from = first.subagent_id === null ? await this.#forks.originOf(first, sessions) : null;
    const pause = (): Promise<void> => this.#options.timers.sleep(0, signal);
    try {
      return await this.#readings.use({ native_id, files, forked_from }, signal, async (conversation) => {
        const head = { ...conversation.head, native_id };
        const take = (segment: ConversationSegment): boolean => visit(segment, head);
        const cut_bytes = await conversation.tell(take, { signal, pause }, first_index);
        return { head, cut_bytes, skipped: conversation.skipped };
      });
    } catch (error) {
      // The next round finds that it has gone.
      if (error instanceof SynclineError && error.code === 'agents.transcript_gone') return null;
      throw error;
    }
  }

  /** The `projects` folders, to be watched with all that is below them. */
  watched(): string[] {
    return this.#options.places().map(({ path }) => path);
  }

  /** Lets go of files. */
  [Symbol.dispose](): void {
    void this.#readings.close();
  }

  async #listAll(checkpoint: string | null, now_ms: number): Promise<SourceRound> {
    const before = checkpointOf(checkpoint);
    const listing = await listTranscripts(this.#options.places());
    const unreadable = listing.problems.some((problem) => problem.hides_files);
    if (listing.roots.length === 0)
      throw new UnreachableError('claude.unreadable', "The folder of Claude Code's transcripts cannot be read.", {
        hint: 'Run `syncline doctor`, which names it; what was read before stays.',
      });
    const sessions = new ClaudeSessions(this.#look?.sessions.owners ?? before?.owners);
    sessions.add(listing.files);
    this.#forks.keepOnly(new Set(listing.files.map(({ path }) => path)));
    const look: Look = {
      sessions,
      listing: { roots: listing.roots, projects: listing.projects },
      activity: new ClaudeActivity(listing, sessions.files(), now_ms),
      listed_ms: now_ms,
      listed_all_ms: now_ms,
      checkpoint: '',
      taken_checkpoint: null,
      told: 'all',
      owes_listing: false,
    };
    this.#look = look;
    this.#unlooked = null;
    const missing = (before?.roots ?? []).filter((root) => !listing.roots.map(digest).includes(root));
    return this.#roundOf(look, checkpoint, !unreadable && missing.length === 0);
  }

  /** Takes in what changed where something was likely to happen. */
  async #follow(look: Look, { files, projects }: ActivityChange, now_ms: number): Promise<void> {
    const seen: StampedTranscript[] = [];
    for (const file of files) {
      const now = lookedAtAgain(file);
      if (now === null) projects.add(file.project);
      else if (!projects.has(file.project)) {
        seen.push(now);
        tellOf(look, look.sessions.replaceFile(now));
      }
    }
    for (const project of projects) {
      const { files: now } = await listProjectTranscripts(project);
      seen.push(...now);
      for (const native_id of look.sessions.replaceProject(project, now)) tellOf(look, native_id);
    }
    look.activity.takenIn(seen, { files, projects, roots: false }, now_ms);
    look.listed_ms = now_ms;
  }

  #roundOf(look: Look, checkpoint: string | null, complete: boolean): SourceRound {
    const roots = new Set([...(checkpointOf(checkpoint)?.roots ?? []), ...look.listing.roots.map(digest)]);
    look.checkpoint = JSON.stringify({
      version: 1,
      round: `${look.listed_ms}-${++this.#rounds}`,
      roots: [...roots],
      owners: look.sessions.owners,
    } satisfies Checkpoint);
    return {
      restarted: false,
      marks: marksOf(look.sessions, look.told === 'all' ? look.sessions.ids() : look.told),
      complete,
      fatesOf: (absent) => absent.map(({ native_id, archive }) => ({ native_id, archive, fate: 'vanished' })),
      checkpoint: look.checkpoint,
      close: () => undefined,
    };
  }

  /** For readings that come before the first round of this process. */
  async #listForReading(): Promise<ClaudeSessions> {
    const sessions = new ClaudeSessions();
    sessions.add((await listTranscripts(this.#options.places())).files);
    return sessions;
  }
}

/** Null when the file is not there any more. */
function lookedAtAgain(file: StampedTranscript): StampedTranscript | null {
  const now = lookAt(file.path);
  if (!now?.isFile()) return null;
  return { ...file, size: Number(now.size), mtime_ms: Number(now.mtimeMs), stamp: fileStamp(now) };
}

/** Lets a session be told in this round, and again should this round not be taken in. */
function tellOf(look: Look, native_id: string): void {
  if (look.told !== 'all') look.told.add(native_id);
}

function* marksOf(sessions: ClaudeSessions, ids: Iterable<string>): Generator<SourceMark, void> {
  for (const native_id of ids) {
    const mark = sessions.markOf(native_id);
    if (mark !== null) yield mark;
  }
}

/** A clock that was set back makes a listing of the future: it counts as old (design §5 rule 10). */
function isOld({ listed_ms, listed_all_ms }: Look, now_ms: number): boolean {
  return now_ms - listed_all_ms >= LIST_ALL_EVERY_MS || now_ms < listed_ms;
}

function mayListAll({ sessions, listed_all_ms }: Look, now_ms: number): boolean {
  return now_ms - listed_all_ms >= Math.max(LIST_ALL_LEAST_MS, sessions.size * LIST_ALL_MS_PER_FILE);
}

/** Null for none, and for one of another form: then everything is looked at anew. */
function checkpointOf(text: string | null): Checkpoint | null {
  if (text === null) return null;
  const value = JSON.parse(text) as Partial<Checkpoint>;
  return value.version === 1 && value.roots !== undefined && value.owners !== undefined ? (value as Checkpoint) : null;
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}

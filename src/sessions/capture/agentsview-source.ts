import { dirname } from 'node:path';
import type { Timers } from '../../platform/timers.ts';
import { StaleError, UnreachableError } from '../../platform/errors.ts';
import {
  SessionPass,
  agentsviewDatabaseAt,
  allSessions,
  conversationSegmentOf,
  fatesOf,
  headOf,
  isQuiet,
  openAgentsview,
  planRound,
  recentSessions,
  type AgentsviewDatabase,
  type AgentsviewPlace,
  type AgentsviewSession,
  type Continuation,
  type Fate,
  type MessageSegment,
  type RoundState,
  type SessionMark,
  type SessionReading,
} from '../../agents/agentsview/index.ts';
import type { ConversationHead, ConversationSegment } from '../../agents/conversation.ts';
import { CLAUDE_ARCHIVE } from '../conversation-key.ts';
import { AgentsviewHandle, BUSY_TIMEOUT_MS } from './agentsview-handle.ts';
import type { Absence, ConversationReading, SessionSource, SourceMark, SourceRound } from './session-source.ts';

/** `SessionSource.name` of it. */
export const AGENTSVIEW = 'agentsview';

/**
 * Archive of a database that has no id of its own (before agentsview 0.37.1). Nothing inside such a file outlives a
 * rebuild, but a machine and profile have one agentsview, and the device is part of every key: so one name for it
 * outlives rebuilds, moves of the folder, and the upgrade that brings an id, because the checkpoint keeps it from then on.
 */
const ARCHIVE_WITHOUT_ID = 'agentsview';

/** Segments of one read transaction: 1,024 messages, about 35 ms. Then others run. */
const SEGMENTS_AT_ONCE = 16;

/** Sessions whose reading in steps was overtaken by a writer; more than that are forgotten, oldest first. */
const MOST_UNBROKEN = 100;

export interface AgentsviewSourceOptions {
  /** Where agentsview may be, looked up anew for each round: it may be installed while Syncline runs. */
  places: () => readonly AgentsviewPlace[];
  timers: Timers;
}

/** What a finished round leaves for the next: JSON without any content. */
interface Checkpoint {
  version: 1;
  /** Part of the keys of this database's sessions; stays for the life of the archive. */
  archive: string;
  round: RoundState;
}

/** What the last look found out about the database: whose sessions it holds. */
type Look = Pick<Checkpoint, 'archive'> & { archive_id: string | null };

/**
 * agentsview's database as a source of sessions (specification, appendix A; decision 0011). It is opened for a round and
 * closed after it; when nobody wrote, only `stat` is called.
 *
 * A session is `deleted` only when its id stands in `excluded_sessions`, where agentsview writes what a person removed
 * for good. Its journal of deletions proves no person: the trigger behind it fires on every delete, also when agentsview
 * gives a session another id, merges two, or cleans up by itself. Such a session has vanished: a mark that a later round
 * takes back, where a deletion could not be taken back.
 */
export class AgentsviewSource implements SessionSource, Disposable {
  readonly name = AGENTSVIEW;
  readonly label = 'agentsview';
  readonly #options: AgentsviewSourceOptions;
  readonly #handle: AgentsviewHandle;
  /** Read in one transaction next time, since reading in steps was overtaken. */
  readonly #unbroken = new Set<string>();
  #look: Look | null = null;

  constructor(options: AgentsviewSourceOptions) {
    this.#options = options;
    this.#handle = new AgentsviewHandle(options.timers);
  }

  exists(): boolean {
    return this.#path() !== null;
  }

  isQuiet(checkpoint: string | null, now_ms: number): boolean {
    const known = checkpointOf(checkpoint);
    if (known === null) return false;
    this.#look ??= lookOf(known);
    return isQuiet(this.#requirePath(), known.round, now_ms);
  }

  async round(checkpoint: string | null, now_ms: number, _signal: AbortSignal, whole = false): Promise<SourceRound> {
    // Readings after this round see what the file has now: agentsview may have added columns.
    this.#handle.close();
    const database = openAgentsview(this.#requirePath(), { busy_timeout_ms: BUSY_TIMEOUT_MS });
    try {
      return this.#roundOf(database, checkpointOf(checkpoint), now_ms, whole);
    } catch (error) {
      database.close();
      throw error;
    }
  }

  async read(
    native_id: string,
    archive: string,
    visit: (segment: ConversationSegment, head: ConversationHead) => boolean,
    signal: AbortSignal,
    first_index = 0,
  ): Promise<ConversationReading | null> {
    return this.#handle.use(this.#requirePath(), async (database, archive_id) => {
      const current = this.#currentArchive(archive_id, archive);
      if (archive !== CLAUDE_ARCHIVE && archive !== current) return null;
      const isMeant = (session: AgentsviewSession): boolean =>
        archiveOf(session.agent, session.id, current) === archive;
      const head = onceFor(headOf);
      const pass = new SessionPass(database, native_id, { first_index });
      // Without revisions nothing vouches for a reading in steps.
      const in_steps = database.schema.has('sessions', 'transcript_revision') && !this.#unbroken.delete(native_id);
      const reading = await this.#readOn(
        pass,
        in_steps ? SEGMENTS_AT_ONCE : Infinity,
        ({ index, messages }, session) =>
          isMeant(session) && visit(conversationSegmentOf({ index, messages }), head(session)),
        signal,
      );
      if (reading === null || !isMeant(reading.session)) return null;
      return { head: head(reading.session), cut_bytes: reading.cut_bytes };
    });
  }

  watched(): string[] {
    const path = this.#path();
    if (path !== null) return [dirname(path)];
    return this.#options.places().map((place) => dirname(place.path));
  }

  /** Lets go of the file. */
  [Symbol.dispose](): void {
    this.#handle.close();
  }

  #roundOf(database: AgentsviewDatabase, known: Checkpoint | null, now_ms: number, whole: boolean): SourceRound {
    const plan = planRound(database, known?.round ?? null, now_ms);
    const archive = archiveAfter(plan.continuation, known, plan.next);
    this.#look = { archive, archive_id: plan.next.identity.archive_id };
    const recent_since_ms = !whole && plan.listing === 'recent' ? (known?.round.listed_ms ?? null) : null;
    const complete = recent_since_ms === null;
    const listed = complete ? allSessions(database) : recentSessions(database, recent_since_ms);
    const round = complete ? { ...plan.next, listed_all_ms: plan.next.listed_ms } : plan.next;
    return {
      restarted: plan.continuation.kind === 'new_epoch' || plan.continuation.kind === 'other_archive',
      marks: marksOf(listed, archive),
      complete,
      fatesOf: (absent) => absencesOf(database, absent, archive),
      checkpoint: JSON.stringify({ version: 1, archive, round } satisfies Checkpoint),
      close: () => database.close(),
    };
  }

  /** Reads on in steps; a session that is written to all the time is read in one the next time. */
  async #readOn(
    pass: SessionPass,
    most_segments: number,
    visit: (segment: MessageSegment, session: AgentsviewSession) => boolean,
    signal: AbortSignal,
  ): Promise<SessionReading | null> {
    try {
      for (;;) {
        const reading = pass.read(visit, most_segments);
        if (reading === null || pass.done) return reading;
        await this.#options.timers.sleep(0, signal);
        signal.throwIfAborted();
      }
    } catch (error) {
      if (error instanceof StaleError && error.code === 'agentsview.session_changed') this.#noteUnbroken(pass.id);
      throw error;
    }
  }

  #noteUnbroken(native_id: string): void {
    const [oldest] = this.#unbroken;
    if (this.#unbroken.size >= MOST_UNBROKEN && oldest !== undefined) this.#unbroken.delete(oldest);
    this.#unbroken.add(native_id);
  }

  /**
   * The archive whose sessions the open database holds.
   * @throws StaleError `agentsview.other_archive` when it is not the one that the last round saw; UnreachableError
   * `agentsview.not_looked` when only a round can tell
   */
  #currentArchive(archive_id: string | null, asked: string): string {
    if (this.#look === null) {
      if (archive_id !== null && asked === ARCHIVE_WITHOUT_ID)
        throw new UnreachableError('agentsview.not_looked', "agentsview's database was not looked at yet.", {
          hint: 'It is read after the first round.',
        });
      return archive_id ?? ARCHIVE_WITHOUT_ID;
    }
    if (this.#look.archive_id !== null && this.#look.archive_id !== archive_id)
      throw new StaleError(
        'agentsview.other_archive',
        'Another agentsview database stands there since the last round.',
        {
          hint: 'It is read after the next round.',
        },
      );
    return this.#look.archive;
  }

  #path(): string | null {
    return agentsviewDatabaseAt(this.#options.places());
  }

  #requirePath(): string {
    const path = this.#path();
    if (path !== null) return path;
    throw new UnreachableError('agentsview.missing', "agentsview's database is not there.", {
      hint: 'Start agentsview once, or name its file; what was read before stays.',
    });
  }
}

/**
 * Claude Code's own sessions of this machine have the archive and the id that the reader of its transcripts gives them,
 * too: the bare id. `<host>~…` came from another machine, whose Syncline tells it under its own device.
 */
function archiveOf(agent: string, id: string, archive: string): string {
  return agent === 'claude' && !/[:~]/.test(id) ? CLAUDE_ARCHIVE : archive;
}

/** An id that appears with an upgrade changes no key; another archive has keys of its own. */
function archiveAfter(continuation: Continuation, known: Checkpoint | null, next: RoundState): string {
  const goes_on = continuation.kind === 'same' || continuation.kind === 'new_epoch';
  return goes_on && known ? known.archive : (next.identity.archive_id ?? ARCHIVE_WITHOUT_ID);
}

function* marksOf(listed: Iterable<SessionMark>, archive: string): Generator<SourceMark, void> {
  for (const { id, agent, transcript, metadata, project_digest } of listed)
    yield {
      native_id: id,
      archive: archiveOf(agent, id, archive),
      mark: `${transcript}${metadata}`,
      group: project_digest,
    };
}

function absencesOf(
  database: AgentsviewDatabase,
  absent: readonly { native_id: string; archive: string }[],
  archive: string,
): Absence[] {
  // What another archive held is not here, and this one's exclusions say nothing about it.
  const isOwn = (one: { archive: string }): boolean => one.archive === archive || one.archive === CLAUDE_ARCHIVE;
  const fates = fatesOf(
    database,
    absent.filter(isOwn).map(({ native_id }) => native_id),
  );
  return absent.flatMap((one) => {
    const fate = isOwn(one) ? absenceFate(fates.get(one.native_id)) : 'vanished';
    return fate === null ? [] : [{ native_id: one.native_id, archive: one.archive, fate }];
  });
}

/** Null: it is there after all. See the class for why only an exclusion is a deletion. */
function absenceFate(fate: Fate | undefined): Absence['fate'] | null {
  if (fate?.kind === 'here') return null;
  return fate?.kind === 'deleted' && fate.by === 'excluded_sessions' ? 'deleted' : 'vanished';
}

/** Remembers the last answer: one object for all segments of a reading. */
function onceFor<T extends object, R>(work: (value: T) => R): (value: T) => R {
  let last: { value: T; result: R } | null = null;
  return (value) => (last?.value === value ? last : (last = { value, result: work(value) })).result;
}

function lookOf({ archive, round }: Checkpoint): Look {
  return { archive, archive_id: round.identity.archive_id };
}

/** Null for none, and for one of another form: then everything is looked at anew. */
function checkpointOf(text: string | null): Checkpoint | null {
  if (text === null) return null;
  const value = JSON.parse(text) as Partial<Checkpoint>;
  return value.version === 1 && value.round !== undefined && value.archive !== undefined ? (value as Checkpoint) : null;
}

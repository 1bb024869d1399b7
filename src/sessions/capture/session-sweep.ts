import type { Clock } from '../../platform/clock.ts';
import {
  FullError,
  InvalidInputError,
  StaleError,
  SynclineError,
  UnreachableError,
  messageOf,
} from '../../platform/errors.ts';
import type { Timers } from '../../platform/timers.ts';
import { Turns } from '../../platform/turns.ts';
import type { AppendRequest, EngineStore, Source } from '../../engine/store.ts';
import type { Hashing } from '../../redaction/hash-forms.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { KnownSessions } from './known-sessions.ts';
import {
  NOTICES_PER_APPEND,
  noticesOfAbsent,
  noticesOfChanged,
  noticesOfRetries,
  type NoticeContext,
  type Notices,
} from './notices.ts';
import { RoundListing } from './round-listing.ts';
import type { SessionSource, SourceMark, SourceRound } from './session-source.ts';
import { SourceBook, finishedRound, type SourceError, type SourceNotes } from './source-book.ts';
import { isBelievable, pauseReason } from './vanishing.ts';

/** The stream of sessions in the journal. */
export const SESSIONS_STREAM = 'sessions';

/**
 * Version of what reading makes of a session. Raise it when the readers or the conversation's form change, so that
 * every session is compared again once.
 */
export const READING_VERSION = 1;

/** Most marks that are compared at once; between two of these, others run. */
const LISTED_AT_ONCE = 1_000;

/**
 * How long a source that was read before must be missing until the next in preference takes over: agentsview removes
 * and writes its file when it starts anew, and each change of the source compares everything.
 */
const MISSING_GRACE_MS = 10 * 60_000;

export interface SessionSweepOptions {
  /** The journal's file, which has the flow's tables: the same that `store` writes. */
  db: Database;
  store: EngineStore;
  clock: Clock;
  timers: Timers;
  hashing: Hashing;
  /** This machine's stable id: part of every key. */
  device: string;
  /** In the order of preference: the first that exists is read. */
  sources: readonly SessionSource[];
  /** Whether a source stands still while the next one goes on: then that is read, where it exists. Default: never. */
  isBehind?: (source: SessionSource) => boolean;
  /** Told after each step that noticed something: deliveries have work. */
  noticed?: () => void;
  /** `READING_VERSION`; another one in tests. */
  reading_version?: number;
}

/** What one sweep came to. `appended`: notices, each a key that is now dirty. */
export type SweepOutcome =
  /** Nothing happened since the last round; or there is no source. */
  | { kind: 'quiet'; appended: number }
  | { kind: 'done'; appended: number }
  /** So many sessions are missing that nothing was changed (R12). */
  | { kind: 'paused'; appended: 0 }
  /** The journal has no room, or the source could not be read; the next sweep goes on. */
  | { kind: 'full' | 'failed' | 'interrupted'; appended: number; error: SourceError | null };

/** What `status` shows of one source. Counts and reasons; nothing of a conversation. */
export interface SessionSourceStatus {
  name: string;
  label: string;
  /** Whether it is the one that is read. */
  chosen: boolean;
  exists: boolean;
  last_round_ms: number | null;
  last_change_ms: number | null;
  sessions: { present: number; gone: number; deleted: number };
  /** Sessions that could not be read; each has its reason in `KnownSessions`. */
  set_aside: number;
  paused: { since_ms: number; vanished: number; known: number; reason: string } | null;
  last_error: SourceError | null;
}

/** A look at the source that goes on in this sweep. */
interface Round {
  source: SessionSource;
  notes: SourceNotes;
  /** The newest epoch of the source in the journal. */
  origin: Source;
  seen: SourceRound;
  /** Every session counts as changed. */
  everything: boolean;
  now_ms: number;
  signal: AbortSignal;
  appended: number;
}

/**
 * Makes rounds of the chosen source and notices each key whose session may have changed. Reads marks only, never a
 * text. A round is compared as a whole before anything of it is believed; then it is taken in by steps, each of which
 * commits notices with the marks they stand for, and the last one the checkpoint. A round that is cut off in the middle
 * is made again, and finds what it had taken in already.
 */
export class SessionSweep {
  readonly known: KnownSessions;
  readonly #options: SessionSweepOptions;
  readonly #reading_version: number;
  readonly #book: SourceBook;
  readonly #turns = new Turns();
  readonly #origins = new Map<string, Source>();
  readonly #rounds = new Map<string, number>();
  readonly #missing_since = new Map<string, number>();

  constructor(options: SessionSweepOptions) {
    this.#options = options;
    this.known = new KnownSessions(options.db);
    this.#reading_version = options.reading_version ?? READING_VERSION;
    this.#book = new SourceBook(options.db, this.#reading_version);
  }

  /**
   * One round, after those that were asked for before. Costs the same at any number of sessions when nothing happened.
   * `hinted`: something that is watched changed, so the source is not asked whether anything did. What a source or a full
   * journal throws is an outcome; anything else is a defect and thrown.
   */
  sweep(signal: AbortSignal, hinted = false): Promise<SweepOutcome> {
    return this.#turns.run(async () => {
      const source = this.#choose();
      if (source === null || signal.aborted) return { kind: 'quiet', appended: 0 };
      try {
        return await this.#sweep(source, signal, hinted);
      } catch (error) {
        return this.#failed(source, error);
      }
    });
  }

  /** Compares every session of every source again at its next round, whatever its mark says (`replay --from-source`). */
  force(): void {
    for (const { name } of this.#options.sources) this.#book.requestForce(name);
  }

  /** The operator confirms that the missing sessions of a paused source are gone. False when it is not paused. */
  acceptVanished(name: string): boolean {
    return this.#book.acceptVanished(name);
  }

  status(): SessionSourceStatus[] {
    const chosen = this.#choose();
    const totals = this.known.totals();
    return this.#options.sources.map((source) => {
      const { name, label } = source;
      const notes = this.#book.notes(name);
      const sessions = { present: 0, gone: 0, deleted: 0 };
      for (const total of totals) if (total.source === name) sessions[total.state] = total.sessions;
      return {
        name,
        label,
        chosen: source === chosen,
        exists: source.exists(),
        last_round_ms: this.#rounds.get(name) ?? notes.last_round_ms,
        last_change_ms: notes.last_change_ms,
        sessions,
        set_aside: this.known.failing(name),
        paused: notes.paused && { ...notes.paused, reason: pauseReason(label, notes.paused) },
        last_error: notes.error,
      };
    });
  }

  /**
   * The first source that exists and is not behind; or the one before it, for some minutes, when that was read and has just
   * gone. One that is behind is better than none.
   */
  #choose(): SessionSource | null {
    const now_ms = this.#options.clock.monotonic_ms();
    let behind: SessionSource | null = null;
    for (const source of this.#options.sources) {
      if (source.exists()) {
        this.#missing_since.delete(source.name);
        if (this.#options.isBehind?.(source) !== true) return source;
        behind ??= source;
        continue;
      }
      if (this.#book.notes(source.name).checkpoint === null) continue;
      const since_ms = this.#missing_since.get(source.name) ?? now_ms;
      this.#missing_since.set(source.name, since_ms);
      if (now_ms - since_ms < MISSING_GRACE_MS) return behind ?? source;
    }
    return behind;
  }

  async #sweep(source: SessionSource, signal: AbortSignal, hinted: boolean): Promise<SweepOutcome> {
    const now_ms = this.#options.clock.now_ms();
    const notes = this.#book.notes(source.name);
    const origin = await this.#originOf(source);
    const retried = await this.#retry(origin, now_ms);
    // After a pause, too: who read a session meanwhile found none, and may have taken its change for settled.
    const everything =
      notes.force_requested > notes.force_done ||
      notes.reading_version < this.#reading_version ||
      notes.paused !== null;
    const whole = everything || notes.other_read_since;
    if (!whole && !hinted && source.isQuiet(notes.checkpoint, now_ms)) {
      this.#rounds.set(source.name, now_ms);
      return { kind: 'quiet', appended: retried };
    }
    const seen = await source.round(notes.checkpoint, now_ms, signal, whole);
    try {
      const round = { source, notes, origin, seen, now_ms, signal, appended: retried };
      return await this.#take({ ...round, everything: everything || seen.restarted });
    } finally {
      seen.close();
    }
  }

  async #take(round: Round): Promise<SweepOutcome> {
    const listing = new RoundListing(this.#options.db);
    try {
      for (const marks of chunksOf(round.seen.marks, LISTED_AT_ONCE)) {
        listing.add(marks);
        await this.#options.timers.sleep(0, round.signal);
        if (round.signal.aborted) return { kind: 'interrupted', appended: round.appended, error: null };
      }
      if (round.seen.complete && !this.#believes(round, listing)) return { kind: 'paused', appended: 0 };
      await this.#beginEpoch(round);
      await this.#noticeAbsent(round, listing);
      return await this.#noticeChanged(round, listing);
    } finally {
      listing.end();
    }
  }

  /** Asks what became of the sessions that are missing. False, and the source is paused, when they are too many. */
  #believes({ source, notes, seen, now_ms }: Round, listing: RoundListing): boolean {
    const known = listing.known(source.name);
    if (listing.findAbsent(source.name) === 0) return true;
    for (const page of listing.absent(null, LISTED_AT_ONCE)) listing.noteFates(seen.fatesOf(page));
    const vanished = listing.count('vanished');
    if (notes.vanished_accepted || isBelievable(vanished, known)) return true;
    this.#book.pause(source.name, { since_ms: now_ms, vanished, known });
    return false;
  }

  async #noticeAbsent(round: Round, listing: RoundListing): Promise<void> {
    if (!round.seen.complete) return;
    for (const [fate, state] of [
      ['vanished', 'gone'],
      ['deleted', 'deleted'],
    ] as const)
      for (const page of listing.absent(fate, NOTICES_PER_APPEND))
        await this.#append(round, noticesOfAbsent(page, state, round), null);
  }

  /** Notices what changed, a step at a time; the last step ends the round. */
  async #noticeChanged(round: Round, listing: RoundListing): Promise<SweepOutcome> {
    const context = await this.#contextOf(round);
    let after: SourceMark | null = null;
    for (;;) {
      const page = listing.changed(round.source.name, round.everything, after, NOTICES_PER_APPEND);
      const is_last = page.length < NOTICES_PER_APPEND;
      const notices = page.length > 0 ? noticesOfChanged(page, context) : { entries: [], writes: [] };
      await this.#append(round, notices, is_last ? round.seen.checkpoint : null);
      if (is_last) return { kind: 'done', appended: round.appended };
      after = page.at(-1) ?? null;
      await this.#options.timers.sleep(0, round.signal);
      if (round.signal.aborted) return { kind: 'interrupted', appended: round.appended, error: null };
    }
  }

  /** One transaction of the journal; with a checkpoint it ends the round. */
  async #append(round: Round, notices: Notices, checkpoint: string | null): Promise<void> {
    const { source, origin, now_ms } = round;
    const writes = [...notices.writes];
    const appended = round.appended + notices.entries.length;
    if (checkpoint !== null)
      writes.push(
        finishedRound({
          name: source.name,
          checkpoint,
          now_ms,
          changed: appended > 0,
          compared_all: this.#comparedAll(round),
        }),
      );
    await this.#commit({ source_id: origin.source_id, entries: notices.entries, checkpoint, writes, now_ms });
    round.appended = appended;
    if (checkpoint === null) return;
    this.#origins.set(source.name, { ...origin, checkpoint });
    this.#rounds.set(source.name, now_ms);
  }

  async #commit(request: AppendRequest): Promise<void> {
    await this.#options.store.append(request);
    if (request.entries.length > 0) this.#options.noticed?.();
  }

  #comparedAll({ everything, notes, seen }: Round): { reading_version: number; force_done: number } | null {
    if (!everything || !seen.complete) return null;
    return { reading_version: this.#reading_version, force_done: notes.force_requested };
  }

  async #retry(origin: Source, now_ms: number): Promise<number> {
    const due = this.known.dueRetries(now_ms, NOTICES_PER_APPEND);
    if (due.length === 0) return 0;
    const { entries, writes } = noticesOfRetries(due, { now_ms });
    await this.#commit({ source_id: origin.source_id, entries, writes, checkpoint: null, now_ms });
    return entries.length;
  }

  async #contextOf({ source, notes, origin, now_ms }: Round): Promise<NoticeContext> {
    const { hashing, device, store } = this.#options;
    const { partition_id } = await store.openPartition({
      stream: SESSIONS_STREAM,
      name: `${source.name} ${origin.epoch}`,
      header: { source: source.name, epoch: origin.epoch },
      delivery: 'keyed',
    });
    const is_backfill = notes.checkpoint === null;
    return { hashing, device, source: source.name, partition_id, now_ms, is_backfill };
  }

  /** Another database stands there: a new epoch, unless one was begun and its first round not finished. */
  async #beginEpoch(round: Round): Promise<void> {
    if (!round.seen.restarted || round.origin.checkpoint === null) return;
    round.origin = await this.#options.store.nextEpoch(round.origin.source_id, round.now_ms);
    this.#origins.set(round.source.name, round.origin);
  }

  async #originOf({ name }: SessionSource): Promise<Source> {
    const known = this.#origins.get(name);
    if (known) return known;
    const origin = await this.#options.store.openSource(SESSIONS_STREAM, name, this.#options.clock.now_ms());
    this.#origins.set(name, origin);
    return origin;
  }

  /** What a source may throw is noted and the round is made again later; what else there is, is a defect. */
  #failed(source: SessionSource, error: unknown): SweepOutcome {
    const expected = [FullError, InvalidInputError, StaleError, UnreachableError].some((kind) => error instanceof kind);
    if (!expected) throw error;
    const noted = {
      at_ms: this.#options.clock.now_ms(),
      code: error instanceof SynclineError ? error.code : '',
      message: messageOf(error),
    };
    this.#book.noteError(source.name, noted);
    return { kind: error instanceof FullError ? 'full' : 'failed', appended: 0, error: noted };
  }
}

function* chunksOf<T>(items: Iterable<T>, size: number): Generator<T[], void> {
  let chunk: T[] = [];
  for (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

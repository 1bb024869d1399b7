import { createHash } from 'node:crypto';
import { FullError, SynclineError, invariant } from '../../platform/errors.ts';
import type { Clock } from '../../platform/clock.ts';
import type { AgentSource, Place, ReadLimits, ReadStep, TranscriptFile } from '../../agents/source.ts';
import { TRANSACTION_LIMITS, type EngineStore, type Source } from '../../engine/store.ts';
import type { Capture } from './capture.ts';
import type { SendWhat } from '../../engine/wakeup.ts';
import { allEnded } from '../../engine/pass.ts';
import { SESSION_IDLE_MS } from './session-item.ts';
import { Turns } from '../../platform/turns.ts';
import type { PreparedUnit } from './prepared-unit.ts';
import { UnitGroup, type WaitingUnit } from './unit-group.ts';

/** A step's lines, so that a checkpoint moves at least every 512 KiB and a kill re-reads at most that (P7). */
export const READ_LIMITS: ReadLimits = { max_bytes: 512 * 1024, max_line_bytes: 32 * 1024 * 1024 };

/** A file that changed this recently may hold a response that is not final; it is looked at again without new bytes. */
const UNSETTLED_MS = 10 * 60_000;

/**
 * When delivery is told of new entries while more files wait: of full batches often, so that it works beside the sweep;
 * of all there is now and then. Told of all after each file it sent batches of a session's few items in each partition,
 * and their commits took half of the time of a first sweep.
 */
const PROGRESS_ENTRIES = 2_000;
const PROGRESS_MS = 5_000;

/**
 * Files that are read at once. With eight, steps of several share more commits, but a fork that is read beside its original
 * may be journaled before it: then every turn it copied is told twice, which a store merges and a vendor does not. In a
 * small tree that was most of it. More than one needs the steps journaled in the order of the files (decision 0014).
 */
const FILES_AT_ONCE = 1;

export interface SweepOptions {
  capture: Capture;
  store: EngineStore;
  clock: Clock;
  sources: readonly AgentSource[];
  /** The environment in which agents say where their files are (R21). */
  env: Readonly<Record<string, string | undefined>>;
  /** Awaited before anything is read: what must be known by then. */
  before?: (signal: AbortSignal) => Promise<void>;
  /** Told once for each file or folder that cannot be read; the place where it is logged. */
  report: (problem: { agent: string; message: string }) => void;
}

export interface SweepFigures {
  agent: string;
  places: Place[];
  files: number;
  sessions: number;
  bytes: number;
  read_bytes: number;
}

interface KnownFile {
  size: number;
  mtime_ms: number;
  source: Source;
}

export interface SweepResult {
  appended: number;
  /** The journal is full: the sweep stopped where it was and goes on next time. */
  full: boolean;
  /** Some file changed lately and may hold a response that is not final: look again soon. */
  unsettled: boolean;
}

/**
 * Reads all transcripts of all agents up to their ends, oldest file first, each from its own checkpoint. Files that did
 * not change since the last sweep cost one `stat`, made by discovery.
 */
export class TranscriptSweep {
  readonly #options: SweepOptions;
  readonly #known = new Map<string, KnownFile>();
  readonly #found = new Map<string, { places: Place[]; files: TranscriptFile[] }>();
  /** Names of sources that an earlier process began to read. */
  #begun_before: ReadonlySet<string> = new Set();
  readonly #reported = new Set<string>();
  readonly #turns = new Turns();
  #full = false;

  constructor(options: SweepOptions) {
    this.#options = options;
  }

  /** Where each agent may keep files, what was there when somebody last looked, and how much of that is read by now. */
  figures(): SweepFigures[] {
    return [...this.#found].map(([agent, { places, files }]) => ({
      agent,
      places,
      files: files.length,
      sessions: new Set(files.map(({ session_id }) => session_id)).size,
      bytes: files.reduce((sum, { size }) => sum + size, 0),
      read_bytes: files.reduce((sum, file) => sum + this.#readBytes(file), 0),
    }));
  }

  /** Whether the last sweep ended early because the journal had no room. */
  get isFull(): boolean {
    return this.#full;
  }

  places(): Place[] {
    return this.#options.sources.flatMap((source) => source.places(this.#options.env));
  }

  /** Looks what is there without reading it, for a status while no sweep runs: a file counts as read once it was begun. */
  async look(): Promise<void> {
    if (this.#found.size > 0) return;
    const known = await this.#options.store.sources('telemetry');
    this.#begun_before = new Set(known.filter(({ checkpoint }) => checkpoint !== null).map(({ name }) => name));
    await Promise.all(this.#options.sources.map((source) => this.#discover(source)));
  }

  /**
   * One sweep, after those that were asked for before: two at once would read the same files. Stops early when `signal`
   * aborts. `progressed` is called from time to time while it goes on, when there are new entries; the
   * caller tells of those that are left at its end. A file that cannot
   * be read is reported and does not stop the others.
   */
  sweep(signal: AbortSignal, progressed: (what: SendWhat) => void = () => undefined): Promise<SweepResult> {
    return this.#turns.run(async () => {
      const result = await this.#sweep(signal, progressed);
      this.#full = result.full;
      return result;
    });
  }

  async #sweep(signal: AbortSignal, progressed: (what: SendWhat) => void): Promise<SweepResult> {
    await this.#options.before?.(signal);
    const found = await Promise.all(this.#options.sources.map((source) => this.#discover(source)));
    const visits = found.flatMap(({ source, files }) => files.map((file) => ({ source, file })));
    const sweep = new Sweep(new UnitGroup(this.#options.capture), signal);
    await sweep.unlessFull(() =>
      this.#openSources(
        visits.map(({ file }) => file),
        sweep.sources,
      ),
    );
    const progress = new Progress(this.#options.clock, progressed);
    const queue = visits.values();
    const readers = Array.from({ length: FILES_AT_ONCE }, () =>
      sweep.read(async () => {
        for (const { source, file } of queue) {
          if (sweep.isOver) break;
          await this.#visit(source, file, sweep);
          progress.reached(sweep.appended);
        }
      }),
    );
    await allEnded(readers);
    await sweep.takeGathered();
    const { appended, full, unsettled } = sweep;
    return { appended, full, unsettled };
  }

  async #discover(source: AgentSource): Promise<{ source: AgentSource; files: TranscriptFile[] }> {
    const places = source.places(this.#options.env);
    const { files, problems } = await source.discover(places);
    for (const { path, message } of problems) this.#report(source.agent, path, message);
    this.#found.set(source.agent, { places, files });
    return { source, files };
  }

  /** A last line that is still being written counts as read: nothing more can be done about it. */
  #readBytes(file: TranscriptFile): number {
    const known = this.#known.get(file.path);
    if (known) return Math.min(file.size, Math.max(0, known.size));
    return this.#begun_before.has(sourceName(file)) ? file.size : 0;
  }

  #isSettled(file: TranscriptFile): boolean {
    const known = this.#known.get(file.path);
    return known?.size === file.size && known.mtime_ms === file.mtime_ms;
  }

  async #visit(source: AgentSource, file: TranscriptFile, sweep: Sweep): Promise<void> {
    const fresh = this.#options.clock.now_ms() - file.mtime_ms <= UNSETTLED_MS;
    if (this.#isSettled(file) && !fresh && !this.#mustEnd(file)) return;
    if (fresh) sweep.unsettled = true;
    try {
      await sweep.unlessFull(() => this.#readOn(source, file, sweep));
    } catch (error) {
      if (!(error instanceof SynclineError)) throw error;
      this.#report(file.agent, file.path, error.message);
    }
  }

  /** Reads one file to its end, a bounded step at a time; a step waits for the file's last one to be journaled. */
  async #readOn(source: AgentSource, file: TranscriptFile, sweep: Sweep): Promise<void> {
    const { store, clock, capture } = this.#options;
    let at: Source | undefined = this.#known.get(file.path)?.source ?? sweep.sources.get(file.path);
    invariant(at, 'the source of a file is opened before it is read');
    for (let more = true; more && !sweep.isOver;) {
      const step: ReadStep = await source.read(
        file,
        at.checkpoint,
        { ...READ_LIMITS, cleanName: capture.cleanName, without_content: !capture.keepsContent },
        clock.now_ms(),
      );
      if (step.restarted) at = await store.nextEpoch(at.source_id, clock.now_ms());
      const ends: boolean =
        !step.more && isQuiet(file, clock.now_ms()) && at.updated_ms < file.mtime_ms + SESSION_IDLE_MS;
      const news: boolean = step.restarted || step.checkpoint !== at.checkpoint || step.events.length > 0 || ends;
      at = { ...at, checkpoint: step.checkpoint, ...(news ? { updated_ms: clock.now_ms() } : {}) };
      more = step.more;
      const known: KnownFile = { size: more ? -1 : file.size, mtime_ms: file.mtime_ms, source: at };
      if (news) await this.#journal(file, step, known, sweep);
      else this.#known.set(file.path, known);
    }
  }

  /**
   * Gives a step to the journal: at once when the file goes on, else with those of other files. What waits for them holds
   * the prepared unit and nothing of the step, which is several times as large.
   */
  async #journal(file: TranscriptFile, step: ReadStep, known: KnownFile, sweep: Sweep): Promise<void> {
    const { more, read_bytes } = step;
    const unit = await this.#options.capture.prepare({
      source_id: known.source.source_id,
      events: step.events,
      session: step.session,
      session_ended_ms: this.#endOf(file, step.session?.last_at_ms ?? null),
      checkpoint: step.checkpoint,
      skipped: step.skipped,
    });
    const fate: { failure: SynclineError | null } = { failure: null };
    sweep.group.add(this.#waitingUnit(unit, file, known, { more, read_bytes }, fate));
    if (sweep.group.isFull) await sweep.takeGathered();
    else if (more) await sweep.nextTaken();
    if (more && fate.failure !== null) throw fate.failure;
  }

  #waitingUnit(
    unit: PreparedUnit,
    file: TranscriptFile,
    known: KnownFile,
    { more, read_bytes }: Pick<ReadStep, 'more' | 'read_bytes'>,
    fate: { failure: SynclineError | null },
  ): WaitingUnit {
    return {
      unit,
      read_bytes,
      taken: () => {
        this.#known.set(file.path, known);
        if (unit.events.length > 0) this.#reported.delete(file.path);
      },
      failed: (error) => {
        fate.failure = error;
        if (!more) this.#report(file.agent, file.path, error.message);
      },
    };
  }

  /** Opens the sources of files that this process has not read yet; many at once, as each by itself is a commit. */
  async #openSources(files: readonly TranscriptFile[], opened: Map<string, Source>): Promise<void> {
    const { store, clock } = this.#options;
    const unknown = files.filter(({ path }) => !this.#known.has(path));
    for (let from = 0; from < unknown.length; from += TRANSACTION_LIMITS.max_rows) {
      const some = unknown.slice(from, from + TRANSACTION_LIMITS.max_rows);
      const sources = await store.openSources('telemetry', some.map(sourceName), clock.now_ms());
      for (const [i, { path }] of some.entries()) if (sources[i]) opened.set(path, sources[i]);
    }
  }

  #endOf(file: TranscriptFile, last_at_ms: number | null): number | null {
    return isQuiet(file, this.#options.clock.now_ms()) ? last_at_ms : null;
  }

  /** Nothing came for an hour since the file was last taken: its session is over, and nobody has said so yet. */
  #mustEnd(file: TranscriptFile): boolean {
    const updated_ms = this.#known.get(file.path)?.source.updated_ms ?? Infinity;
    return isQuiet(file, this.#options.clock.now_ms()) && updated_ms < file.mtime_ms + SESSION_IDLE_MS;
  }

  #report(agent: string, path: string, message: string): void {
    if (this.#reported.has(path)) return;
    this.#reported.add(path);
    this.#options.report({ agent, message });
  }
}

function isQuiet(file: TranscriptFile, now_ms: number): boolean {
  return now_ms - file.mtime_ms > SESSION_IDLE_MS;
}

/** The name of a file's source is a hash: the path of a transcript is the path of a home. */
function sourceName(file: TranscriptFile): string {
  return `${file.agent}:${createHash('sha256').update(file.path).digest('hex').slice(0, 32)}`;
}

/** Tells what a sweep has brought so far, from time to time. */
class Progress {
  readonly #clock: Clock;
  readonly #tell: (what: SendWhat) => void;
  #told: { appended: number; all: number; all_at_ms: number };

  constructor(clock: Clock, tell: (what: SendWhat) => void) {
    this.#clock = clock;
    this.#tell = tell;
    this.#told = { appended: 0, all: 0, all_at_ms: clock.monotonic_ms() };
  }

  reached(appended: number): void {
    const now_ms = this.#clock.monotonic_ms();
    if (appended > this.#told.all && now_ms - this.#told.all_at_ms >= PROGRESS_MS) {
      this.#told = { appended, all: appended, all_at_ms: now_ms };
      this.#tell('all');
    } else if (appended - this.#told.appended >= PROGRESS_ENTRIES) {
      this.#told.appended = appended;
      this.#tell('full_batches');
    }
  }
}

/** One sweep on its way. */
class Sweep implements SweepResult {
  /** Of files that were unknown when it began, by path. */
  readonly sources = new Map<string, Source>();
  readonly group: UnitGroup;
  appended = 0;
  full = false;
  unsettled = false;
  readonly #signal: AbortSignal;
  #readers = 0;
  #waiting = 0;
  /** Resolves when the group that is gathered now was taken, or given up. */
  #taken = Promise.withResolvers<void>();

  constructor(group: UnitGroup, signal: AbortSignal) {
    this.group = group;
    this.#signal = signal;
  }

  get isOver(): boolean {
    return this.full || this.#signal.aborted;
  }

  /** One of those who read files; whoever ends leaves nobody waiting for it. */
  async read(work: () => Promise<void>): Promise<void> {
    this.#readers++;
    try {
      await work();
    } finally {
      this.#readers--;
      if (this.#waiting > 0 && this.#waiting >= this.#readers) await this.takeGathered();
    }
  }

  /** Waits until what has been read so far is journaled: when the group is full, or when every reader waits for it. */
  async nextTaken(): Promise<void> {
    this.#waiting++;
    try {
      await (this.#waiting < this.#readers ? this.#taken.promise : this.takeGathered());
    } finally {
      this.#waiting--;
    }
  }

  /** Journals what has been read and waits. */
  async takeGathered(): Promise<void> {
    const taken = this.#taken;
    this.#taken = Promise.withResolvers();
    try {
      await this.unlessFull(async () => {
        const appended = await this.group.take();
        // Added after the wait: another group may have been taken meanwhile.
        this.appended += appended;
      });
    } finally {
      taken.resolve();
    }
  }

  /** A full journal ends the sweep and is no failure. */
  async unlessFull(work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      if (!(error instanceof FullError)) throw error;
      this.full = true;
    }
  }
}

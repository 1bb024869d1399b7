import type { Place } from '../agents/source.ts';
import type { Supervisor } from '../engine/supervisor.ts';
import { Wakeup, type SendWhat } from '../engine/wakeup.ts';
import { FullError } from '../platform/errors.ts';
import { watchTranscripts } from '../telemetry/capture/transcript-watch.ts';
import type { DataDirectory } from './data-directory.ts';
import { removeDelivered } from './retention.ts';
import { tendMemories } from './memory-loops.ts';
import { narrowed, runs } from './narrowed.ts';
import type { StreamName } from './operator.ts';
import { recordsInputs, runRecords } from './records/run-records.ts';
import { startSessionLoops } from './session-loops.ts';

/** A sweep without a hint: finds what the watcher missed. */
const SWEEP_MS = 30_000;
/** When the journal is full: how long capture waits for deliveries to settle. */
const FULL_MS = 5_000;
/** A response without its final piece, and a call without its result, are looked at again this often. */
const SETTLE_MS = 15_000;
/** A hook that came before its transcript. */
const WAITING_HOOK_MS = 2_000;
const ORPHAN_MS = 60 * 60_000;
/** How often destinations that did not answer are thought of; each has a back-off of its own besides. */
const ERASE_AGAIN_MS = 15_000;
const RETENTION_MS = 10 * 60_000;

export interface LoopWakeups {
  all(): void;
}

/** Who is told how capture gets on. */
interface CaptureListener {
  /** There is something to deliver. */
  appended: (what?: SendWhat) => void;
  /** The journal is full: what is delivered must go before anything more can be captured. */
  full: () => void;
}

export interface LoopChoice {
  capture: boolean;
  /** The one stream that runs; null: all. */
  only: StreamName | null;
}

/**
 * Starts every loop of a daemon: capture, one delivery for each destination, upkeep. What a stream that does not run has waiting
 * stays; upkeep and erasures that were asked for go on whichever runs.
 */
export function startLoops(supervisor: Supervisor, all: DataDirectory, run: LoopChoice): LoopWakeups {
  const directory = narrowed(all, run.only);
  const deliveries = [...directory.deliveries].map(([id, delivery]) => ({ id, delivery, wakeup: new Wakeup() }));
  const appended = (what: SendWhat = 'all'): void => deliveries.forEach(({ wakeup }) => wakeup.notify(what));
  const sources = [new Wakeup(), new Wakeup()] as const;
  const upkeep = new Wakeup();
  const told: CaptureListener = { appended, full: () => upkeep.notify() };
  if (run.capture && runs(run.only, 'telemetry')) {
    supervisor.start({ name: 'transcripts', run: (signal) => sweepTranscripts(directory, sources[0], told, signal) });
    supervisor.start({ name: 'hooks', run: (signal) => sweepHooks(directory, sources[1], told, signal) });
  }
  const { memory } = directory;
  if (memory && runs(run.only, 'memory')) {
    supervisor.start({ name: 'tend memories', run: (signal) => tendMemories(memory, directory.options, signal) });
    supervisor.start({ name: 'memory peers', run: (signal) => memory.peers.run(signal) });
  }
  const records = recordsInputs(directory.options);
  if (records && runs(run.only, 'records'))
    supervisor.start({ name: 'records', run: (signal) => runRecords(records, signal) });
  const erasing = new Wakeup();
  supervisor.start({ name: 'erase elsewhere', run: (signal) => eraseElsewhere(directory, erasing, signal) });
  const { old_peers } = directory;
  for (const loop of old_peers?.loops() ?? []) supervisor.start(loop);
  const conversations = startSessionLoops(supervisor, directory, run);
  for (const { id, delivery, wakeup } of deliveries)
    supervisor.start({ name: `deliver ${id}`, run: (signal) => delivery.run(signal, wakeup) });
  const madeRoom = (): void => sources.forEach((wakeup) => wakeup.notify());
  supervisor.start({ name: 'retention', run: (signal) => retain(directory, upkeep, madeRoom, signal) });
  return {
    all: () => {
      appended();
      for (const wakeup of sources) wakeup.notify();
      conversations();
      erasing.notify();
      old_peers?.wake();
    },
  };
}

async function sweepTranscripts(
  directory: DataDirectory,
  wakeup: Wakeup,
  { appended, full }: CaptureListener,
  signal: AbortSignal,
): Promise<void> {
  const { sweep, options } = directory;
  using watchers = new DisposableStack();
  const watched = new Set<string>();
  const orphans = await directory.engine.openSource('telemetry', 'orphaned spans', options.clock.now_ms());
  let closed_at_ms = -Infinity;
  while (!signal.aborted) {
    // An agent that is started for the first time makes its folder then.
    const places = sweep.places().filter(({ exists, path }) => exists && !watched.has(path));
    if (places.length > 0) watchers.use(watching(directory, places, wakeup, signal));
    for (const { path } of places) watched.add(path);
    const result = await sweep.sweep(signal, appended);
    if (result.appended > 0) appended();
    const at_ms = options.clock.monotonic_ms();
    if (!result.full && at_ms - closed_at_ms > SWEEP_MS) {
      closed_at_ms = at_ms;
      const older_than_ms = options.clock.now_ms() - ORPHAN_MS;
      const closed = await unlessFull(() => directory.capture.closeOrphans(orphans.source_id, older_than_ms));
      if (closed === 'full') result.full = true;
      else if (closed > 0) appended();
    }
    if (result.full) full();
    await wakeup.wait(result.full ? FULL_MS : result.unsettled ? SETTLE_MS : SWEEP_MS, options.timers, signal);
  }
}

/** A full journal is a state of capture, not a failure of its loop. */
async function unlessFull<T>(work: () => Promise<T>): Promise<T | 'full'> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FullError) return 'full';
    throw error;
  }
}

/** Watches until the loop ends in whatever way: one that is started again watches anew, and not twice. */
function watching(
  { options }: DataDirectory,
  places: readonly Place[],
  wakeup: Wakeup,
  signal: AbortSignal,
): Disposable {
  const over = new AbortController();
  const report = (error: unknown): void =>
    // The code alone: the message of a file system error holds the path of somebody's project.
    options.report('a file watcher failed; sweeps go on', { code: (error as NodeJS.ErrnoException).code ?? 'unknown' });
  watchTranscripts(places, options.timers, AbortSignal.any([signal, over.signal]), () => wakeup.notify(), report);
  return { [Symbol.dispose]: () => over.abort() };
}

async function sweepHooks(
  directory: DataDirectory,
  wakeup: Wakeup,
  { appended, full }: CaptureListener,
  signal: AbortSignal,
): Promise<void> {
  const { hooks, options } = directory;
  const spool = { agent: 'claude' as const, path: options.paths.spool_dir, because: 'spool', exists: true };
  using _watching = watching(directory, [spool], wakeup, signal);
  while (!signal.aborted) {
    const swept = await unlessFull(() => hooks.sweep(signal));
    if (swept === 'full') full();
    else if (swept.appended > 0) appended();
    const wait_ms = swept === 'full' ? FULL_MS : swept.waiting ? WAITING_HOOK_MS : SWEEP_MS;
    await wakeup.wait(wait_ms, options.timers, signal);
  }
}

/** What a person erased, at the destinations that it had been sent to: soon, and again until they have answered. */
async function eraseElsewhere(
  { erasures, options }: DataDirectory,
  wakeup: Wakeup,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await erasures.pass(signal);
    await wakeup.wait(ERASE_AGAIN_MS, options.timers, signal);
  }
}

/** Upkeep from time to time, and at once when the journal is full: capture goes on when something was removed. */
async function retain(
  directory: DataDirectory,
  wakeup: Wakeup,
  madeRoom: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    if ((await removeDelivered(directory, signal)) > 0) madeRoom();
    await wakeup.wait(RETENTION_MS, directory.options.timers, signal);
  }
}

import type { Supervisor } from '../engine/supervisor.ts';
import { Wakeup } from '../engine/wakeup.ts';
import { FullError } from '../platform/errors.ts';
import { watchTranscripts } from '../telemetry/capture/transcript-watch.ts';
import type { DataDirectory } from './data-directory.ts';

/** A sweep without a hint: finds what the watcher missed. */
const SWEEP_MS = 30_000;
/** When the journal is full: how long capture waits for deliveries to settle. */
const FULL_MS = 5_000;
/** A response without its final piece, and a call without its result, are looked at again this often. */
const SETTLE_MS = 15_000;
/** A hook that came before its transcript. */
const WAITING_HOOK_MS = 2_000;
const ORPHAN_MS = 60 * 60_000;
const RETENTION_MS = 10 * 60_000;

export interface LoopWakeups {
  all(): void;
}

/** Starts every loop of a daemon: capture, one delivery for each destination, upkeep. */
export function startLoops(supervisor: Supervisor, directory: DataDirectory, run: { capture: boolean }): LoopWakeups {
  const deliveries = [...directory.deliveries].map(([id, delivery]) => ({ id, delivery, wakeup: new Wakeup() }));
  const appended = (): void => deliveries.forEach(({ wakeup }) => wakeup.notify());
  const sources = [new Wakeup(), new Wakeup()] as const;
  if (run.capture) {
    supervisor.start({
      name: 'transcripts',
      run: (signal) => sweepTranscripts(directory, sources[0], appended, signal),
    });
    supervisor.start({ name: 'hooks', run: (signal) => sweepHooks(directory, sources[1], appended, signal) });
  }
  for (const { id, delivery, wakeup } of deliveries)
    supervisor.start({ name: `deliver ${id}`, run: (signal) => delivery.run(signal, wakeup) });
  supervisor.start({ name: 'retention', run: (signal) => retain(directory, signal) });
  return {
    all: () => {
      appended();
      for (const wakeup of sources) wakeup.notify();
    },
  };
}

async function sweepTranscripts(
  directory: DataDirectory,
  wakeup: Wakeup,
  appended: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { sweep, options } = directory;
  const places = sweep.places().filter(({ exists }) => exists);
  const report = (error: unknown): void =>
    options.report('the file watcher failed; sweeps go on', { error: String(error) });
  watchTranscripts(places, options.timers, signal, () => wakeup.notify(), report);
  const orphans = await directory.engine.openSource('telemetry', 'orphaned spans', options.clock.now_ms());
  let swept_ms = -Infinity;
  while (!signal.aborted) {
    const result = await sweep.sweep(signal, appended);
    if (result.appended > 0) appended();
    const now_ms = options.clock.now_ms();
    if (now_ms - swept_ms > SWEEP_MS) {
      swept_ms = now_ms;
      if ((await directory.capture.closeOrphans(orphans.source_id, now_ms - ORPHAN_MS)) > 0) appended();
    }
    await wakeup.wait(result.full ? FULL_MS : result.unsettled ? SETTLE_MS : SWEEP_MS, options.timers, signal);
  }
}

async function sweepHooks(
  directory: DataDirectory,
  wakeup: Wakeup,
  appended: () => void,
  signal: AbortSignal,
): Promise<void> {
  const { hooks, options } = directory;
  const report = (error: unknown): void =>
    options.report('the spool watcher failed; sweeps go on', { error: String(error) });
  const spool = { agent: 'claude' as const, path: options.paths.spool_dir, because: 'spool', exists: true };
  watchTranscripts([spool], options.timers, signal, () => wakeup.notify(), report);
  while (!signal.aborted) {
    let wait_ms = SWEEP_MS;
    try {
      const { appended: entries, waiting } = await hooks.sweep(signal);
      if (entries > 0) appended();
      if (waiting) wait_ms = WAITING_HOOK_MS;
    } catch (error) {
      if (!(error instanceof FullError)) throw error;
      wait_ms = FULL_MS;
    }
    await wakeup.wait(wait_ms, options.timers, signal);
  }
}

/** Removes what is delivered and old, or delivered and in the way, a bounded step at a time. */
async function retain({ engine, options }: DataDirectory, signal: AbortSignal): Promise<void> {
  const { clock, timers, loaded } = options;
  const { retention, storage } = loaded.config;
  while (!signal.aborted) {
    const now_ms = clock.now_ms();
    const before_ms = retention.days === 0 ? 0 : now_ms - retention.days * 86_400_000;
    // Half of the room is the journal's; it is kept a tenth below that, so that capture never meets the cap for long.
    const target_bytes = Math.floor(storage.max_bytes * 0.45);
    for (let more = true; more && !signal.aborted;)
      ({ more } = await engine.retain({ before_ms, target_bytes, now_ms }));
    await timers.sleep(RETENTION_MS, signal);
  }
}

import { FullError } from '../platform/errors.ts';
import type { DataDirectory } from './data-directory.ts';
import type { FlushResult } from './operator.ts';
import { currentProgress } from './progress.ts';
import { removeDelivered } from './retention.ts';

/** How long a flush waits before it looks again at a destination that asked for patience. */
const LOOK_AGAIN_MS = 250;

/**
 * Reads what is new, then delivers until nothing waits, nothing moves any more, or the time is over. When the journal is
 * full, what is delivered makes room for what is still to be read.
 */
export async function flush(directory: DataDirectory, timeout_ms: number): Promise<FlushResult> {
  const { clock, timers } = directory.options;
  const over = new AbortController();
  const deadline_ms = clock.monotonic_ms() + timeout_ms;
  void timers.sleep(timeout_ms, over.signal).then(() => over.abort());
  const result: FlushResult = { delivered: 0, remaining: 0, dead_letters: 0, destinations: [] };
  try {
    for (let full = true; full && !over.signal.aborted;) {
      full = await readAll(directory, over.signal);
      await deliverAll(directory, result, deadline_ms, over.signal);
      if (full && (await removeDelivered(directory, over.signal)) === 0) break;
    }
  } finally {
    over.abort();
  }
  return { ...result, ...(await whatRemains(directory)) };
}

/** Journals transcripts and spool where they are read at all; true when the journal was full before their ends. */
async function readAll({ sweep, hooks, options }: DataDirectory, signal: AbortSignal): Promise<boolean> {
  if (!options.captures) return false;
  // A daemon's own sweep goes first, and a first one over years of history takes longer than a flush may.
  const over = options.timers.sleep(Infinity, signal).then(() => ({ full: false }));
  const { full } = await Promise.race([sweep.sweep(signal), over]);
  try {
    await hooks.sweep(signal);
    return full;
  } catch (error) {
    if (error instanceof FullError) return true;
    throw error;
  }
}

async function deliverAll(
  { deliveries, options: { clock, timers } }: DataDirectory,
  result: FlushResult,
  deadline_ms: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const passes = await Promise.all([...deliveries.values()].map((delivery) => delivery.pass(signal)));
    result.delivered += passes.reduce((sum, pass) => sum + pass.accepted_items, 0);
    result.dead_letters += passes.reduce((sum, pass) => sum + pass.dead_letters, 0);
    const next = passes.map(({ next_due_ms }) => next_due_ms).filter((due) => due !== null);
    if (next.length === 0) return;
    const wait_ms = Math.max(0, Math.min(...next) - clock.now_ms());
    if (clock.monotonic_ms() + wait_ms > deadline_ms) return;
    if (wait_ms > 0) await timers.sleep(Math.min(wait_ms, LOOK_AGAIN_MS), signal);
  }
}

async function whatRemains(directory: DataDirectory): Promise<Pick<FlushResult, 'remaining' | 'destinations'>> {
  const [rows, progress] = await Promise.all([directory.engine.destinations(), currentProgress(directory)]);
  const destinations = rows
    .filter(({ state }) => state !== 'removed')
    .map((row) => {
      const own = progress.filter(({ destination_id }) => destination_id === row.destination_id);
      const remaining = own.reduce((sum, { waiting }) => sum + waiting, 0);
      const held = own.find((partition) => partition.held !== null)?.held;
      const reason = row.state === 'paused' ? 'paused' : (held?.message ?? row.last_error?.message ?? 'time is over');
      return { destination: row.destination_id, remaining, reason: remaining === 0 ? null : reason };
    });
  return { remaining: destinations.reduce((sum, { remaining }) => sum + remaining, 0), destinations };
}

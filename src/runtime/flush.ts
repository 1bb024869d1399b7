import { FullError } from '../platform/errors.ts';
import type { DataDirectory } from './data-directory.ts';
import type { FlushResult } from './operator.ts';
import { currentProgress } from './progress.ts';

/** How long a flush waits before it looks again at a destination that asked for patience. */
const LOOK_AGAIN_MS = 250;

/** Reads what is new, then delivers until nothing waits, nothing moves any more, or the time is over. */
export async function flush(directory: DataDirectory, timeout_ms: number): Promise<FlushResult> {
  const { sweep, hooks, deliveries, options } = directory;
  const { clock, timers } = options;
  const over = new AbortController();
  const deadline_ms = clock.monotonic_ms() + timeout_ms;
  void timers.sleep(timeout_ms, over.signal).then(() => over.abort());
  const result: FlushResult = { delivered: 0, remaining: 0, dead_letters: 0, destinations: [] };
  try {
    await sweep.sweep(over.signal);
    await hooks.sweep(over.signal);
    await sweepHooks(hooks, over.signal);
    while (!over.signal.aborted) {
      const passes = await Promise.all([...deliveries.values()].map((delivery) => delivery.pass(over.signal)));
      result.delivered += passes.reduce((sum, pass) => sum + pass.accepted_items, 0);
      result.dead_letters += passes.reduce((sum, pass) => sum + pass.dead_letters, 0);
      const next = passes.map(({ next_due_ms }) => next_due_ms).filter((due) => due !== null);
      if (next.length === 0) break;
      const wait_ms = Math.max(0, Math.min(...next) - clock.now_ms());
      if (clock.monotonic_ms() + wait_ms > deadline_ms) break;
      if (wait_ms > 0) await timers.sleep(Math.min(wait_ms, LOOK_AGAIN_MS), over.signal);
    }
  } finally {
    over.abort();
  }
  return { ...result, ...(await whatRemains(directory)) };
}

/** A full journal is no reason not to deliver: what stays in the spool is taken when there is room. */
async function sweepHooks(hooks: DataDirectory['hooks'], signal: AbortSignal): Promise<void> {
  try {
    await hooks.sweep(signal);
  } catch (error) {
    if (!(error instanceof FullError)) throw error;
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

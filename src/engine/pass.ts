/** What the loops of ordered and keyed delivery have in common: when a destination may be served, and one pass at a time. */
import type { Clock } from '../platform/clock.ts';
import { isDue, type RetryPolicy } from './retry.ts';
import type { DestinationRow, EngineStore } from './store.ts';

/** What one pass over a destination came to. */
export interface PassResult {
  accepted_items: number;
  dead_letters: number;
  /** When there is something to do without new entries; null = only new entries bring work. */
  next_due_ms: number | null;
  /** Why nothing was sent, if so. */
  idle: 'paused' | 'circuit' | 'empty' | null;
}

export interface Readiness {
  idle: PassResult['idle'];
  next_due_ms: number | null;
  /** The circuit lets one request through (I6). */
  half_open: boolean;
  /** Failures of the destination since it last answered. */
  circuit_failures: number;
}

/** Whether a destination may be served now; ends a pause whose time is over, half-opens a circuit whose time has come. */
export async function readiness(
  store: EngineStore,
  destination_id: string,
  clock: Clock,
  retry: RetryPolicy,
): Promise<Readiness> {
  const row = (await store.destinations()).find((known) => known.destination_id === destination_id);
  const now_ms = clock.now_ms();
  const idle = (why: 'paused' | 'circuit', next_due_ms: number | null): Readiness => ({
    idle: why,
    next_due_ms,
    half_open: false,
    circuit_failures: 0,
  });
  if (!row || row.state === 'removed') return idle('paused', null);
  if (row.state === 'paused' && !(await resumeWhenOver(store, row, now_ms))) return idle('paused', row.paused_until_ms);
  if (row.circuit === 'closed') return { idle: null, next_due_ms: null, half_open: false, circuit_failures: 0 };
  if (row.circuit === 'open' && !isDue(row.circuit_until_ms, now_ms, retry))
    return idle('circuit', row.circuit_until_ms);
  await store.halfOpen(destination_id);
  return { idle: null, next_due_ms: null, half_open: true, circuit_failures: row.circuit_failures };
}

async function resumeWhenOver(store: EngineStore, row: DestinationRow, now_ms: number): Promise<boolean> {
  if (row.paused_until_ms === null || row.paused_until_ms > now_ms) return false;
  await store.changeDestination(row.destination_id, 'resume', null);
  return true;
}

/**
 * Lets the passes of one delivery run one after another, in the order they were asked for: a loop and a `flush` at once
 * would claim the same work, each take the other's fence away, and send again and again what neither may settle.
 */
export class Turns {
  /** Ends with the last that was asked for. */
  #last: Promise<void> = Promise.resolve();

  /**
   * Runs `work` when those before it have ended, whatever came of them. Null when `signal` aborts while it waits: a
   * `flush` whose time is over does not wait for somebody else's pass.
   */
  async take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T | null> {
    const before = this.#last;
    const over = Promise.withResolvers<void>();
    this.#last = before.then(() => over.promise);
    try {
      return (await endsFirst(before, signal)) ? await work() : null;
    } finally {
      over.resolve();
    }
  }
}

/** True when `promise` resolves before `signal` aborts; false at once when it has aborted. */
function endsFirst(promise: Promise<void>, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(false);
    const aborted = (): void => resolve(false);
    signal.addEventListener('abort', aborted, { once: true });
    void promise.then(() => {
      signal.removeEventListener('abort', aborted);
      resolve(true);
    });
  });
}

/**
 * Waits for all, then throws what the first failure was. `Promise.all` would leave the others running behind the
 * caller's back: into the next pass, or past a stop.
 */
export async function allEnded<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return Promise.all(promises);
}

export function earliest(times: readonly number[]): number | null {
  return times.length === 0 ? null : Math.min(...times);
}

/** Waiting for what must become true, instead of sleeping for luck. */
import { setTimeout as sleep } from 'node:timers/promises';

export interface WaitOptions {
  /** Generous: a loaded machine with two cores must not fail a right program. */
  within_ms?: number;
  every_ms?: number;
  signal?: AbortSignal;
}

/**
 * Looks until `look` gives something other than null, undefined or false, and returns it.
 * @throws Error naming `what` when the deadline passes; whatever `look` throws at the last look is its cause.
 */
export async function until<T>(
  what: string,
  look: () => T | Promise<T>,
  { within_ms = 20_000, every_ms = 50, signal }: WaitOptions = {},
): Promise<Exclude<T, null | undefined | false>> {
  const deadline_ms = performance.now() + within_ms;
  let failure: unknown;
  for (;;) {
    try {
      const seen = await look();
      if (seen !== null && seen !== undefined && seen !== false) return seen as Exclude<T, null | undefined | false>;
      failure = undefined;
    } catch (error) {
      failure = error;
    }
    if (signal?.aborted === true) throw new Error(`stopped waiting for: ${what}`, { cause: signal.reason });
    if (performance.now() > deadline_ms)
      throw new Error(`did not happen within ${within_ms} ms: ${what}`, { cause: failure });
    await sleep(every_ms, undefined, signal ? { signal } : {});
  }
}

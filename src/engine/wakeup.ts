import { invariant } from '../platform/errors.ts';
import type { Timers } from '../platform/timers.ts';

/**
 * Lets one loop sleep until there is work. A notification that comes while nobody waits is kept, so none is missed.
 * It is a hint only: every loop also looks by itself from time to time.
 */
export class Wakeup {
  #pending = false;
  #wake: (() => void) | undefined;

  notify(): void {
    this.#pending = true;
    this.#wake?.();
  }

  /** Resolves at the next notification, after `longest_ms`, or when `signal` aborts. */
  async wait(longest_ms: number, timers: Timers, signal: AbortSignal): Promise<void> {
    invariant(!this.#wake, 'a wake-up belongs to one loop');
    if (!this.#pending && !signal.aborted) {
      const stop = new AbortController();
      const woken = new Promise<void>((resolve) => (this.#wake = resolve));
      await Promise.race([woken, timers.sleep(longest_ms, AbortSignal.any([signal, stop.signal]))]);
      stop.abort('woken');
      this.#wake = undefined;
    }
    this.#pending = false;
  }
}

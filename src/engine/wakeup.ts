import { invariant } from '../platform/errors.ts';
import { linkedAbort } from '../platform/linked-abort.ts';
import type { Timers } from '../platform/timers.ts';

/**
 * What is worth sending: whatever there is, or only batches that are full, because more is about to come. What is left
 * over then goes with the next notification of `all`, or when the loop looks by itself.
 */
export type SendWhat = 'all' | 'full_batches';

/**
 * Lets one loop sleep until there is work. A notification that comes while nobody waits is kept, so none is missed.
 * It is a hint only: every loop also looks by itself from time to time.
 */
export class Wakeup {
  #pending: SendWhat | null = null;
  #wake: (() => void) | undefined;

  notify(what: SendWhat = 'all'): void {
    if (this.#pending !== 'all') this.#pending = what;
    this.#wake?.();
  }

  /** Resolves at the next notification with what it said, after `longest_ms`, or when `signal` aborts. */
  async wait(longest_ms: number, timers: Timers, signal: AbortSignal): Promise<SendWhat> {
    invariant(!this.#wake, 'a wake-up belongs to one loop');
    if (this.#pending === null && !signal.aborted) {
      const woken = linkedAbort(signal);
      this.#wake = () => woken.abort('woken');
      await timers.sleep(longest_ms, woken.signal);
      woken.unlink();
      this.#wake = undefined;
    }
    const what = this.#pending ?? 'all';
    this.#pending = null;
    return what;
  }
}

import type { Clock } from '../../src/platform/clock.ts';
import type { Timers } from '../../src/platform/timers.ts';

interface Timer {
  at_ms: number;
  number: number;
  wake: () => void;
}

/**
 * Time that passes only when nothing else can happen. Timers fire in the order of their time, then of their making, so
 * a run is the same each time. The wall clock can be stepped; timers follow the monotonic one, as the system's do.
 */
export class VirtualTime implements Clock, Timers {
  #monotonic_ms = 0;
  #wall_offset_ms: number;
  #timers: Timer[] = [];
  #made = 0;

  constructor(start_ms = 1_800_000_000_000) {
    this.#wall_offset_ms = start_ms;
  }

  readonly now_ms = (): number => this.#wall_offset_ms + this.#monotonic_ms;
  readonly monotonic_ms = (): number => this.#monotonic_ms;

  /** Moves the wall clock, as an administrator or NTP does. */
  step(by_ms: number): void {
    this.#wall_offset_ms += by_ms;
  }

  readonly sleep = (delay_ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted) return resolve();
      const timer: Timer = { at_ms: this.#monotonic_ms + Math.max(0, delay_ms), number: ++this.#made, wake: resolve };
      this.#timers.push(timer);
      signal?.addEventListener(
        'abort',
        () => {
          this.#timers = this.#timers.filter((other) => other !== timer);
          resolve();
        },
        { once: true },
      );
    });

  /** Timers that are waiting; 0 means that nothing will ever happen by itself. */
  get pending(): number {
    return this.#timers.length;
  }

  /** Forgets every timer: the process that set them is gone. */
  clear(): void {
    this.#timers = [];
  }

  /** Lets everything run that needs no time to pass. */
  async settle(): Promise<void> {
    // All work between two timers is microtasks: SQLite is synchronous and destinations of tests answer from memory.
    await new Promise((resolve) => setImmediate(resolve));
  }

  /** Fires the next timer; false when there is none. */
  async tick(): Promise<boolean> {
    await this.settle();
    const next = this.#timers.reduce<Timer | null>(
      (first, timer) => (first && before(first, timer) ? first : timer),
      null,
    );
    if (!next) return false;
    this.#timers = this.#timers.filter((timer) => timer !== next);
    this.#monotonic_ms = Math.max(this.#monotonic_ms, next.at_ms);
    next.wake();
    await this.settle();
    return true;
  }

  /** Lets time pass until the condition holds; throws when it does not within `limit_ms`, or nothing is left to wait for. */
  async until(condition: () => boolean | Promise<boolean>, limit_ms = 86_400_000): Promise<void> {
    const end_ms = this.#monotonic_ms + limit_ms;
    await this.settle();
    while (!(await condition())) {
      if (this.#monotonic_ms > end_ms) throw new Error(`not within ${limit_ms} ms of virtual time`);
      if (!(await this.tick())) throw new Error('nothing is left that could happen');
    }
  }

  /** Lets this much time pass, and all that falls into it. */
  async pass(duration_ms: number): Promise<void> {
    const over = this.sleep(duration_ms).then(() => true);
    let done = false;
    void over.then(() => (done = true));
    await this.until(() => done, duration_ms + 1);
  }
}

function before(a: Timer, b: Timer): boolean {
  return a.at_ms < b.at_ms || (a.at_ms === b.at_ms && a.number < b.number);
}

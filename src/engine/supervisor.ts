import { invariant, messageOf } from '../platform/errors.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Timers } from '../platform/timers.ts';
import { backoff_ms, defaultRetryPolicy } from './retry.ts';

/** A named loop: runs until its signal aborts; returning early means its work is done. */
export interface Loop {
  name: string;
  run(signal: AbortSignal): Promise<void>;
}

export type LoopState = 'running' | 'restarting' | 'ended';

export interface LoopStatus {
  name: string;
  state: LoopState;
  since_ms: number;
  restarts: number;
  last_error: string | null;
}

export interface SupervisorOptions {
  clock: Clock;
  timers: Timers;
  random: Random;
  /** Told once for each unexpected end of a loop; the place where such an error is logged. */
  report: (loop: string, error: unknown) => void;
}

/**
 * Keeps named loops alive: one that throws is reported and started again after a back-off, without touching the others.
 * `stop` aborts all (also in the middle of a back-off) and waits for them within a bound.
 */
export class Supervisor {
  readonly #options: SupervisorOptions;
  readonly #abort = new AbortController();
  readonly #loops = new Map<string, { status: LoopStatus; done: Promise<void> }>();

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  start(loop: Loop): void {
    invariant(!this.#loops.has(loop.name), `the loop ${loop.name} is started once`);
    const status: LoopStatus = {
      name: loop.name,
      state: 'running',
      since_ms: this.#options.clock.now_ms(),
      restarts: 0,
      last_error: null,
    };
    this.#loops.set(loop.name, { status, done: this.#keepAlive(loop, status) });
  }

  status(): LoopStatus[] {
    return [...this.#loops.values()].map(({ status }) => ({ ...status }));
  }

  /** Resolves to the names of loops that did not end within `bound_ms`. */
  async stop(bound_ms: number): Promise<string[]> {
    this.#abort.abort();
    const ended = new AbortController();
    const all = Promise.all([...this.#loops.values()].map(({ done }) => done)).then(() => ended.abort());
    await Promise.race([all, this.#options.timers.sleep(bound_ms, ended.signal)]);
    return this.status()
      .filter(({ state }) => state !== 'ended')
      .map(({ name }) => name);
  }

  async #keepAlive(loop: Loop, status: LoopStatus): Promise<void> {
    const { clock, timers, random, report } = this.#options;
    let failures = 0;
    while (!this.signal.aborted) {
      const started_ms = clock.monotonic_ms();
      try {
        await loop.run(this.signal);
        break;
      } catch (error) {
        if (this.signal.aborted) break;
        // A loop that ran well for longer than the longest back-off begins anew with the shortest.
        failures = clock.monotonic_ms() - started_ms > defaultRetryPolicy.cap_ms ? 1 : failures + 1;
        status.restarts++;
        status.last_error = messageOf(error);
        report(loop.name, error);
        this.#enter(status, 'restarting');
        await timers.sleep(backoff_ms(defaultRetryPolicy, failures, random), this.signal);
        if (!this.signal.aborted) this.#enter(status, 'running');
      }
    }
    status.state = 'ended';
    status.since_ms = clock.now_ms();
  }

  #enter(status: LoopStatus, state: LoopState): void {
    status.state = state;
    status.since_ms = this.#options.clock.now_ms();
  }
}

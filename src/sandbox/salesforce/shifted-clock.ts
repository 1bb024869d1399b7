import type { Clock } from '../../platform/clock.ts';

/** A clock that somebody may move forward, so that a day passes at once: the sandbox's own. */
export class ShiftedClock implements Clock {
  readonly #clock: Clock;
  #ahead_ms = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now_ms(): number {
    return this.#clock.now_ms() + this.#ahead_ms;
  }

  monotonic_ms(): number {
    return this.#clock.monotonic_ms() + this.#ahead_ms;
  }

  advance(by_ms: number): void {
    this.#ahead_ms += by_ms;
  }
}

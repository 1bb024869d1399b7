import type { Clock } from '../../platform/clock.ts';
import { InvalidInputError } from '../../platform/errors.ts';
import type { OriginId } from '../origin.ts';
import { MAX_COUNTER, formatStamp, parseStamp, stampMs, type Stamp } from './stamp.ts';

/**
 * How far a peer's stamp may lie ahead of this machine's wall clock. Within it the stamp is adopted: a laptop that is an
 * hour off must not lose its edits, and what it read before it wrote must stay older than what it wrote. Beyond it the
 * operation is parked, so that one machine with the wrong year cannot pull everybody's clock there; the bound is a day
 * because a wrong time zone is off by at most 14 hours and a wrong year by far more.
 */
export const MAX_AHEAD_MS = 24 * 3600 * 1000;

/** Where a clock stood, kept in the transaction of what it stamped. */
export interface ClockMark {
  ms: number;
  counter: number;
}

/** The hybrid logical clock of one origin. Never issues a stamp that is not greater than all it issued or observed. */
export class HybridClock {
  readonly #clock: Clock;
  readonly #origin: OriginId;
  #ms: number;
  #counter: number;

  /** `mark` is the last one kept; a wall clock that stepped back since does not matter. */
  constructor(clock: Clock, origin: OriginId, mark: ClockMark = { ms: 0, counter: 0 }) {
    this.#clock = clock;
    this.#origin = origin;
    this.#ms = mark.ms;
    this.#counter = mark.counter;
  }

  /** The next stamp. A full counter goes on in the next millisecond, without waiting for it. */
  next(): Stamp {
    const now = Math.max(0, Math.floor(this.#clock.now_ms()));
    if (now > this.#ms) this.#set(now, 0);
    else if (this.#counter < MAX_COUNTER) this.#counter++;
    else this.#set(this.#ms + 1, 0);
    return formatStamp({ ms: this.#ms, counter: this.#counter, origin: this.#origin });
  }

  /**
   * Takes note of a peer's stamp: all that is issued from now on is greater.
   * @throws InvalidInputError `memory.stamp`, `memory.stamp_ahead` (more than a day ahead); the clock is then as before
   */
  observe(stamp: Stamp): void {
    const parts = parseStamp(stamp);
    if (!parts) throw new InvalidInputError('memory.stamp', 'A stamp has another form');
    if (this.isTooFarAhead(stamp))
      throw new InvalidInputError('memory.stamp_ahead', 'A stamp lies more than a day ahead of this machine', {
        hint: 'Compare the clocks of both machines.',
      });
    if (parts.ms > this.#ms || (parts.ms === this.#ms && parts.counter > this.#counter))
      this.#set(parts.ms, parts.counter);
  }

  isTooFarAhead(stamp: Stamp): boolean {
    return stampMs(stamp) - this.#clock.now_ms() > MAX_AHEAD_MS;
  }

  mark(): ClockMark {
    return { ms: this.#ms, counter: this.#counter };
  }

  /** Back to a mark whose transaction was rolled back. */
  reset(mark: ClockMark): void {
    this.#set(mark.ms, mark.counter);
  }

  #set(ms: number, counter: number): void {
    this.#ms = ms;
    this.#counter = counter;
  }
}

import type { Clock } from '../../platform/clock.ts';
import type { StatusReport } from '../../runtime/operator.ts';

/** Before this much time any figure would be a guess. */
const SETTLE_MS = 2_000;
/** A file that is being written ends in half a line, so the last bytes may stay unread for as long as an agent thinks. */
const STANDSTILL_MS = 30_000;

/** How the first reading of the transcripts gets on, from one status to the next. */
export class ReadingProgress {
  readonly #clock: Clock;
  readonly #started_ms: number;
  readonly #read_before: number;
  #read = 0;
  #total = 0;
  #moved_ms: number;

  constructor(clock: Clock, first: StatusReport) {
    this.#clock = clock;
    this.#started_ms = this.#moved_ms = clock.monotonic_ms();
    this.update(first);
    this.#read_before = this.#read;
  }

  update({ sources }: StatusReport): void {
    const read = sources.reduce((sum, { read_bytes }) => sum + read_bytes, 0);
    this.#total = sources.reduce((sum, { bytes }) => sum + bytes, 0);
    if (read !== this.#read) this.#moved_ms = this.#clock.monotonic_ms();
    this.#read = read;
  }

  /** False once all is read, or nothing more has been for a while. */
  goesOn(): boolean {
    return this.#read < this.#total && this.#clock.monotonic_ms() - this.#moved_ms < STANDSTILL_MS;
  }

  /** Time left at the speed so far; null while it cannot be told. */
  remaining_ms(): number | null {
    const elapsed_ms = this.#clock.monotonic_ms() - this.#started_ms;
    const done = this.#read - this.#read_before;
    if (elapsed_ms < SETTLE_MS || done <= 0) return null;
    return ((this.#total - this.#read) / done) * elapsed_ms;
  }
}

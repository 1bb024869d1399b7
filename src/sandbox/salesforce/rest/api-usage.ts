import type { Clock } from '../../../platform/clock.ts';

const HOUR_MS = 3_600_000;
const WINDOW_HOURS = 24;

/** What a developer organisation has in 24 hours (records.md §12.1). */
export const DEFAULT_MAX_REQUESTS = 15_000;

/** How many calls of the last 24 hours count against the organisation's limit. */
export class ApiUsage {
  readonly #clock: Clock;
  readonly #by_hour = new Map<number, number>();
  max: number;

  constructor(clock: Clock, max: number) {
    this.#clock = clock;
    this.max = max;
  }

  /** Counts a call; false when the limit was reached before it. */
  take(): boolean {
    if (this.used >= this.max) return false;
    this.add(1);
    return true;
  }

  /** Counts calls that others made. */
  add(calls: number): void {
    const hour = this.#hour();
    this.#by_hour.set(hour, (this.#by_hour.get(hour) ?? 0) + calls);
  }

  get used(): number {
    const oldest = this.#hour() - WINDOW_HOURS;
    let used = 0;
    for (const [hour, calls] of this.#by_hour) {
      if (hour > oldest) used += calls;
      else this.#by_hour.delete(hour);
    }
    return used;
  }

  /** `api-usage=5/15000` */
  header(): string {
    return `api-usage=${this.used}/${this.max}`;
  }

  #hour(): number {
    return Math.floor(this.#clock.now_ms() / HOUR_MS);
  }
}

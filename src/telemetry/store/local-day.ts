import { UsageError } from '../../platform/errors.ts';

/** A day as people of one time zone count it. Half-open: `[start_ms, end_ms)`. */
export interface LocalDay {
  /** `YYYY-MM-DD` */
  date: string;
  start_ms: number;
  end_ms: number;
}

/** Longest day there is, with an hour repeated, and some. */
const LONGEST_DAY_S = 26 * 3600;

/** Days of one time zone. A day may have 23, 24 or 25 hours; the zone's own rules decide. */
export class LocalCalendar {
  readonly #format: Intl.DateTimeFormat;

  /** @throws UsageError `time_zone.unknown` */
  constructor(time_zone: string) {
    try {
      this.#format = new Intl.DateTimeFormat('en-CA', {
        timeZone: time_zone,
        year: 'numeric',
        month: '2-digit',
        day: '2-digit',
      });
    } catch (cause) {
      throw new UsageError('time_zone.unknown', `The time zone ${time_zone} is not known here`, {
        hint: 'Use a name of the IANA database, such as Europe/Berlin or UTC.',
        cause,
      });
    }
  }

  /** The day that `at_ms` falls on. */
  dayOf(at_ms: number): LocalDay {
    const date = this.#date(at_ms);
    const at_s = Math.floor(at_ms / 1000);
    const start_s = this.#firstSecond(at_s - LONGEST_DAY_S, at_s, (other) => other >= date);
    const end_s = this.#firstSecond(at_s, at_s + LONGEST_DAY_S, (other) => other > date);
    return { date, start_ms: start_s * 1000, end_ms: end_s * 1000 };
  }

  #date(at_ms: number): string {
    return this.#format.format(at_ms);
  }

  /** First second in `(low_s, high_s]` whose date satisfies; the predicate turns true once and stays so. */
  #firstSecond(low_s: number, high_s: number, satisfies: (date: string) => boolean): number {
    let [low, high] = [low_s, high_s];
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2);
      if (satisfies(this.#date(middle * 1000))) high = middle;
      else low = middle;
    }
    return high;
  }
}

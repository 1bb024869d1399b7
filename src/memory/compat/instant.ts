/**
 * A point in time with nanoseconds, as whole nanoseconds since 1970-01-01T00:00:00Z. Two spellings of one instant are
 * equal here, which they are not as strings; the dialect compares strings (memory specification §3.4), so this is what is
 * stored and compared, and `formatInstant` the only form that is ever sent.
 */
export type Instant = bigint;

export const NANOSECONDS_PER_MS = 1_000_000n;
const NANOSECONDS_PER_S = 1_000_000_000n;

/** Of 0000-01-01T00:00:00Z and of the first instant after 9999: what the fixed width of the dialect can hold. */
const FIRST_MS = -62_167_219_200_000;
const END_MS = 253_402_300_800_000;

const RFC3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9})\d*)?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/;

/**
 * Reads an RFC 3339 time with any offset; digits beyond the ninth of a fraction are dropped. Null for anything else,
 * also for a day that no calendar has and for an instant outside the years 0 to 9999. Second 60 is the next second.
 */
export function parseInstant(text: string): Instant | null {
  // No valid time is longer; a long hostile string is not worth a look.
  if (text.length > 64) return null;
  const match = RFC3339.exec(text);
  if (!match) return null;
  const [, year, month, day, hour, minute, second, fraction = '', sign, offset_hour = '0', offset_minute = '0'] = match;
  if (!isDay(Number(year), Number(month), Number(day))) return null;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null;
  if (Number(offset_hour) > 23 || Number(offset_minute) > 59) return null;
  const offset_ms = (sign === '-' ? -1 : 1) * (Number(offset_hour) * 60 + Number(offset_minute)) * 60_000;
  const local_ms =
    midnightOf(Number(year), Number(month), Number(day)) + timeOf(Number(hour), Number(minute), Number(second));
  const ms = local_ms - offset_ms;
  if (ms < FIRST_MS || ms >= END_MS) return null;
  return BigInt(ms) * NANOSECONDS_PER_MS + BigInt(fraction.padEnd(9, '0'));
}

/** `YYYY-MM-DDTHH:MM:SS.nnnnnnnnn+00:00`: of one width, so that the order of strings is the order of time (§3.4). */
export function formatInstant(instant: Instant): string {
  const nanoseconds = ((instant % NANOSECONDS_PER_S) + NANOSECONDS_PER_S) % NANOSECONDS_PER_S;
  const seconds = (instant - nanoseconds) / NANOSECONDS_PER_S;
  const second = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${second}.${String(nanoseconds).padStart(9, '0')}+00:00`;
}

export function instantOfMilliseconds(ms: number): Instant {
  return BigInt(Math.trunc(ms)) * NANOSECONDS_PER_MS;
}

/** Whole milliseconds, downwards. */
export function millisecondsOf(instant: Instant): number {
  const nanoseconds = ((instant % NANOSECONDS_PER_MS) + NANOSECONDS_PER_MS) % NANOSECONDS_PER_MS;
  return Number((instant - nanoseconds) / NANOSECONDS_PER_MS);
}

/** The same instant in the fixed width; null when the text is no time. */
export function normalizeTime(text: string): string | null {
  const instant = parseInstant(text);
  return instant === null ? null : formatInstant(instant);
}

function isDay(year: number, month: number, day: number): boolean {
  if (month < 1 || month > 12 || day < 1) return false;
  const is_leap = year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return day <= (month === 2 ? (is_leap ? 29 : 28) : [4, 6, 9, 11].includes(month) ? 30 : 31);
}

function midnightOf(year: number, month: number, day: number): number {
  // Date.UTC takes the years 0 to 99 for 1900 to 1999.
  return new Date(0).setUTCFullYear(year, month - 1, day);
}

function timeOf(hour: number, minute: number, second: number): number {
  return ((hour * 60 + minute) * 60 + second) * 1000;
}

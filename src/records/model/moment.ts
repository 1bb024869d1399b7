/** Dates and times in the forms that the two sides write them, as the neutral ones of value.ts. */

const DAY_MS = 86_400_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;
const MOMENT =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(?:Z|([+-])(\d{2})(?::?(\d{2})(?::?(\d{2}))?)?)?$/;

/** `YYYY-MM-DD` of a day that exists, years 1 to 9999; null for all else (`infinity`, years before Christ). */
export function readDate(text: string): string | null {
  if (!DATE.test(text) || text.startsWith('0000')) return null;
  const time = Date.parse(`${text}T00:00:00.000Z`);
  return Number.isNaN(time) || isoOf(time)?.slice(0, 10) !== text ? null : text;
}

/**
 * A moment with or without a zone, without: UTC. Digits beyond the milliseconds are cut off, as Salesforce does not keep
 * them. Null for what is none, or outside the years 1 to 9999.
 */
export function readMoment(text: string): string | null {
  const [, date = '', time = '', fraction = '', sign = '+', hours = '0', minutes = '0', seconds = '0'] =
    MOMENT.exec(text) ?? [];
  if (readDate(date) === null) return null;
  const local = Date.parse(`${date}T${time}.${fraction.slice(0, 3).padEnd(3, '0')}Z`);
  if (Number.isNaN(local) || time > '23:59:59') return null;
  const offset = ((Number(hours) * 60 + Number(minutes)) * 60 + Number(seconds)) * 1000;
  return isoOf(sign === '-' ? local + offset : local - offset);
}

/** A moment of milliseconds since 1970, as change events tell it. */
export function momentOfEpoch(epoch_ms: number): string | null {
  return Number.isInteger(epoch_ms) ? isoOf(epoch_ms) : null;
}

/**
 * A day told as a number: of days since 1970 or of milliseconds, by its size. Both are the first day at 0, and no day up
 * to the year 9999 has a number of days as large as one day's milliseconds.
 */
export function dateOfEpoch(epoch: number): string | null {
  const moment = momentOfEpoch(Math.abs(epoch) < DAY_MS ? epoch * DAY_MS : epoch);
  return moment === null ? null : moment.slice(0, 10);
}

function isoOf(time: number): string | null {
  if (!(Math.abs(time) <= 8.64e15)) return null;
  const iso = new Date(time).toISOString();
  return iso.length === 24 && !iso.startsWith('0000') ? iso : null;
}

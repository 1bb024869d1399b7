/**
 * A point of the hybrid logical clock (Kulkarni and others, 2014): milliseconds, a counter within them, and the origin,
 * which makes the order total. As text it has a fixed width before the origin, so text order is clock order: stamps are
 * kept and compared as text everywhere.
 */
import { isOrigin, type OriginId } from '../origin.ts';

/** `018f2c3a4b5d-0003-k3x9.1`: 12 hex digits of milliseconds, 4 of the counter, the origin. */
export type Stamp = string;

export interface StampParts {
  ms: number;
  /** 0 … 65,535. */
  counter: number;
  origin: OriginId;
}

export const MAX_COUNTER = 0xffff;
/** Year 5138; the text form has room for more, `Date` has not much more. */
const MAX_MS = 99_999_999_999_999;
const PREFIX = /^[0-9a-f]{12}-[0-9a-f]{4}-/;
const ORIGIN_AT = 18;

/** Stands for "none": smaller than every stamp. */
export const NO_STAMP: Stamp = '';

export function formatStamp({ ms, counter, origin }: StampParts): Stamp {
  return `${ms.toString(16).padStart(12, '0')}-${counter.toString(16).padStart(4, '0')}-${origin}`;
}

/** Null when the text is not a stamp. */
export function parseStamp(text: unknown): StampParts | null {
  if (typeof text !== 'string' || !PREFIX.test(text)) return null;
  const origin = text.slice(ORIGIN_AT);
  const ms = stampMs(text);
  if (!isOrigin(origin) || ms > MAX_MS) return null;
  return { ms, counter: Number.parseInt(text.slice(13, 17), 16), origin };
}

/** Milliseconds of a stamp that is known to be one. */
export function stampMs(stamp: Stamp): number {
  return Number.parseInt(stamp.slice(0, 12), 16);
}

export function stampOrigin(stamp: Stamp): OriginId {
  return stamp.slice(ORIGIN_AT);
}

export function laterStamp(a: Stamp, b: Stamp): Stamp {
  return a > b ? a : b;
}

/**
 * A stamp as the wall time people see: RFC 3339 with nine digits and `+00:00`, the width that the replaced program
 * compares as text. The counter stands in the nanoseconds, so stamps of one origin stay apart and in order.
 */
export function stampTime(stamp: Stamp): string {
  const counter = Number.parseInt(stamp.slice(13, 17), 16);
  return timeText(stampMs(stamp), counter);
}

/** Epoch milliseconds as fixed-width RFC 3339. */
export function timeText(ms: number, nanoseconds = 0): string {
  return `${milliseconds(ms)}${String(nanoseconds).padStart(6, '0')}+00:00`;
}

/** The last one made: a memory shows one time thrice. */
let last = { ms: NaN, text: '' };

function milliseconds(ms: number): string {
  if (ms !== last.ms) last = { ms, text: new Date(ms).toISOString().slice(0, -1) };
  return last.text;
}

/** Epoch milliseconds of an RFC 3339 text; null when it is none. Finer digits are cut. */
export function parseTime(text: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$/.test(text)) return null;
  const ms = Date.parse(
    text
      .replace(/(\.\d{3})\d+/, '$1')
      .replace(' ', 'T')
      .toUpperCase(),
  );
  return Number.isNaN(ms) || ms < 0 || ms > MAX_MS ? null : ms;
}

/** Figures as text: always in one locale, so that a page reads the same on every machine. */

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });
const COMPACT = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });
const DOLLARS = new Intl.NumberFormat('en-US', { style: 'currency', currency: 'USD' });
const PERCENT = new Intl.NumberFormat('en-US', { style: 'percent', maximumFractionDigits: 0 });
const ONE_DECIMAL = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 });

/** `1,204` */
export function countText(count: number): string {
  return WHOLE.format(count);
}

/** `1 session`, `1,204 sessions` */
export function itemsText(count: number, one: string, many = `${one}s`): string {
  return `${countText(count)} ${count === 1 ? one : many}`;
}

/** `840`, `1.2K`, `3.4M`: for columns where the magnitude is what one reads. */
export function compactText(count: number): string {
  return COMPACT.format(count);
}

/** `$4.31`, `$1,204.00`; a sum that would round to nothing is `<$0.01`, since $0.00 would be a claim. */
export function moneyText(usd: number): string {
  return usd > 0 && usd < 0.01 ? '<$0.01' : DOLLARS.format(usd);
}

/** Never `100 %` before the whole is there, never `0 %` once something is. */
export function percentText(part: number, whole: number): string {
  if (whole <= 0 || part >= whole) return PERCENT.format(1);
  if (part <= 0) return PERCENT.format(0);
  return PERCENT.format(Math.min(0.99, Math.max(0.01, part / whole)));
}

const BYTE_UNITS = ['B', 'kB', 'MB', 'GB', 'TB'];

/** Decimal units, as file managers show them: `512 B`, `1.2 GB`. */
export function bytesText(bytes: number): string {
  let value = bytes;
  let unit = 0;
  // 999.5 would round up to "1,000 kB".
  while (value >= (unit === 0 ? 1000 : 999.5) && unit < BYTE_UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${(unit === 0 || value >= 9.95 ? WHOLE : ONE_DECIMAL).format(value)} ${BYTE_UNITS[unit]}`;
}

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** The largest whole unit: `41 s`, `5 min`, `3 h`, `12 d`. */
export function durationText(duration_ms: number): string {
  const span_ms = Math.max(0, duration_ms);
  if (span_ms < MINUTE_MS) return `${Math.floor(span_ms / 1000)} s`;
  if (span_ms < HOUR_MS) return `${Math.floor(span_ms / MINUTE_MS)} min`;
  if (span_ms < 2 * DAY_MS) return `${Math.floor(span_ms / HOUR_MS)} h`;
  return `${Math.floor(span_ms / DAY_MS)} d`;
}

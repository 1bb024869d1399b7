/** `--since` and `--until`: how long ago, a day, or an exact time. */
import { UsageError } from '../../platform/errors.ts';
import { parseDuration } from './duration.ts';

const DAY = /^(\d{4})-(\d{2})-(\d{2})$/;
const RFC_3339 = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * Epoch milliseconds of `7d` (so long before now), `2026-11-01` (its local midnight) or an RFC 3339 time.
 * @throws UsageError `usage.time`
 */
export function timeOption(flag: string, written: string, now_ms: number): number {
  const ago_ms = parseDuration(written);
  if (ago_ms !== null) return now_ms - ago_ms;
  const at_ms = midnightOf(written) ?? (RFC_3339.test(written) ? Date.parse(written) : Number.NaN);
  if (!Number.isNaN(at_ms)) return at_ms;
  throw new UsageError('usage.time', `${flag} does not understand ${JSON.stringify(written)}.`, {
    field: flag,
    hint: 'Write 7d, 2026-11-01 or 2026-11-01T09:30:00Z.',
  });
}

/** Local midnight; NaN for a day that the calendar does not have, null for another form. */
function midnightOf(written: string): number | null {
  const match = DAY.exec(written);
  if (!match) return null;
  const [year, month, day] = match.slice(1).map(Number) as [number, number, number];
  const at = new Date(year, month - 1, day);
  return at.getMonth() === month - 1 && at.getDate() === day ? at.getTime() : Number.NaN;
}

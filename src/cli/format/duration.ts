import { UsageError } from '../../platform/errors.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: SECOND, m: MINUTE, h: HOUR, d: DAY, w: 7 * DAY };

/** The largest whole unit, as one says it: `41 s`, `5 min`, `3 h`, `12 d`. */
export function formatDuration(duration_ms: number): string {
  const span = Math.max(0, duration_ms);
  if (span < MINUTE) return `${Math.floor(span / SECOND)} s`;
  if (span < HOUR) return `${Math.floor(span / MINUTE)} min`;
  if (span < 2 * DAY) return `${Math.floor(span / HOUR)} h`;
  return `${Math.floor(span / DAY)} d`;
}

/** `500ms`, `30s`, `15m`, `2h`, `7d`, `2w` in milliseconds; null for anything else. */
export function parseDuration(written: string): number | null {
  const match = /^(\d{1,7})(ms|s|m|h|d|w)$/.exec(written.trim());
  return match ? Number(match[1]) * (UNIT_MS[match[2] ?? ''] ?? 0) : null;
}

/**
 * A duration given with a flag.
 * @throws UsageError `usage.duration`
 */
export function durationOption(flag: string, written: string): number {
  const duration_ms = parseDuration(written);
  if (duration_ms !== null) return duration_ms;
  throw new UsageError('usage.duration', `${flag} does not understand ${JSON.stringify(written)}.`, {
    field: flag,
    hint: 'Write a number with a unit: 30s, 15m, 2h, 7d.',
  });
}

import type { Random } from '../platform/random.ts';

/** The one retry policy of the program: exponential, full jitter, capped (design §5). */
export interface RetryPolicy {
  base_ms: number;
  cap_ms: number;
  /** Longest wait that a `Retry-After` may ask for. */
  retry_after_cap_ms: number;
}

export const defaultRetryPolicy: RetryPolicy = { base_ms: 500, cap_ms: 300_000, retry_after_cap_ms: 3_600_000 };

/**
 * How long to wait before attempt `failures + 1`. Full jitter: uniform between 0 and the exponential bound, so that
 * clients cut off together do not return together; never below a tenth of the bound, so that a loop cannot spin.
 */
export function backoff_ms(policy: RetryPolicy, failures: number, random: Random): number {
  const bound = Math.min(policy.cap_ms, policy.base_ms * 2 ** Math.min(30, Math.max(0, failures - 1)));
  return Math.ceil(bound * (0.1 + 0.9 * random.unit()));
}

/**
 * Reads `Retry-After` in either of its forms (RFC 9110 §10.2.3: seconds or an HTTP date), capped.
 * Null when the header is absent or not understood.
 */
export function retryAfter_ms(header: string | undefined, now_ms: number, policy: RetryPolicy): number | null {
  const text = header?.trim();
  if (!text) return null;
  const wait = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : httpDate_ms(text) - now_ms;
  if (Number.isNaN(wait)) return null;
  return Math.min(policy.retry_after_cap_ms, Math.max(0, Math.ceil(wait)));
}

/** NaN for what is not a date with a day's name and GMT: `Date.parse` alone makes a date of "-5" or "soon 1". */
function httpDate_ms(text: string): number {
  return /^(mon|tue|wed|thu|fri|sat|sun)[a-z]*,? .*\d{2}:\d{2}:\d{2}/i.test(text)
    ? Date.parse(/gmt$/i.test(text) ? text : `${text} GMT`)
    : NaN;
}

/**
 * Wall clocks step back; a due time beyond now plus the longest wait possible counts as due (design §5 rule 10). The
 * longest wait is a capped `Retry-After` and a batch's own back-off after it.
 */
export function isDue(due_ms: number, now_ms: number, policy: RetryPolicy): boolean {
  return due_ms <= now_ms || due_ms > now_ms + policy.retry_after_cap_ms + 2 * policy.cap_ms;
}

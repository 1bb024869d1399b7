import type { Clock } from '../../platform/clock.ts';
import type { ServerLimits } from '../limits.ts';
import { Refusal } from '../http/refusal.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3_600_000;

/** Tokens whose buckets are kept; the least recently made are dropped, which only forgives what they used. */
const MAX_BUCKETS = 10_000;

/** A token bucket: `capacity` at once, refilled evenly over `period_ms`. */
interface Bucket {
  level: number;
  at_ms: number;
}

/** The shares of one token: requests by the minute, items by the day (product §4 row 25). */
export class Quota {
  readonly #clock: Clock;
  readonly #limits: Pick<ServerLimits, 'requests_per_minute' | 'items_per_day'>;
  readonly #buckets = new Map<string, Bucket>();

  constructor(clock: Clock, limits: Pick<ServerLimits, 'requests_per_minute' | 'items_per_day'>) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** @throws Refusal 429 `rate_limited` with `Retry-After` in seconds */
  takeRequest(token_id: string): void {
    this.#take(`requests ${token_id}`, 1, this.#limits.requests_per_minute, MINUTE_MS, 'requests_per_minute');
  }

  /** @throws Refusal 429 `rate_limited` with `Retry-After` in seconds */
  takeItems(token_id: string, items: number): void {
    this.#take(`items ${token_id}`, items, this.#limits.items_per_day, DAY_MS, 'items_per_day');
  }

  #take(key: string, wanted: number, capacity: number, period_ms: number, limit: string): void {
    const now_ms = this.#clock.monotonic_ms();
    const bucket = this.#buckets.get(key) ?? this.#open(key, capacity, now_ms);
    const refilled = bucket.level + ((now_ms - bucket.at_ms) * capacity) / period_ms;
    bucket.level = Math.min(capacity, refilled);
    bucket.at_ms = now_ms;
    // More than the whole bucket could never pass; it is let through when the bucket is full.
    const needed = Math.min(wanted, capacity);
    if (bucket.level >= needed) {
      bucket.level -= needed;
      return;
    }
    const retry_after_s = Math.max(1, Math.ceil(((needed - bucket.level) * period_ms) / capacity / 1000));
    throw new Refusal(429, 'rate_limited', `This token has used up its ${limit} = ${capacity}`, {
      headers: { 'retry-after': String(retry_after_s) },
      more: { limit },
    });
  }

  #open(key: string, capacity: number, now_ms: number): Bucket {
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size >= MAX_BUCKETS && oldest !== undefined) this.#buckets.delete(oldest);
    const bucket = { level: capacity, at_ms: now_ms };
    this.#buckets.set(key, bucket);
    return bucket;
  }
}

import type { Tier } from '../memory.ts';

/** Milliseconds; null = never expires. */
export interface TierTime {
  ttl_ms: number | null;
  /** Recalled: it stays at least so long from then. */
  extend_ms: number | null;
}

export type TierTimes = Record<Tier, TierTime>;

const HOUR_MS = 3_600_000;

export const TIER_TIMES: TierTimes = {
  short: { ttl_ms: 6 * HOUR_MS, extend_ms: HOUR_MS },
  mid: { ttl_ms: 7 * 24 * HOUR_MS, extend_ms: 24 * HOUR_MS },
  long: { ttl_ms: null, extend_ms: null },
};

/** When a memory of this tier expires that begins now. A tier of a newer member keeps what it has. */
export function expiryOf(times: TierTimes, tier: string, now_ms: number): number | null {
  const ttl_ms = Object.hasOwn(times, tier) ? times[tier as Tier].ttl_ms : null;
  return ttl_ms === null ? null : now_ms + ttl_ms;
}

/** Short before mid before long; unknown ones rank as mid. */
export function tierRank(tier: string): number {
  return tier === 'short' ? 0 : tier === 'long' ? 2 : 1;
}

import type { Clock } from '../../platform/clock.ts';
import { uuidv7, type Random } from '../../platform/random.ts';
import { millisecondsOf, parseInstant } from './instant.ts';

/**
 * What keeps a captured request from having its effect again (T16).
 *
 * The original's signature covers a body and a nonce and nothing else: neither the receiver nor a time. So the wire gives
 * only this: whoever has seen the nonce refuses it. Ours adds, in places that a signature covers and the original ignores:
 *
 * - nonces are UUIDv7, so that they carry the time of sending: one that is out of the window is refused even by a node that
 *   never saw it, and by one that has forgotten it;
 * - a push names its receiver in `receiver_agent_id`, a pull in the parameter `receiver`: another node refuses it.
 *
 * What the wire cannot give: a request that an original (0.7) node signed for us is good at another node of ours that has
 * not seen its UUIDv4 nonce. `sender_wall_clock` is no help by default, because that release sends stored bodies again,
 * with the old time in them, for as long as a peer was down. Stores cannot do harm so, as they are judged by their own time;
 * a replayed deletion of something that was written anew can.
 */
export interface FreshnessPolicy {
  /** How far the time in a UUIDv7 nonce may lie from our clock, both ways. */
  nonce_window_ms: number;
  /** The same for `sender_wall_clock`; null: it is not looked at. */
  wall_clock_window_ms: number | null;
}

/** Wide enough for machines whose clocks are an hour off, which T5 wants to work. */
export const DEFAULT_FRESHNESS: FreshnessPolicy = { nonce_window_ms: 2 * 3_600_000, wall_clock_window_ms: null };

/** Body field and query parameter that name the receiver of a request of ours. */
export const RECEIVER_FIELD = 'receiver_agent_id';
export const RECEIVER_PARAMETER = 'receiver';

export function newNonce(clock: Clock, random: Random): string {
  return uuidv7(clock.now_ms(), random);
}

const UUIDV7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i;

/** The time of sending, in epoch milliseconds, that a nonce carries; null for one of the original's. */
export function timeOfNonce(nonce: string): number | null {
  return UUIDV7.test(nonce) ? Number.parseInt(nonce.slice(0, 8) + nonce.slice(9, 13), 16) : null;
}

/** Whether the times that a signature covers lie within the window. True when it covers none. */
export function isFresh(
  policy: FreshnessPolicy,
  now_ms: number,
  nonce: string | null,
  sender_wall_clock: string | null,
): boolean {
  const nonce_ms = nonce === null ? null : timeOfNonce(nonce);
  if (nonce_ms !== null && Math.abs(now_ms - nonce_ms) > policy.nonce_window_ms) return false;
  if (policy.wall_clock_window_ms === null || sender_wall_clock === null) return true;
  const said = parseInstant(sender_wall_clock);
  return said !== null && Math.abs(now_ms - millisecondsOf(said)) <= policy.wall_clock_window_ms;
}

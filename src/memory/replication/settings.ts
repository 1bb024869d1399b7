import type { RetryPolicy } from '../../engine/retry.ts';
import { defaultRetryPolicy } from '../../engine/retry.ts';

export interface ReplicationSettings {
  /** A peer that has nothing to be told is greeted this often: for its vector and root, and to see that it is there. */
  greet_ms: number;
  /**
   * Operations of third members wait this long before they are relayed, and then only if the peer still lacks them: in a
   * full mesh their origin sends them itself at the same time.
   */
  relay_delay_ms: number;
  /** How long after a commit peers are told of it that no write waits for: one push then carries all that came meanwhile. */
  linger_ms: number;
  /** What a peer parked is offered again after this; sooner when it says that it moved on. */
  parked_retry_ms: number;
  /** How long a pull waits at the peer for something new. */
  pull_wait_ms: number;
  /** For one request and its answer; a pull has its wait on top. */
  request_timeout_ms: number;
  /** Purges, removal of old operations, second tries of parked ones. */
  upkeep_ms: number;
  /** Operations that all members have are kept this long, for history and for members that are restored. */
  keep_operations_ms: number;
  /** An incarnation that has not been heard of for this long no longer holds up purges, if another one of its member has. */
  forget_incarnation_ms: number;
  retry: RetryPolicy;
}

const DAY_MS = 86_400_000;

export const DEFAULT_SETTINGS: ReplicationSettings = {
  greet_ms: 15_000,
  relay_delay_ms: 1000,
  linger_ms: 10,
  parked_retry_ms: 60_000,
  pull_wait_ms: 25_000,
  request_timeout_ms: 15_000,
  upkeep_ms: 600_000,
  keep_operations_ms: 30 * DAY_MS,
  forget_incarnation_ms: 30 * DAY_MS,
  retry: { ...defaultRetryPolicy, base_ms: 200, cap_ms: 60_000 },
};

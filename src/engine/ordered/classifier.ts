import { backoff_ms, retryAfter_ms, type RetryPolicy } from '../retry.ts';
import type { Random } from '../../platform/random.ts';
import type { BatchLimits, ItemError, Reply } from './destination.ts';

/**
 * What a reply means and whom it concerns (design §5 rule 6).
 *
 * - `accepted`: settled (2xx; 409 = the destination had it already).
 * - `destination`: nothing is wrong with the batch; the circuit opens and no attempt is counted against any item.
 * - `partition`: the destination does not take this kind, or not from us; the partition is held, nothing is lost.
 * - `items`: these items were refused by index. `batch`: something in the batch was refused, not said what: bisect.
 * - `size`: too large: split. `key`: the key stands for another body there: renew the batch under a new one.
 */
export type Verdict =
  | { scope: 'accepted'; received: number | null; deduped: number | null }
  | {
      scope: 'destination';
      class: DestinationFailure;
      wait_ms: number | null;
      suspicious: boolean;
      code: string;
      message: string;
    }
  | { scope: 'partition'; class: 'forbidden' | 'unsupported'; code: string; message: string }
  | { scope: 'items'; items: ItemError[]; code: string; message: string }
  | { scope: 'batch'; code: string; message: string }
  | { scope: 'size'; limits: Partial<BatchLimits>; code: string; message: string }
  | { scope: 'key'; code: string; message: string };

export type DestinationFailure = 'unauthorized' | 'throttled' | 'unreachable' | 'unavailable' | 'full' | 'redirected';

/** The code by which a destination says that an idempotency key was used with another body (422). */
export const KEY_REUSED = 'idempotency_key_reused';

/** Classifies one reply. Pure: the same reply always means the same. */
export function classify(reply: Reply, now_ms: number, policy: RetryPolicy): Verdict {
  if (reply.status === null) {
    // A reset, a time-out or an exception of the destination may be this batch's fault (a body that crashes the server);
    // a refused connection is not.
    const suspicious = reply.reason === 'reset' || reply.reason === 'timeout' || reply.reason === 'unknown';
    return {
      scope: 'destination',
      class: 'unreachable',
      wait_ms: null,
      suspicious,
      code: reply.reason,
      message: reply.message,
    };
  }
  const { status } = reply;
  const code = reply.code ?? `http_${status}`;
  const message = reply.message ?? `The destination answered ${status}`;
  const failure = (cause: DestinationFailure, suspicious = false): Verdict => ({
    scope: 'destination',
    class: cause,
    wait_ms: retryAfter_ms(reply.retry_after, now_ms, policy),
    suspicious,
    code,
    message,
  });

  if ((status >= 200 && status < 300) || status === 409)
    return { scope: 'accepted', received: reply.received ?? null, deduped: reply.deduped ?? null };
  if (status < 400) return failure('redirected');
  if (status === 401) return failure('unauthorized');
  if (status === 429) return failure('throttled');
  if (status === 408 || status === 421 || status === 425) return failure('unavailable');
  if (status === 413) return { scope: 'size', limits: reply.limits ?? {}, code, message };
  if (status === 422 && reply.code === KEY_REUSED) return { scope: 'key', code, message };
  if (status === 400 || status === 422) {
    if (reply.item_errors?.length) return { scope: 'items', items: reply.item_errors, code, message };
    return { scope: 'batch', code, message };
  }
  if (status < 500) return { scope: 'partition', class: status === 403 ? 'forbidden' : 'unsupported', code, message };
  if (status === 507) return failure('full');
  return failure('unavailable', true);
}

/**
 * When to try again after a failure of the destination: what it asked for, plus a little chance so that clients cut off
 * together do not return together; else the policy's back-off. "At once" (`Retry-After: 0`) would be a hot loop, so
 * anything shorter than the policy's base counts as not asked.
 */
export function wait_ms(asked_ms: number | null, failures: number, policy: RetryPolicy, random: Random): number {
  if (asked_ms === null || asked_ms < policy.base_ms) return backoff_ms(policy, failures, random);
  return asked_ms + backoff_ms(policy, 1, random);
}

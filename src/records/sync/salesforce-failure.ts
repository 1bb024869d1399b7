import type { KeyedOutcome } from '../../engine/keyed/destination.ts';
import type { SynclineError } from '../../platform/errors.ts';
import type { SalesforceFailure } from '../sides.ts';

/** A key whose record was locked, or rolled back with a neighbour's, goes soon; one whose parent is missing waits for it. */
const SOON_MS = 5_000;
const PARENT_MS = 30_000;
/** When Salesforce throttles without saying for how long. */
const THROTTLED_MS = 60_000;

/** What a refusal of Salesforce means for its key (records.md §12.8). Pure. */
export function salesforceFailure(
  { class: kind, code, message, fields, wait_ms }: SalesforceFailure,
  now_ms: number,
): KeyedOutcome {
  const refusal = { class: kind === 'permanent' ? 'refused' : kind, code, message, field: fields[0] };
  switch (kind) {
    // Only what has to be written there waits: what comes from Salesforce goes on.
    case 'throttle':
      return { kind: 'later', until_ms: now_ms + (wait_ms ?? THROTTLED_MS) };
    case 'rolled_back':
      return { kind: 'later', until_ms: now_ms + SOON_MS };
    case 'order':
      return { kind: 'failed', failure: { ...refusal, scope: 'key', wait_ms: wait_ms ?? PARENT_MS } };
    case 'retry':
    case 'identity':
      return { kind: 'failed', failure: { ...refusal, scope: 'key', wait_ms: wait_ms ?? SOON_MS } };
    case 'auth':
    case 'unknown':
      return { kind: 'failed', failure: { ...refusal, scope: 'destination', wait_ms } };
    case 'permanent':
      return { kind: 'failed', failure: { ...refusal, scope: 'key_for_good' } };
  }
}

/** What it means for keys that a look at Salesforce failed: nothing about them, the other side is not well. */
export function readFailure(error: SynclineError & { failure?: SalesforceFailure }, now_ms: number): KeyedOutcome {
  const { failure } = error;
  if (failure?.class === 'throttle') return { kind: 'later', until_ms: now_ms + (failure.wait_ms ?? THROTTLED_MS) };
  const { code, message } = failure ?? error;
  const refusal = { class: failure?.class ?? 'unreachable', code, message };
  return { kind: 'failed', failure: { ...refusal, scope: 'destination', wait_ms: failure?.wait_ms ?? null } };
}

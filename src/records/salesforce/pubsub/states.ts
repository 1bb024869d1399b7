/** The state machine of a subscription as a table: a missing cell does not compile, an illegal step throws. */
import { invariant } from '../../../platform/errors.ts';

/**
 * - `connecting`: asked for the stream, nothing heard yet.
 * - `streaming`: the server has answered.
 * - `waiting`: a back-off runs.
 * - `re_auth`: the session was refused, another is asked for.
 * - `hole`: the place we ask for is gone; the caller must decide. Final.
 * - `stopped`: the caller ended it, or only a person can help. Final.
 */
export type SubscriptionState = 'connecting' | 'streaming' | 'waiting' | 're_auth' | 'hole' | 'stopped';

/**
 * - `answered`: a response came. `lost`: the connection ended, or said nothing for too long.
 * - `session_refused`, `renewed`: the session is over; there is another.
 * - `limited`: no more subscribers or events for now. `due`: the back-off is over.
 * - `place_refused`: the replay id is gone or was never one, or `latest` was lost before it had one.
 * - `refused`: for good. `ended`: by the caller.
 */
export type SubscriptionEvent =
  'answered' | 'lost' | 'session_refused' | 'renewed' | 'limited' | 'due' | 'place_refused' | 'refused' | 'ended';

const NOTHING: Record<SubscriptionEvent, null> = {
  answered: null,
  lost: null,
  session_refused: null,
  renewed: null,
  limited: null,
  due: null,
  place_refused: null,
  refused: null,
  ended: null,
};

/** `null` = cannot happen: the step throws. */
export const SUBSCRIPTION_STATES: Record<SubscriptionState, Record<SubscriptionEvent, SubscriptionState | null>> = {
  connecting: {
    answered: 'streaming',
    lost: 'waiting',
    session_refused: 're_auth',
    renewed: null,
    limited: 'waiting',
    due: null,
    place_refused: 'hole',
    refused: 'stopped',
    ended: 'stopped',
  },
  streaming: {
    answered: 'streaming',
    lost: 'waiting',
    session_refused: 're_auth',
    renewed: null,
    limited: 'waiting',
    due: null,
    place_refused: 'hole',
    refused: 'stopped',
    ended: 'stopped',
  },
  waiting: { ...NOTHING, due: 'connecting', refused: 'stopped', ended: 'stopped' },
  // Asking for a session may itself fail for a while, or for good.
  re_auth: { ...NOTHING, renewed: 'connecting', lost: 'waiting', refused: 'stopped', ended: 'stopped' },
  hole: { ...NOTHING, ended: 'hole' },
  stopped: { ...NOTHING, ended: 'stopped' },
};

/** @throws InvariantError for a step the table does not know. */
export function nextSubscriptionState(state: SubscriptionState, event: SubscriptionEvent): SubscriptionState {
  const next = SUBSCRIPTION_STATES[state][event];
  invariant(next !== null, `subscription: ${event} in state ${state}`);
  return next;
}

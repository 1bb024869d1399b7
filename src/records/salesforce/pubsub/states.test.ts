import { expect, test } from 'vitest';
import { nextSubscriptionState, SUBSCRIPTION_STATES, type SubscriptionState } from './states.ts';

const states = Object.keys(SUBSCRIPTION_STATES) as SubscriptionState[];

test('from every state but the final ones the caller can end it, and a hole is never left', () => {
  for (const state of states) expect(nextSubscriptionState(state, 'ended')).toBe(state === 'hole' ? 'hole' : 'stopped');
});

test('a step that cannot be is a defect, said by both names', () => {
  expect(() => nextSubscriptionState('stopped', 'answered')).toThrow('subscription: answered in state stopped');
  expect(() => nextSubscriptionState('waiting', 'answered')).toThrow('answered in state waiting');
});

test('every state can be reached, and every state but the final ones leads back to streaming', () => {
  const reach = (from: SubscriptionState): Set<SubscriptionState> => {
    const seen = new Set<SubscriptionState>([from]);
    for (const state of seen) for (const next of Object.values(SUBSCRIPTION_STATES[state])) if (next) seen.add(next);
    return seen;
  };
  expect(reach('connecting')).toEqual(new Set(states));
  for (const state of ['connecting', 'streaming', 'waiting', 're_auth'] as const)
    expect(reach(state)).toContain('streaming');
  for (const state of ['hole', 'stopped'] as const) expect(reach(state)).toEqual(new Set([state]));
});

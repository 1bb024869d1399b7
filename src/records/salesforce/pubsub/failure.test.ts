import { expect, test } from 'vitest';
import { failureOf } from './failure.ts';

const error = (code: number, trailer?: string, details = 'secret words of the server') =>
  Object.assign(new Error(details), {
    code,
    details,
    metadata: { get: (key: string) => (key === 'error-code' && trailer !== undefined ? [trailer] : []) },
  });
const of = (name: string): string => `sfdc.platform.eventbus.grpc.${name}`;

test.each([
  ['a session that is over', error(16, of('service.auth.error')), 'auth'],
  ['a session that is over, without a trailer', error(16), 'auth'],
  ['a service that is away', error(14, of('service.unavailable')), 'connection'],
  ['a reset stream', error(14, undefined, 'RST_STREAM closed stream'), 'connection'],
  ['an internal error', error(13), 'connection'],
  ['a call that was cut off', error(1), 'connection'],
  ['too many subscribers', error(8, of('concurrent.client.limit.exceeded')), 'limit'],
  ['too many events today', error(8, of('subscription.limit.exceeded')), 'limit'],
  ['a limit behind another status', error(7, of('subscription.limit.exceeded')), 'limit'],
  ['a replay id that is too old', error(3, of('subscription.fetch.replayid.corrupted')), 'replay'],
  ['a replay id that is none', error(3, of('subscription.fetch.replayid.validation.failed')), 'replay'],
  ['a replay id, told by words only', error(3, undefined, 'The Replay ID validation failed'), 'replay'],
  ['a topic that is not there', error(5), 'refused'],
  ['a topic that is not ours', error(7), 'refused'],
  ['a bad request', error(3), 'refused'],
  ['anything else that is thrown', new Error('socket hang up'), 'connection'],
  ['no error at all', null, 'connection'],
])('%s is %s', (_name, thrown, expected) => {
  const failure = failureOf(thrown);
  expect(failure.class).toBe(expected);
  expect(failure.code).not.toContain('secret');
});

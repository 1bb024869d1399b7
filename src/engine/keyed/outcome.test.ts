import { expect, test } from 'vitest';
import { SynclineError, StaleError } from '../../platform/errors.ts';
import { defaultRetryPolicy } from '../retry.ts';
import type { KeyedOutcome } from './destination.ts';
import { judge, thrown } from './outcome.ts';

const judged = (outcome: KeyedOutcome): unknown => judge(outcome, 0, defaultRetryPolicy);
const replied = (status: number, more: object = {}): KeyedOutcome => ({ kind: 'replied', reply: { status, ...more } });
const failure = { class: 'limit', code: 'x', message: 'no' };

test.each([
  ['done', { kind: 'done', bytes: 3 }, { scope: 'settled', sent: true, bytes: 3 }],
  ['nothing', { kind: 'nothing' }, { scope: 'settled', sent: false }],
  ['later', { kind: 'later', until_ms: 5 }, { scope: 'later', until_ms: 5 }],
  ['200', replied(200), { scope: 'settled', sent: true }],
  ['401', replied(401), { scope: 'destination', suspicious: false, refusal: { class: 'unauthorized' } }],
  ['429', replied(429, { retry_after: '7' }), { scope: 'destination', wait_ms: 7000, counts: false }],
  ['500', replied(500), { scope: 'destination', suspicious: true, counts: true }],
  ['507', replied(507), { scope: 'destination', refusal: { class: 'full' } }],
  ['403', replied(403), { scope: 'group', refusal: { class: 'forbidden' } }],
  ['404', replied(404), { scope: 'group', refusal: { class: 'unsupported' } }],
  ['409', replied(409), { scope: 'key', group: false, refusal: { class: 'conflict', code: 'http_409' } }],
  ['412', replied(412, { code: 'base' }), { scope: 'key', group: false, refusal: { code: 'base' } }],
  ['413', replied(413), { scope: 'key_for_good', refusal: { class: 'size' } }],
  ['422', replied(422, { code: 'bad' }), { scope: 'key', group: true, refusal: { class: 'refused', code: 'bad' } }],
  [
    '400 that names the field',
    replied(400, { item_errors: [{ index: 0, code: 'long', message: 'too long', field: 'title' }] }),
    { scope: 'key', refusal: { code: 'long', message: 'too long', field: 'title' } },
  ],
  [
    'a refused connection',
    { kind: 'replied', reply: { status: null, reason: 'refused', message: 'no' } },
    { scope: 'destination', suspicious: false },
  ],
  [
    'a reset',
    { kind: 'replied', reply: { status: null, reason: 'reset', message: 'no' } },
    { scope: 'destination', suspicious: true },
  ],
  [
    'a vendor that throttles in words of its own',
    { kind: 'failed', failure: { scope: 'destination', wait_ms: 9, ...failure } },
    { scope: 'destination', wait_ms: 9, suspicious: false, refusal: failure },
  ],
  ['a group', { kind: 'failed', failure: { scope: 'group', ...failure } }, { scope: 'group', refusal: failure }],
  ['a key', { kind: 'failed', failure: { scope: 'key', ...failure } }, { scope: 'key', group: true }],
  ['a key for good', { kind: 'failed', failure: { scope: 'key_for_good', ...failure } }, { scope: 'key_for_good' }],
] as [string, KeyedOutcome, object][])('%s', (_, outcome, verdict) => {
  expect(judged(outcome)).toMatchObject(verdict);
});

test('what is thrown keeps the words of our own errors, and none of a stranger', () => {
  expect(thrown(new StaleError('stale', 'moved'))).toMatchObject({ refusal: { class: 'conflict', code: 'stale' } });
  const ours = thrown(new SynclineError('source.locked', 'The archive is busy'));
  expect(ours).toMatchObject({ scope: 'key', refusal: { code: 'source.locked', message: 'The archive is busy' } });
  expect(JSON.stringify(thrown(new TypeError('at /home/ada')))).not.toContain('ada');
  expect(thrown('text')).toMatchObject({ refusal: { code: 'exception' } });
});

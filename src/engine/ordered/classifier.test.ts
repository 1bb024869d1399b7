import { expect, test } from 'vitest';
import { seededRandom } from '../../platform/random.ts';
import { defaultRetryPolicy } from '../retry.ts';
import { classify, wait_ms, type Verdict } from './classifier.ts';
import type { Reply } from './destination.ts';

const NOW = Date.parse('2026-11-21T12:00:00Z');
const verdict = (reply: Reply): Verdict => classify(reply, NOW, defaultRetryPolicy);
const item = { index: 3, code: 'bad_kind', message: 'unknown kind' };

// Every row of the replaced system's table (telemetry specification §5.4) and of rule 6, with what becomes of it here.
test.each<[string, Reply, Partial<Verdict>]>([
  ['202 with counts', { status: 202, received: 5, deduped: 2 }, { scope: 'accepted', received: 5, deduped: 2 }],
  ['202 without a body', { status: 202 }, { scope: 'accepted', received: null, deduped: null }],
  ['200 (was retried)', { status: 200 }, { scope: 'accepted' }],
  ['201 (was retried)', { status: 201 }, { scope: 'accepted' }],
  ['204 (was retried)', { status: 204 }, { scope: 'accepted' }],
  ['409 is what it had already', { status: 409 }, { scope: 'accepted' }],
  ['301 (was retried)', { status: 301 }, { scope: 'destination', class: 'redirected', suspicious: false }],
  ['100', { status: 100 }, { scope: 'destination', class: 'redirected' }],
  ['401 (was an error)', { status: 401 }, { scope: 'destination', class: 'unauthorized', suspicious: false }],
  ['408', { status: 408 }, { scope: 'destination', class: 'unavailable', suspicious: false }],
  ['421', { status: 421 }, { scope: 'destination', class: 'unavailable', suspicious: false }],
  ['425', { status: 425 }, { scope: 'destination', class: 'unavailable', suspicious: false }],
  [
    '429',
    { status: 429, retry_after: '7' },
    { scope: 'destination', class: 'throttled', wait_ms: 7000, suspicious: false },
  ],
  [
    '429 with a date',
    { status: 429, retry_after: 'Sat, 21 Nov 2026 12:00:30 GMT' },
    { scope: 'destination', wait_ms: 30_000 },
  ],
  ['429 without', { status: 429 }, { scope: 'destination', class: 'throttled', wait_ms: null }],
  ['500', { status: 500 }, { scope: 'destination', class: 'unavailable', suspicious: true }],
  ['502', { status: 502 }, { scope: 'destination', class: 'unavailable', suspicious: true }],
  [
    '503 with Retry-After',
    { status: 503, retry_after: '2' },
    { scope: 'destination', wait_ms: 2000, suspicious: true },
  ],
  ['507', { status: 507 }, { scope: 'destination', class: 'full', suspicious: false }],
  ['599', { status: 599 }, { scope: 'destination', suspicious: true }],
  ['403 (wedged)', { status: 403 }, { scope: 'partition', class: 'forbidden' }],
  ['404 (wedged)', { status: 404 }, { scope: 'partition', class: 'unsupported' }],
  ['405', { status: 405 }, { scope: 'partition', class: 'unsupported' }],
  ['410', { status: 410 }, { scope: 'partition', class: 'unsupported' }],
  ['415 (wedged)', { status: 415 }, { scope: 'partition', class: 'unsupported' }],
  ['426', { status: 426 }, { scope: 'partition', class: 'unsupported' }],
  ['413', { status: 413, limits: { max_items: 9 } }, { scope: 'size', limits: { max_items: 9 } }],
  ['413 without limits', { status: 413 }, { scope: 'size', limits: {} }],
  ['400 (wedged)', { status: 400 }, { scope: 'batch', code: 'http_400' }],
  ['400 with indexes', { status: 400, item_errors: [item] }, { scope: 'items', items: [item] }],
  ['400 with an empty list', { status: 400, item_errors: [] }, { scope: 'batch' }],
  ['422 (wedged)', { status: 422, code: 'schema', message: 'no' }, { scope: 'batch', code: 'schema', message: 'no' }],
  ['422 with indexes', { status: 422, item_errors: [item] }, { scope: 'items' }],
  ['422 key spent', { status: 422, code: 'idempotency_key_reused' }, { scope: 'key' }],
  ['400 with that code is no key', { status: 400, code: 'idempotency_key_reused' }, { scope: 'batch' }],
  [
    'DNS',
    { status: null, reason: 'dns', message: 'm' },
    { scope: 'destination', class: 'unreachable', suspicious: false, code: 'dns', message: 'm' },
  ],
  ['TLS', { status: null, reason: 'tls', message: '' }, { scope: 'destination', suspicious: false }],
  ['refused', { status: null, reason: 'refused', message: '' }, { scope: 'destination', suspicious: false }],
  ['reset', { status: null, reason: 'reset', message: '' }, { scope: 'destination', suspicious: true }],
  ['time-out', { status: null, reason: 'timeout', message: '' }, { scope: 'destination', suspicious: true }],
  [
    'exception of the destination',
    { status: null, reason: 'unknown', message: '' },
    { scope: 'destination', suspicious: true },
  ],
])('%s', (_, reply, expected) => {
  expect(verdict(reply)).toMatchObject(expected);
});

test('every status has a verdict, and only 2xx and 409 settle', () => {
  for (let status = 100; status < 600; status++)
    expect([status, verdict({ status }).scope === 'accepted']).toEqual([
      status,
      (status >= 200 && status < 300) || status === 409,
    ]);
});

test('a Retry-After is kept, a little late; "at once" falls back to the back-off instead of a hot loop', () => {
  for (let seed = 0; seed < 100; seed++) {
    const random = seededRandom(seed);
    const kept = wait_ms(30_000, 9, defaultRetryPolicy, random);
    expect(kept).toBeGreaterThan(30_000);
    expect(kept).toBeLessThanOrEqual(30_500);
    expect(wait_ms(0, 9, defaultRetryPolicy, random)).toBeGreaterThanOrEqual(12_800);
    expect(wait_ms(null, 1, defaultRetryPolicy, random)).toBeLessThanOrEqual(500);
  }
});

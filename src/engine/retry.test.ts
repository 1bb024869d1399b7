import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededRandom } from '../platform/random.ts';
import { backoff_ms, defaultRetryPolicy, isDue, retryAfter_ms } from './retry.ts';

const policy = defaultRetryPolicy;
const NOW = Date.parse('2026-11-21T12:00:00Z');

test('the back-off doubles up to its cap, with full jitter and never next to nothing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 10_000 }), fc.integer(), (failures, seed) => {
      const bound = Math.min(policy.cap_ms, policy.base_ms * 2 ** Math.min(50, Math.max(0, failures - 1)));
      const wait = backoff_ms(policy, failures, seededRandom(seed));
      expect(wait).toBeGreaterThanOrEqual(bound / 10);
      expect(wait).toBeLessThanOrEqual(bound);
      expect(Number.isInteger(wait)).toBe(true);
    }),
  );
  const at = (unit: number): number[] =>
    [0, 1, 2, 3, 11].map((failures) => backoff_ms(policy, failures, { ...seededRandom(0), unit: () => unit }));
  expect(at(1)).toEqual([500, 500, 1000, 2000, 300_000]);
  expect(at(0)).toEqual([50, 50, 100, 200, 30_000]);
});

test.each([
  ['120', 120_000],
  [' 2 ', 2000],
  ['0', 0],
  ['1.5', 1500],
  ['999999999', policy.retry_after_cap_ms],
  ['Sat, 21 Nov 2026 12:00:30 GMT', 30_000],
  ['Saturday, 21-Nov-26 12:00:30 GMT', 30_000],
  ['Sat Nov 21 12:00:30 2026', 30_000],
  ['Sat, 21 Nov 2026 11:00:00 GMT', 0],
  ['Sat, 21 Nov 2099 12:00:00 GMT', policy.retry_after_cap_ms],
  [undefined, null],
  ['', null],
  ['soon', null],
  ['soon 1', null],
  ['-5', null],
  ['1e3', null],
  ['Infinity', null],
  ['Sat, 99 Foo 2026 99:99:99 GMT', null],
])('Retry-After %j is %j ms', (header, expected) => {
  expect(retryAfter_ms(header, NOW, policy)).toBe(expected);
});

test('what is due: the past, now, and a time so far ahead that only a clock that stepped back explains it', () => {
  const longest = policy.retry_after_cap_ms + policy.cap_ms;
  expect([NOW - 1, NOW, NOW + 1, NOW + longest, NOW + 86_400_000].map((due) => isDue(due, NOW, policy))).toEqual([
    true,
    true,
    false,
    false,
    true,
  ]);
});

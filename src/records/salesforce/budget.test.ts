import { expect, test } from 'vitest';
import { ApiBudget } from './budget.ts';

let now = 0;
const budget = (share?: number) =>
  new ApiBudget({ clock: { now_ms: () => now, monotonic_ms: () => now }, ...(share === undefined ? {} : { share }) });

test('reads the header in each of its forms, and keeps what it knew when there is none', () => {
  const one = budget();
  expect(one.current()).toBeNull();
  expect([one.left(), one.wait_ms(), one.mayLook()]).toEqual([null, 0, false]);
  one.heard('api-usage=18/5000; per-app-api-usage=17/250(appName=sample)');
  expect(one.current()).toEqual({ used: 18, max: 5000 });
  for (const header of [undefined, '', 'per-app-api-usage=1/2', 'api-usage=x']) one.heard(header);
  expect(one.current()).toEqual({ used: 18, max: 5000 });
});

test('stops at the share, and looks again every five minutes', () => {
  const one = budget(0.5);
  one.set(499, 1000);
  expect([one.left(), one.wait_ms()]).toEqual([1, 0]);
  one.set(500, 1000);
  expect([one.left(), one.wait_ms(), one.mayLook()]).toEqual([0, 300_000, false]);
  now += 300_000;
  expect(one.mayLook()).toBe(true);
});

test('the longest quiet counts', () => {
  const one = budget();
  one.quiet(10_000);
  one.quiet(1_000);
  expect(one.wait_ms()).toBe(10_000);
  now += 10_000;
  expect(one.wait_ms()).toBe(0);
});

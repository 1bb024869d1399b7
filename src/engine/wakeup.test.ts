import { expect, test } from 'vitest';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { InvariantError } from '../platform/errors.ts';
import { Wakeup } from './wakeup.ts';

const never = new AbortController().signal;

test('a loop sleeps until it is notified', async () => {
  const time = new VirtualTime();
  const wakeup = new Wakeup();
  const woken = wakeup.wait(60_000, time, never);
  await time.settle();
  expect(time.pending).toBe(1);
  wakeup.notify();
  await woken;
  expect([time.monotonic_ms(), time.pending]).toEqual([0, 0]);
});

test('a notification that comes while nobody waits is kept, once', async () => {
  const time = new VirtualTime();
  const wakeup = new Wakeup();
  wakeup.notify();
  wakeup.notify();
  await wakeup.wait(60_000, time, never);
  expect(time.monotonic_ms()).toBe(0);
  const second = wakeup.wait(60_000, time, never);
  await time.tick();
  await second;
  expect(time.monotonic_ms()).toBe(60_000);
});

test('it says what was notified of, and all when anything of it was all or nobody said', async () => {
  const time = new VirtualTime();
  const wakeup = new Wakeup();
  wakeup.notify('full_batches');
  expect(await wakeup.wait(60_000, time, never)).toBe('full_batches');
  wakeup.notify();
  wakeup.notify('full_batches');
  expect(await wakeup.wait(60_000, time, never)).toBe('all');
  const silent = wakeup.wait(60_000, time, never);
  await time.tick();
  expect(await silent).toBe('all');
});

test('an abort ends the wait, also when it came before', async () => {
  const time = new VirtualTime();
  const wakeup = new Wakeup();
  const stop = new AbortController();
  const waiting = wakeup.wait(60_000, time, stop.signal);
  stop.abort();
  await waiting;
  await wakeup.wait(60_000, time, stop.signal);
  expect([time.monotonic_ms(), time.pending]).toEqual([0, 0]);
});

test('a second loop on the same wake-up would miss notifications, and is refused', async () => {
  const time = new VirtualTime();
  const wakeup = new Wakeup();
  const first = wakeup.wait(1000, time, never);
  await expect(wakeup.wait(1000, time, never)).rejects.toThrow(InvariantError);
  wakeup.notify();
  await first;
});

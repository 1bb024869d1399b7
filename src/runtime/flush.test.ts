import { expect, test } from 'vitest';
import { openDirectory } from '../../test/support/open-directory.ts';
import type { Delivery } from '../engine/ordered/delivery.ts';
import type { PassResult } from '../engine/pass.ts';
import { flush } from './flush.ts';

const pass = (next_due_ms: number | null): PassResult => ({
  accepted_items: 1,
  dead_letters: 0,
  next_due_ms,
  idle: null,
});

test('a destination that is slow holds up no other', async () => {
  await using own = await openDirectory();
  const quick_is_done = Promise.withResolvers<void>();
  let passes = 0;
  const quick = async (): Promise<PassResult> => {
    if (++passes < 3) return pass(0);
    quick_is_done.resolve();
    return pass(null);
  };
  const slow = async (): Promise<PassResult> => {
    await quick_is_done.promise;
    return pass(null);
  };
  const deliveries = new Map([
    ['slow', { pass: slow } as unknown as Delivery],
    ['quick', { pass: quick } as unknown as Delivery],
  ]);
  const { delivered } = await flush({ ...own.directory, deliveries }, { stream: 'telemetry', timeout_ms: 20_000 });
  expect(delivered).toBe(4);
}, 5_000);

test('a flush whose time is over before it has read says so, and nothing is lost', async () => {
  await using own = await openDirectory();
  own.say('session-1', 'web', 'one', 'two');
  expect(await flush(own.directory, { stream: 'telemetry', timeout_ms: 0 })).toMatchObject({ unread: true });
  const later = await flush(own.directory, { stream: 'telemetry', timeout_ms: 20_000 });
  expect(later).toMatchObject({ unread: false, delivered: 3, remaining: 0 });
});

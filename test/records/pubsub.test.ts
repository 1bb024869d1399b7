/** Our subscriber against the simulator's event bus: order, places, and each thing that goes wrong (records.md §12.10). */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { replayIdFromText, replayIdToText } from '../../src/records/salesforce/pubsub/replay-id.ts';
import type { SubscriptionItem } from '../../src/records/salesforce/pubsub/subscription.ts';
import type { Timers } from '../../src/platform/timers.ts';
import { text } from '../../src/sandbox/salesforce/org/fields.ts';
import { names, openScene, take, type Scene } from './pubsub-scene.ts';

let scene: Scene;
beforeEach(async () => {
  scene = await openScene();
});
afterEach(() => scene.close());

const account = (Name: string): string => scene.org.create('Account', { Name });
const accounts = (...list: string[]): void => list.forEach(account);

test('events come in order from the oldest, and go on behind any place', async () => {
  accounts('a', 'b', 'c', 'd');
  const all = await take(scene.subscribe('earliest'), 4);
  expect(names(all)).toEqual(['a', 'b', 'c', 'd']);
  for (const [at, event] of all.entries())
    expect(names(await take(scene.subscribe(event.replay_id), 3 - at))).toEqual(['b', 'c', 'd'].slice(at));
});

test('a place is the same bytes after a restart, zeros in front and more than eight of them (§10 h)', async () => {
  for (const replay_id_bytes of [8, 14]) {
    const wide = await openScene({ replay_id_bytes });
    ['a', 'b'].forEach((Name) => wide.org.create('Account', { Name }));
    const [first] = await take(wide.subscribe('earliest'), 1);
    const stored = replayIdToText(first?.replay_id ?? new Uint8Array());
    expect(first?.replay_id).toHaveLength(replay_id_bytes);
    expect(first?.replay_id[0]).toBe(0);
    expect(replayIdFromText(stored)).toEqual(first?.replay_id);
    expect(names(await take(wide.subscribe(replayIdFromText(stored)), 1))).toEqual(['b']);
    await wide.close();
  }
});

test('latest begins with what comes after it was taken', async () => {
  accounts('before');
  const coming = take(scene.subscribe('latest'), 1);
  await expect.poll(() => scene.pubsub.streams()).toBe(1);
  accounts('after');
  expect(names(await coming)).toEqual(['after']);
});

test('a lost connection is taken up behind the last event, again and again', async () => {
  const subscription = scene.subscribe('earliest', { batch_size: 10 });
  const wanted = Array.from({ length: 60 }, (_, n) => `n${n}`);
  scene.pubsub.faults.resetAfter(7);
  accounts(...wanted);
  const got: unknown[] = [];
  for await (const item of subscription) {
    if (item.kind !== 'events') continue;
    got.push(...names(item.events));
    if (got.length === wanted.length) break;
    if (got.length % 3 === 0) scene.pubsub.faults.resetAfter(5);
  }
  expect(got).toEqual(wanted);
  expect(scene.pubsub.calls.Subscribe).toBeGreaterThan(3);
  expect(subscription.status()).toMatchObject({ state: 'stopped', last_failure: { class: 'connection' } });
});

test('a session that ran out is renewed once, and nothing is missed (§10 k)', async () => {
  const subscription = scene.subscribe('earliest');
  accounts('a');
  const got: unknown[] = [];
  for await (const item of subscription) {
    if (item.kind !== 'events') continue;
    got.push(...names(item.events));
    if (got.length === 1) {
      scene.pubsub.faults.expireToken(scene.tokens[0] ?? '');
      accounts('b');
    } else break;
  }
  expect(got).toEqual(['a', 'b']);
  expect(scene.tokens).toHaveLength(2);
});

test('a replay id that is too old is a hole, said once, and nobody moves the place (§10 i)', async () => {
  accounts('a', 'b');
  const [first] = await take(scene.subscribe('earliest'), 1);
  scene.clock.advance(73 * 3_600_000);
  accounts('c');
  const items: SubscriptionItem[] = [];
  for await (const item of scene.subscribe(first?.replay_id ?? 'latest')) items.push(item);
  expect(items).toEqual([
    { kind: 'hole', replay_id: first?.replay_id, code: expect.stringContaining('replayid') as string },
  ]);
  expect(names(await take(scene.subscribe('earliest'), 1))).toEqual(['c']);
});

test('a damaged replay id is a hole', async () => {
  accounts('a');
  const items: SubscriptionItem[] = [];
  for await (const item of scene.subscribe(Uint8Array.from([1, 2, 3]))) items.push(item);
  expect(items).toEqual([{ kind: 'hole', replay_id: Uint8Array.from([1, 2, 3]), code: expect.any(String) as string }]);
});

test('the place grows too old while the subscription runs: a hole behind what was taken', async () => {
  const subscription = scene.subscribe('earliest');
  accounts('a');
  const items: SubscriptionItem[] = [];
  for await (const item of subscription) {
    items.push(item);
    if (item.kind !== 'events') continue;
    accounts('lost');
    scene.pubsub.faults.expireReplayIds();
    scene.pubsub.faults.reset();
  }
  expect(items.at(-1)).toMatchObject({ kind: 'hole' });
  expect(subscription.status().state).toBe('hole');
});

test('latest that is lost before it had a place is a hole, not a jump', async () => {
  const subscription = scene.subscribe('latest');
  const read = (async () => {
    const items: SubscriptionItem[] = [];
    for await (const item of subscription) items.push(item);
    return items;
  })();
  let ended = false;
  void read.finally(() => (ended = true));
  // Before it has heard that its stream was taken, it asks for `latest` once more, rightly.
  await expect
    .poll(() => {
      scene.pubsub.faults.reset();
      return ended;
    })
    .toBe(true);
  expect(await read).toEqual([{ kind: 'hole', replay_id: null, code: expect.any(String) as string }]);
});

test('an event that nobody can read is set aside, and those around it come (§10 l)', async () => {
  accounts('a');
  scene.pubsub.faults.poison();
  accounts('unreadable', 'b');
  const events = await take(scene.subscribe('earliest'), 3);
  expect(names(events)).toEqual(['a', 'payload', 'b']);
  expect(events[1]).not.toHaveProperty('value');
  expect(events[1]?.replay_id).toHaveLength(8);
});

test('a schema that is not there poisons its event only; one that cannot be had now is asked for again', async () => {
  accounts('a');
  scene.pubsub.faults.refuse('request', { rpc: 'GetSchema' });
  expect(names(await take(scene.subscribe('earliest'), 1))).toEqual(['schema']);
  scene.pubsub.faults.refuse('unavailable', { rpc: 'GetSchema', times: 3 });
  expect(names(await take(scene.subscribe('earliest'), 1))).toEqual(['a']);
});

test('each schema is fetched once, also when it changes in the middle', async () => {
  accounts(...Array.from({ length: 150 }, (_, n) => `old${n}`));
  scene.org.addFields('Account', [text('New__c', 20)]);
  scene.org.create('Account', { Name: 'new', New__c: 'there' });
  const events = await take(scene.subscribe('earliest'), 151);
  expect(events.at(-1)).toMatchObject({ value: { Name: 'new', New__c: 'there' } });
  expect(scene.pubsub.calls.GetSchema).toBe(2);
});

test('an event may come twice; both times under one place', async () => {
  scene.pubsub.faults.duplicate();
  accounts('a', 'b');
  const events = await take(scene.subscribe('earliest'), 3);
  expect(names(events)).toEqual(['a', 'a', 'b']);
  expect(events[0]?.replay_id).toEqual(events[1]?.replay_id);
});

test('too many events for one day: it waits, and goes on behind what came', async () => {
  accounts('a', 'b', 'c');
  scene.pubsub.faults.limitDelivery(2);
  const subscription = scene.subscribe('earliest');
  const got: unknown[] = [];
  for await (const item of subscription) {
    if (item.kind === 'events') got.push(...names(item.events));
    if (got.length === 2)
      void expect
        .poll(() => subscription.status().last_failure?.class)
        .toBe('limit')
        .then(() => scene.pubsub.faults.limitDelivery(null));
    if (got.length === 3) break;
  }
  expect(got).toEqual(['a', 'b', 'c']);
  expect(subscription.status().last_failure).toMatchObject({ class: 'limit' });
});

test('a topic that is not there ends it with what to do', async () => {
  const read = take(scene.subscribe('earliest', { topic: '/data/NothingChangeEvent' }), 1);
  await expect(read).rejects.toMatchObject({ code: 'salesforce.topic_refused', hint: expect.any(String) as string });
});

test('a reader that takes its time is sent no more than was asked for', async () => {
  accounts(...Array.from({ length: 500 }, (_, n) => `n${n}`));
  let items = 0;
  for await (const item of scene.subscribe('earliest', { batch_size: 10 })) {
    if (item.kind !== 'events') continue;
    expect(item.events.length).toBeLessThanOrEqual(10);
    items += item.events.length;
    // 500 wait at the server; a reader that sleeps has at most a batch under way.
    if (items === 10) {
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(scene.pubsub.delivered()).toBeLessThanOrEqual(20);
    }
    if (items >= 500) break;
  }
  expect(items).toBe(500);
});

test('a sign of life moves the place of a quiet topic', async () => {
  const server_timers = heldTimers();
  const quiet = await openScene({ timers: server_timers });
  quiet.org.create('Account', { Name: 'a' });
  const [first] = await take(quiet.subscribe('earliest'), 1);
  await expect.poll(() => quiet.pubsub.streams()).toBe(0);
  const items = quiet.subscribe(first?.replay_id ?? 'latest');
  quiet.org.create('Contact', { LastName: 'other topic' });
  const read = items[Symbol.asyncIterator]().next();
  await expect.poll(() => quiet.pubsub.streams()).toBe(1);
  server_timers.elapse(270_000);
  const item = (await read).value as SubscriptionItem;
  expect(item.kind).toBe('idle');
  expect(item.replay_id).not.toEqual(first?.replay_id);
  items.stop();
  quiet.org.create('Account', { Name: 'b' });
  expect(names(await take(quiet.subscribe(item.replay_id ?? 'latest'), 1))).toEqual(['b']);
  server_timers.elapse(1000);
  const closed = quiet.close();
  server_timers.elapse(1000);
  await closed;
});

test('silence for longer than the service ever keeps is a lost connection', async () => {
  const timers = heldTimers();
  const subscription = scene.subscribe('earliest', { timers });
  scene.pubsub.faults.silent = true;
  accounts('a');
  const read = take(subscription, 1);
  await expect.poll(() => scene.pubsub.streams()).toBe(1);
  timers.elapse(600_000);
  await expect.poll(() => subscription.status().state).toBe('waiting');
  scene.pubsub.faults.silent = false;
  timers.elapse(60_000);
  expect(names(await read)).toEqual(['a']);
});

test('an abort ends it at once: while it waits for events, and in a back-off', async () => {
  const waiting = scene.subscribe('earliest');
  const read = take(waiting, 1);
  await expect.poll(() => scene.pubsub.streams()).toBe(1);
  waiting.stop();
  expect(await read).toEqual([]);
  await expect.poll(() => scene.pubsub.streams()).toBe(0);

  scene.pubsub.faults.refuse('unavailable', { times: 1000 });
  const backing_off = scene.subscribe('earliest', { timers: heldTimers() });
  const second = take(backing_off, 1);
  await expect.poll(() => backing_off.status().state).toBe('waiting');
  backing_off.stop();
  expect(await second).toEqual([]);
  expect(backing_off.status().state).toBe('stopped');
});

/** Sleeps end when the test says so, or when they are aborted. */
function heldTimers(): Timers & { elapse(ms: number): void } {
  const sleeping = new Set<{ left_ms: number; wake: () => void }>();
  return {
    sleep: (delay_ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve();
        const sleeper = { left_ms: delay_ms, wake: () => (sleeping.delete(sleeper), resolve()) };
        sleeping.add(sleeper);
        signal?.addEventListener('abort', sleeper.wake, { once: true });
      }),
    elapse: (ms) => {
      for (const sleeper of [...sleeping]) if ((sleeper.left_ms -= ms) <= 0) sleeper.wake();
    },
  };
}

import { afterEach, expect, test } from 'vitest';
import { InvariantError, StaleError } from '../../platform/errors.ts';
import { LONGEST_DELAY_MS, PRIORITY } from '../keyed/store.ts';
import { DONE, KEYED_STREAM, KeyedScene, deferredKey, refusedKey } from './keyed-scene.ts';
import { NOW, REFUSAL, STREAM } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** Raise, claim, settle (design §5 rules 2 and 5): the invariants K1 to K8 of keyed/states.ts. */
export function tasksContract(open: OpenStore): void {
  let scene: KeyedScene;
  const start = async (): Promise<KeyedScene> => (scene = await KeyedScene.open(open));
  afterEach(async () => {
    expect(await scene.store.verify()).toEqual([]);
    await scene.sut.close();
  });

  test('an append raises one task a key at each destination that takes its partition', async () => {
    await start();
    await scene.destination('second');
    await scene.destination('declines', true, () => false);
    await scene.add([scene.entry('a'), scene.entry('b'), scene.entry('a')], 'line 3');
    expect(await scene.claimKeys()).toEqual(['a', 'b']);
    expect(await scene.claimKeys({ destination_id: 'second' })).toEqual(['a', 'b']);
    expect(await scene.claimKeys({ destination_id: 'declines' })).toEqual([]);
    expect(await scene.progress('declines')).toMatchObject({ waiting: 0 });
  });

  test('what waits is told in about the order in which it goes, without a claim, also while paused', async () => {
    await start();
    await scene.add([scene.entry('b'), scene.entry('a')]);
    const names = async (limit = 10): Promise<string[]> =>
      (await scene.store.keyed.waiting('store', NOW, limit)).map(({ key }) => key);
    const [task] = await scene.claim({ limit: 1 });
    await scene.settle(task!, { kind: 'later', due_ms: NOW + 60_000 });
    const [first, second] = await scene.store.keyed.waiting('store', NOW, 10);
    expect(first?.due_ms).toBe(0);
    expect(second?.due_ms).toBe(NOW + 60_000);
    expect(await names(1)).toEqual([first?.key]);
    await scene.store.changeDestination('store', 'pause', null);
    expect((await names()).toSorted()).toEqual(['a', 'b']);
    await scene.store.changeDestination('store', 'resume', null);
    await scene.settle(await scene.next(), { kind: 'dead_letter', refusal: REFUSAL });
    expect(await names()).toEqual([second?.key]);
  });

  test('an append that is repeated raises nothing, and one that is rolled back neither', async () => {
    await start();
    const entries = [scene.entry('a')];
    await scene.add(entries);
    await scene.settle(await scene.next(), DONE);
    expect(await scene.add(entries)).toMatchObject({ appended: 0, duplicates: 1 });
    const request = { source_id: scene.source_id, entries: [scene.entry('b')], checkpoint: null, now_ms: NOW };
    await expect(scene.store.append({ ...request, writes: [scene.link(5, 6)] })).rejects.toThrow(StaleError);
    expect(await scene.progress()).toMatchObject({ waiting: 0, oldest_waiting_ms: null });
  });

  test('a hundred touches while claimed bring exactly one more claim', async () => {
    await start();
    await scene.change('a');
    const first = await scene.next();
    for (let i = 0; i < 50; i++) await scene.change('a');
    for (let i = 0; i < 50; i++) await scene.touch('a');
    expect(await scene.claim()).toEqual([]);
    await scene.settle(first, DONE);
    const second = await scene.next();
    expect(second.fence).toBeGreaterThan(first.fence);
    await scene.settle(second, DONE);
    expect(await scene.claim()).toEqual([]);
    expect(await scene.progress()).toMatchObject({ waiting: 0 });
  });

  test('a claimed key is not claimed again, also by another owner', async () => {
    await start();
    await scene.change('a');
    await scene.next();
    expect(await scene.claim({ owner: 'another' })).toEqual([]);
    expect(await scene.progress()).toMatchObject({ waiting: 1, claimed: 1 });
  });

  test('a stale fence settles nothing, and does not go on', async () => {
    await start();
    await scene.change('a');
    const stale = await scene.next();
    await scene.store.keyed.releaseExpired('store', 'worker', NOW);
    const task = await scene.next();
    const before = await scene.sut.dump();
    const writes = [scene.link(0, 1)];
    const endings = [
      DONE,
      { kind: 'later' as const, due_ms: NOW },
      deferredKey(),
      { kind: 'group_held' as const, until_ms: NOW, refusal: REFUSAL },
      refusedKey(),
      { kind: 'dead_letter' as const, refusal: REFUSAL },
    ];
    for (const ending of endings)
      for (const wrong of [stale.fence, task.fence + 1])
        expect((await scene.settle({ ...task, fence: wrong }, { ...ending, writes })).outcome).toBe('void');
    expect(await scene.store.keyed.proceed(stale, writes)).toBe(false);
    expect(await scene.sut.dump()).toEqual(before);
    expect((await scene.settle(task, DONE)).outcome).toBe('settled');
    expect((await scene.settle(task, DONE)).outcome).toBe('void');
  });

  test('a task that went and came back has another fence: no ABA', async () => {
    await start();
    await scene.change('a');
    const first = await scene.next();
    await scene.settle(first, DONE);
    await scene.change('a');
    const second = await scene.next();
    // Same key, same count of changes; only the fence tells them apart.
    expect((await scene.settle(first, DONE)).outcome).toBe('void');
    expect(second.fence).toBeGreaterThan(first.fence);
    expect(await scene.progress()).toMatchObject({ waiting: 1, claimed: 1 });
  });

  test('a stale link write rolls its settlement back, and no other of the same call', async () => {
    await start();
    await scene.change('a', 'b', 'c');
    const tasks = await scene.claim();
    const settlements = tasks.map((task, i) => ({
      destination_id: 'store',
      key: task.key,
      fence: task.fence,
      now_ms: NOW,
      kind: 'done' as const,
      sent: true,
      bytes: 1,
      counters: [{ name: 'segments', label: task.key, by: 1 }],
      writes: [scene.link(0, 1), scene.link(1, i === 1 ? 5 : 0), ...(i === 1 ? [scene.link(0, 9)] : [])],
    }));
    const results = await scene.store.keyed.settle(settlements);
    expect(results.map(({ outcome }) => outcome)).toEqual(['settled', 'stale', 'settled']);
    expect(await scene.linked()).toBe(0);
    expect((await scene.store.counters())['segments']).toEqual({ a: 1, c: 1 });
    expect(await scene.progress()).toMatchObject({ waiting: 1, claimed: 1 });
  });

  test('proceed commits the writes of the flow only while the claim is the newest', async () => {
    await start();
    await scene.change('a');
    const task = await scene.next();
    expect(await scene.store.keyed.proceed(task, [scene.link(0, 1)])).toBe(true);
    expect(await scene.linked()).toBe(1);
    await expect(scene.store.keyed.proceed(task, [scene.link(0, 1)])).rejects.toThrow(StaleError);
    await scene.store.changeDestination('store', 'pause', null);
    expect(await scene.store.keyed.proceed(task, [scene.link(1, 2)])).toBe(false);
    expect(await scene.linked()).toBe(1);
  });

  test('proceed for many claims answers for each by itself', async () => {
    await start();
    await scene.change('a', 'b');
    const [stale] = await scene.claim({ limit: 1 });
    await scene.store.keyed.releaseExpired('store', 'worker', NOW);
    const tasks = await scene.claim();
    const { keyed } = scene.store;
    expect(await keyed.proceedAll([])).toEqual([]);
    expect(await keyed.proceedAll([tasks[0]!, stale!, tasks[1]!, { ...tasks[0]!, key: 'none' }])).toEqual([
      true,
      false,
      true,
      false,
    ]);
    await scene.store.changeDestination('store', 'pause', null);
    expect(await keyed.proceedAll(tasks)).toEqual([false, false]);
  });

  test('pauses burn no attempts: deferred, held group, later, lease over, released', async () => {
    await start();
    await scene.change('a');
    const endings = [
      deferredKey({ until_ms: NOW, due_ms: NOW }),
      { kind: 'group_held' as const, until_ms: NOW, refusal: REFUSAL },
      { kind: 'later' as const, due_ms: NOW },
    ];
    for (const ending of endings) {
      await scene.settle(await scene.next(), ending);
      await scene.store.halfOpen('store');
    }
    await scene.next();
    await scene.store.keyed.releaseExpired('store', 'worker', NOW);
    await scene.next({ owner: 'dead', lease_ms: 1000 });
    scene.now_ms += 1000;
    await scene.store.keyed.releaseExpired('store', 'another', scene.now_ms);
    expect(await scene.next()).toMatchObject({ attempts: 0, failures: 0 });
    expect(await scene.progress()).toMatchObject({ failing: 0, held_keys: 0 });
  });

  test('a lease that is not over keeps the key; whoever claimed it may let go', async () => {
    await start();
    await scene.change('a');
    await scene.next({ owner: 'first', lease_ms: 1000 });
    expect(await scene.store.keyed.releaseExpired('store', 'second', NOW + 999)).toBe(0);
    // A clock that stepped back makes nobody's claim void.
    expect(await scene.store.keyed.releaseExpired('store', 'second', NOW - 10 ** 9)).toBe(0);
    expect(await scene.store.keyed.releaseExpired('store', 'first', NOW)).toBe(1);
    expect(await scene.claimKeys()).toEqual(['a']);
  });

  test('due tasks are claimed by priority, then those due longest first', async () => {
    await start();
    await scene.touch('backfilled', { priority: PRIORITY.backfill });
    scene.now_ms = NOW + 10;
    await scene.touch('second');
    scene.now_ms = NOW + 5;
    await scene.touch('first');
    scene.now_ms = NOW + 20;
    await scene.touch('due between', { due_ms: NOW + 7 });
    await scene.touch('not yet', { due_ms: NOW + 99 });
    await scene.touch('urgent', { priority: -1 });
    expect(await scene.claimKeys({ limit: 2 })).toEqual(['urgent', 'first']);
    expect(await scene.claimKeys()).toEqual(['due between', 'second', 'backfilled']);
    expect(await scene.store.keyed.nextDue('store', scene.now_ms)).toBe(NOW + 99);
    scene.now_ms = NOW + 99;
    expect(await scene.claimKeys()).toEqual(['not yet']);
    expect(await scene.store.keyed.nextDue('store', scene.now_ms)).toBeNull();
  });

  test('a change does not shorten a back-off, shortens a wait, and raises the priority', async () => {
    await start();
    await scene.touch('waits', { due_ms: NOW + 500, priority: PRIORITY.backfill });
    await scene.touch('fails');
    await scene.settle(await scene.next(), refusedKey({ due_ms: NOW + 500, most_attempts: 9 }));
    await scene.touch('waits');
    await scene.touch('fails');
    expect(await scene.claim()).toMatchObject([{ key: 'waits', priority: PRIORITY.live }]);
    scene.now_ms = NOW + 500;
    expect(await scene.claim()).toMatchObject([{ key: 'fails', attempts: 1 }]);
  });

  test('a change that comes while its key is claimed keeps a due time of its own', async () => {
    await start();
    await scene.touch('a');
    const task = await scene.next();
    await scene.touch('a', { due_ms: NOW + 500 });
    await scene.settle(task, DONE);
    expect(await scene.claim()).toEqual([]);
    expect(await scene.store.keyed.nextDue('store', NOW)).toBe(NOW + 500);
  });

  test('a clock that stepped back delays nothing for ever, and nothing that was due at once', async () => {
    await start();
    await scene.change('at once');
    await scene.touch('timed', { due_ms: NOW + 50 * LONGEST_DELAY_MS });
    scene.now_ms = NOW - 86_400_000;
    expect(await scene.store.keyed.nextDue('store', scene.now_ms)).toBe(scene.now_ms);
    expect((await scene.claimKeys()).sort()).toEqual(['at once', 'timed']);
  });

  test('a wait longer than the longest is cut to it', async () => {
    await start();
    await scene.change('a');
    await scene.settle(await scene.next(), { kind: 'later', due_ms: NOW + 50 * LONGEST_DELAY_MS });
    expect(await scene.claim()).toEqual([]);
    expect(await scene.store.keyed.nextDue('store', NOW)).toBe(NOW + LONGEST_DELAY_MS);
  });

  test('nothing is claimed while the destination is paused or its circuit is open; half-open lets one through', async () => {
    await start();
    await scene.change('a', 'b', 'c');
    await scene.store.changeDestination('store', 'pause', null);
    expect(await scene.claim()).toEqual([]);
    await scene.store.changeDestination('store', 'resume', null);
    const [a, b] = await scene.claim({ limit: 2 });
    await scene.settle(a!, deferredKey({ due_ms: NOW }));
    expect(await scene.claim()).toEqual([]);
    expect((await scene.store.destinations())[0]).toMatchObject({ circuit: 'open', circuit_failures: 1 });
    await scene.store.halfOpen('store');
    // One is still under way from before.
    expect(await scene.claim()).toEqual([]);
    await scene.settle(b!, DONE);
    // Sent before the circuit opened, it says nothing about the time after.
    expect((await scene.store.destinations())[0]).toMatchObject({ circuit: 'half_open' });
    const trial = await scene.next();
    expect(await scene.claim()).toEqual([]);
    await scene.settle(trial, DONE);
    expect((await scene.store.destinations())[0]).toMatchObject({ circuit: 'closed', failing_since_ms: null });
    expect(await scene.claim()).toHaveLength(1);
  });

  test('what was not sent says nothing about the destination', async () => {
    await start();
    await scene.change('a', 'b');
    const [a] = await scene.claim({ limit: 1 });
    await scene.settle(a!, deferredKey({ due_ms: NOW + 1 }));
    await scene.store.halfOpen('store');
    await scene.settle(await scene.next(), { kind: 'done', sent: false, bytes: 0 });
    expect((await scene.store.destinations())[0]).toMatchObject({ circuit: 'half_open', last_success_ms: null });
    expect(await scene.store.counters()).toMatchObject({ keys_unchanged: { store: 1 } });
    expect(await scene.store.counters()).not.toHaveProperty('items_accepted');
  });

  test('a group refused whole is held: one key tries, the others wait, and nothing is dead-lettered', async () => {
    await start();
    for (const key of ['a1', 'a2', 'a3', 'b1']) await scene.touch(key, { group: key[0]! });
    const tasks = await scene.claim({ limit: 2 });
    const forbidden = { kind: 'group_held' as const, until_ms: NOW + 100, refusal: { ...REFUSAL, class: 'forbidden' } };
    for (const task of tasks) await scene.settle(task, forbidden);
    expect(await scene.claimKeys()).toEqual(['b1']);
    expect(await scene.store.keyed.nextDue('store', NOW)).toBe(NOW + 100);
    const held = { group: 'a', class: 'forbidden', since_ms: NOW, message: REFUSAL.message, waiting: 3 };
    expect(await scene.progress()).toMatchObject({ waiting: 4, failing: 0, held_groups: [held] });
    scene.now_ms = NOW + 100;
    const trial = await scene.next();
    // Both refusals came from one burst.
    expect(trial).toMatchObject({ group: 'a', holds: 1 });
    expect(await scene.claim()).toEqual([]);
    await scene.settle(trial, { ...forbidden, until_ms: NOW + 300 });
    expect(await scene.claim()).toEqual([]);
    scene.now_ms = NOW + 300;
    const again = await scene.next();
    expect(again.holds).toBe(2);
    await scene.settle(again, DONE);
    expect((await scene.claimKeys()).sort()).toHaveLength(2);
    expect(await scene.progress()).toMatchObject({ held_groups: [] });
    expect(await scene.store.deadLetters({})).toEqual([]);
  });

  test('a key that leaves a held group goes on with its new one', async () => {
    await start();
    for (const key of ['a1', 'a2']) await scene.touch(key, { group: 'a' });
    const [one] = await scene.claim({ limit: 1 });
    await scene.settle(one!, { kind: 'group_held', until_ms: NOW + 100, refusal: REFUSAL });
    expect(await scene.claim()).toEqual([]);
    await scene.touch('a2');
    expect(await scene.claim()).toEqual([]);
    await scene.touch('a2', { group: 'b' });
    expect(await scene.claimKeys()).toEqual(['a2']);
  });

  test('a held group of thousands is parked and brought back in bounded steps, and delays no other', async () => {
    await start();
    const many = Array.from({ length: 2500 }, (_, i) => `a${i}`);
    const { partition_id } = scene.partition;
    for (let from = 0; from < many.length; from += 1000)
      await scene.store.keyed.touch(
        many.slice(from, from + 1000).map((key) => ({ partition_id, key, group: 'a' })),
        NOW,
      );
    await scene.touch('b', { group: 'b' });
    const [one] = await scene.claim({ limit: 1 });
    await scene.settle(one!, { kind: 'group_held', until_ms: NOW + 100, refusal: REFUSAL });
    expect(await scene.claimKeys()).toEqual(['b']);
    scene.now_ms = NOW + 100;
    await scene.settle(await scene.next(), DONE);
    const claimed = new Set<string>();
    for (let claims = 0; claimed.size < 2499 && claims < 20; claims++)
      for (const key of await scene.claimKeys({ limit: 1000 })) claimed.add(key);
    expect(claimed.size).toBe(2499);
  });

  test('a refused key becomes a dead letter when its attempts are used up and a neighbour was accepted since', async () => {
    await start();
    for (const key of ['bad', 'good']) await scene.touch(key, { group: 'a' });
    await scene.touch('far', { group: 'b' });
    const tasks = new Map((await scene.claim()).map((task) => [task.key, task]));
    const [bad, far, good] = ['bad', 'far', 'good'].map((key) => tasks.get(key));
    await scene.settle(far!, DONE);
    // The last attempt, but nothing of its group has passed: another group says nothing about it.
    expect(await scene.settle(bad!, refusedKey({ group_until_ms: NOW + 10 }))).toMatchObject({ dead_letter: false });
    expect(await scene.progress()).toMatchObject({ failing: 1, held_groups: [{ group: 'a' }] });
    await scene.settle(good!, DONE);
    expect(await scene.progress()).toMatchObject({ held_groups: [] });
    const again = await scene.next();
    expect(again).toMatchObject({ key: 'bad', attempts: 1 });
    expect(await scene.settle(again, refusedKey({ most_attempts: 2 }))).toMatchObject({ dead_letter: true });
    expect(await scene.store.deadLetters({})).toMatchObject([
      {
        key: 'bad',
        destination_id: 'store',
        stream: KEYED_STREAM,
        code: 'bad',
        field: 'n',
        attempts: 2,
        payload: null,
        state: 'open',
      },
    ]);
  });

  test('what was accepted before a key was first refused is no evidence against it', async () => {
    await start();
    await scene.change('good');
    await scene.settle(await scene.next(), DONE);
    await scene.change('bad');
    for (let i = 0; i < 3; i++)
      expect(await scene.settle(await scene.next(), refusedKey())).toMatchObject({ dead_letter: false });
  });

  test('a suspicious failure is remembered with what the destination accepted since', async () => {
    await start();
    await scene.change('a', 'b');
    const [a, b] = await scene.claim();
    await scene.settle(a!, deferredKey({ suspicious: true, due_ms: NOW, until_ms: NOW }));
    await scene.store.halfOpen('store');
    await scene.settle(b!, DONE);
    const second = await scene.next();
    expect(second).toMatchObject({ key: 'a', attempts: 0, failures: 1, destination_accepted_since: true });
    await scene.settle(second, deferredKey({ suspicious: true, due_ms: NOW, until_ms: NOW }));
    await scene.store.halfOpen('store');
    expect(await scene.next()).toMatchObject({ failures: 2, destination_accepted_since: false });
  });

  test('what was settled with something newer since begins with fresh attempts', async () => {
    await start();
    await scene.change('a');
    await scene.settle(await scene.next(), refusedKey({ most_attempts: 9 }));
    const task = await scene.next();
    await scene.change('a');
    await scene.settle(task, DONE);
    expect(await scene.next()).toMatchObject({ attempts: 0 });
  });

  test('a new destination is told all known keys in steps that survive a crash', async () => {
    await start();
    await scene.destination('late');
    expect(await scene.backfill('late')).toBe('');
    const { partition_id } = scene.partition;
    const touches = (from: number, to: number): { partition_id: number; key: string }[] =>
      Array.from({ length: to - from }, (_, i) => ({ partition_id, key: `k${from + i}` }));
    const step = { destination_id: 'late', now_ms: NOW };
    await scene.store.keyed.enqueueAll({ ...step, touches: touches(0, 1000), from: '', to: '1000' });
    await scene.sut.reopen();
    expect(await scene.backfill('late')).toBe('1000');
    await expect(
      scene.store.keyed.enqueueAll({ ...step, touches: touches(0, 10), from: '', to: '10' }),
    ).rejects.toMatchObject({ code: 'backfill.moved' });
    await scene.store.keyed.enqueueAll({ ...step, touches: touches(1000, 1500), from: '1000', to: null });
    expect(await scene.backfill('late')).toBeNull();
    expect(await scene.progress('late')).toMatchObject({ waiting: 1500 });
    expect(await scene.progress('store')).toMatchObject({ waiting: 0 });
    expect(await scene.claim({ destination_id: 'late', limit: 1 })).toMatchObject([{ priority: PRIORITY.backfill }]);
    await expect(scene.store.keyed.touch(touches(0, 1001), NOW)).rejects.toThrow(InvariantError);
  });

  test('a destination that came back needs a backfill; one that begins at the latest none', async () => {
    await start();
    await scene.change('a');
    await scene.store.keyed.enqueueAll({ destination_id: 'store', touches: [], from: '', to: null, now_ms: NOW });
    await scene.store.changeDestination('store', 'remove', null);
    await scene.change('b');
    await scene.store.retain({ before_ms: 0, target_bytes: null, now_ms: NOW });
    await scene.destination('store');
    expect(await scene.backfill()).toBe('');
    expect(await scene.claimKeys()).toEqual([]);
    const spec = {
      destination_id: 'new',
      stream: KEYED_STREAM,
      delivery: 'keyed',
      required: true,
      start: 'latest',
    } as const;
    await scene.store.configureDestination(spec, NOW);
    expect(await scene.backfill('new')).toBeNull();
  });

  test('a walk that is begun anew starts at the first key; tasks and a pause stay', async () => {
    await start();
    await scene.change('a');
    const step = { destination_id: 'store', touches: [], now_ms: NOW };
    await scene.store.keyed.enqueueAll({ ...step, from: '', to: 'k5' });
    await scene.store.changeDestination('store', 'pause', null);
    await scene.store.keyed.beginBackfill('store');
    await scene.sut.reopen();
    expect(await scene.backfill()).toBe('');
    await expect(scene.store.keyed.enqueueAll({ ...step, from: 'k5', to: null })).rejects.toMatchObject({
      code: 'backfill.moved',
    });
    expect(await scene.progress()).toMatchObject({ waiting: 1 });
    expect((await scene.store.destinations()).map(({ state }) => state)).toContain('paused');
  });

  test('a partition that was not decided on raises tasks that wait; one declined withdraws them in bounded steps', async () => {
    await start();
    const other = await scene.openPartition('epoch 2');
    const keys = Array.from({ length: 1500 }, (_, i) => ({ partition_id: other.partition_id, key: `k${i}` }));
    await scene.store.keyed.touch(keys.slice(0, 1000), NOW);
    await scene.store.keyed.touch(keys.slice(1000), NOW);
    await scene.change('mine');
    expect(await scene.claimKeys()).toEqual(['mine']);
    const decide = (accepts: boolean): Promise<unknown> =>
      scene.store.keyed.decide('store', ({ name }) => accepts || name === 'epoch 1');
    expect(await decide(false)).toEqual({ withdrawn: 1000, more: true });
    expect(await decide(false)).toEqual({ withdrawn: 500, more: false });
    await scene.store.keyed.touch(keys.slice(0, 5), NOW);
    expect(await scene.progress()).toMatchObject({ waiting: 1, claimed: 1 });
    // Taken again: what changed meanwhile is to be named once more.
    await scene.store.keyed.enqueueAll({ destination_id: 'store', touches: [], from: '', to: null, now_ms: NOW });
    await decide(true);
    expect(await scene.backfill()).toBe('');
  });

  test('a claimed key of a partition that is declined meanwhile is settled, and goes then', async () => {
    await start();
    await scene.change('a');
    const task = await scene.next();
    await scene.change('a');
    const decline = (): Promise<unknown> => scene.store.keyed.decide('store', () => false);
    expect(await decline()).toMatchObject({ withdrawn: 0 });
    expect((await scene.settle(task, { ...DONE, writes: [scene.link(0, 1)] })).outcome).toBe('settled');
    expect(await scene.claim()).toEqual([]);
    expect(await decline()).toMatchObject({ withdrawn: 1 });
  });

  test('a stream is consumed in one way, and its entries say so', async () => {
    await start();
    const wrong = scene.store.openPartition({ stream: KEYED_STREAM, name: 'ordered', header: {} });
    await expect(wrong).rejects.toThrow(InvariantError);
    const spec = { destination_id: 'x', stream: KEYED_STREAM, required: true, start: 'earliest' } as const;
    await expect(scene.store.configureDestination(spec, NOW)).rejects.toThrow(InvariantError);
    const ordered = await scene.store.openPartition({ stream: STREAM, name: 'events', header: {} });
    const { key: _, ...keyless } = scene.entry('a');
    await expect(scene.add([keyless])).rejects.toThrow(InvariantError);
    await expect(scene.add([scene.entry('a', { partition_id: ordered.partition_id })])).rejects.toThrow(InvariantError);
    await expect(scene.touch('a', { partition_id: ordered.partition_id })).rejects.toThrow(InvariantError);
  });

  test('the entries of a key are read in order after an offset', async () => {
    await start();
    await scene.add(['a', 'b', 'a', 'a'].map((key, i) => scene.entry(key, { payload: `${key}${i}` })));
    const read = await scene.store.keyed.entriesOf('a', scene.partition.partition_id, 1, 10);
    expect(read.map(({ offset, payload }) => [offset, payload])).toEqual([
      [3, 'a2'],
      [4, 'a3'],
    ]);
    expect(await scene.store.keyed.entriesOf('a', scene.partition.partition_id, 0, 1)).toMatchObject([{ offset: 1 }]);
  });

  test('progress says what waits, since when, and what is under way', async () => {
    await start();
    await scene.touch('old');
    scene.now_ms = NOW + 50;
    await scene.change('new', 'old');
    await scene.settle((await scene.claim({ limit: 1 }))[0]!, refusedKey({ due_ms: NOW + 99, most_attempts: 9 }));
    await scene.next();
    expect(await scene.progress()).toEqual({
      destination_id: 'store',
      waiting: 2,
      oldest_waiting_ms: NOW,
      claimed: 1,
      failing: 1,
      held_keys: 0,
      held_groups: [],
    });
  });
}

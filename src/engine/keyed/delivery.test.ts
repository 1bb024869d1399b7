import { describe, expect, test } from 'vitest';
import { KeyedRig } from '../../../test/support/keyed-rig.ts';
import { StaleError } from '../../platform/errors.ts';
import type { PassResult } from '../pass.ts';
import type { KeyedOutcome } from './destination.ts';

const never = new AbortController().signal;
const names = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${i}`);

describe('what is sent', () => {
  test('five changes of a key are sent once, in their newest version', async () => {
    const rig = await KeyedRig.open();
    for (let i = 0; i < 5; i++) await rig.change('a', 'b');
    await rig.drain();
    expect(rig.sent).toEqual(['a', 'b']);
    expect([...rig.there]).toEqual([
      ['a', 5],
      ['b', 5],
    ]);
  });

  test('a change during the request is sent after it; a key is under way once at a time', async () => {
    const rig = await KeyedRig.open();
    rig.answer = async ({ key }) => {
      if (rig.versions.get(key)! < 4) await rig.change(key);
      await rig.time.sleep(100);
      return { status: 200 };
    };
    await rig.change('a');
    await rig.drain();
    expect(rig.there.get('a')).toBe(4);
    expect(rig.sent).toHaveLength(4);
    expect(rig.most_at_once).toBe(1);
  });

  test('keys go several at once, never more than allowed', async () => {
    const rig = await KeyedRig.open();
    rig.answer = () => rig.time.sleep(100).then(() => ({ status: 200 }));
    await rig.change(...names(40));
    await rig.drain();
    expect(rig.most_at_once).toBe(4);
    expect(rig.there.size).toBe(40);
  });

  test('a destination that takes several keys gets them together', async () => {
    const rig = await KeyedRig.open({ most_keys: 10, delivery: { concurrency: 1 } });
    rig.answer = ({ key }) => (key === 'k3' ? { status: 503 } : { status: 200 });
    await rig.change(...names(10));
    const result = await rig.delivery().pass(never);
    expect(result).toMatchObject({ accepted_items: 9, idle: null });
    expect(rig.most_at_once).toBe(10);
    expect(await rig.progress()).toMatchObject({ waiting: 1, claimed: 0 });
  });

  test('keys that are sent together, each by itself, fail each by itself', async () => {
    const rig = await KeyedRig.open({ most_keys: 10, in_one_call: false, delivery: { concurrency: 1 } });
    rig.answer = async ({ key }) => {
      await Promise.resolve();
      if (key === 'k3') throw new TypeError('a defect');
      return { status: 200 };
    };
    await rig.change(...names(10));
    const result = await rig.delivery().pass(never);
    expect(result).toMatchObject({ accepted_items: 9, idle: null });
    expect(rig.most_at_once).toBe(10);
    expect(await rig.progress()).toMatchObject({ waiting: 1, claimed: 0 });
  });

  test('what waits for its time is sent then, and not before', async () => {
    let until_ms = Infinity;
    const rig = await KeyedRig.open({
      send: async (): Promise<KeyedOutcome> =>
        rig.time.now_ms() < until_ms ? { kind: 'later', until_ms } : { kind: 'done' },
    });
    until_ms = rig.time.now_ms() + 900_000;
    await rig.change('a');
    const start_ms = rig.time.monotonic_ms();
    await rig.drain();
    expect(rig.time.monotonic_ms() - start_ms).toBe(900_000);
    expect(await rig.letters()).toEqual([]);
  });
});

describe('what a failure concerns', () => {
  test.each([
    ['401', { status: 401 }],
    ['429', { status: 429, retry_after: '60' }],
    ['503', { status: 503 }],
    ['DNS', { status: null, reason: 'dns', message: 'no such host' }],
    ['a refused connection', { status: null, reason: 'refused', message: 'refused' }],
  ] as const)('half-open sends one: %s opens the circuit, counts no attempt, loses nothing', async (_, reply) => {
    const rig = await KeyedRig.open({ answer: () => reply });
    await rig.change(...names(50));
    const delivery = rig.delivery();
    await delivery.pass(never);
    expect(rig.sent.length).toBeLessThanOrEqual(4);
    expect(await rig.row()).toMatchObject({ circuit: 'open' });
    for (let i = 0; i < 3; i++) {
      const before = rig.sent.length;
      expect(await delivery.pass(never)).toMatchObject({ idle: 'circuit' });
      await rig.time.pass((await rig.row()).circuit_until_ms - rig.time.now_ms());
      await delivery.pass(never);
      expect(rig.sent.length).toBe(before + 1);
    }
    rig.answer = () => ({ status: 200 });
    await rig.drain();
    expect(rig.there.size).toBe(50);
    expect(await rig.letters()).toEqual([]);
  });

  test('a throttled destination is left alone for as long as it asked', async () => {
    const rig = await KeyedRig.open({ answer: () => ({ status: 429, retry_after: '600' }) });
    await rig.change('a');
    const delivery = rig.delivery();
    await delivery.pass(never);
    const { next_due_ms } = await delivery.pass(never);
    expect(next_due_ms! - rig.time.now_ms()).toBeGreaterThanOrEqual(600_000);
  });

  test('a forbidden group waits, visible, with nothing counted; the others go on; then it is taken', async () => {
    const rig = await KeyedRig.open();
    rig.answer = ({ group }) => (group === 'secret' ? { status: 403 } : { status: 200 });
    await rig.change(...names(20).map((key) => `secret:${key}`), ...names(20));
    const stop = new AbortController();
    const running = rig.delivery().run(stop.signal, rig.wakeup);
    await rig.time.until(() => rig.there.size === 20);
    await rig.time.pass(3_600_000);
    expect(await rig.progress()).toMatchObject({
      waiting: 20,
      failing: 0,
      held_groups: [{ group: 'secret', class: 'forbidden', waiting: 20 }],
    });
    // One key after each back-off of at most five minutes, after the burst at the beginning.
    expect(rig.sent.length).toBeLessThan(20 + 4 + 60);
    rig.answer = () => ({ status: 200 });
    await rig.time.until(() => rig.there.size === 40, 600_000);
    stop.abort();
    await running;
    expect(await rig.letters()).toEqual([]);
  });

  test('a key that is refused among good ones becomes a dead letter that holds it', async () => {
    const rig = await KeyedRig.open();
    rig.answer = ({ key }) => (key === 'bad' ? { status: 422, code: 'invalid' } : { status: 200 });
    await rig.change('bad', ...names(10));
    const stop = new AbortController();
    const running = rig.delivery().run(stop.signal, rig.wakeup);
    await rig.time.until(() => rig.there.size === 10);
    // A neighbour that passes after the first refusal.
    await rig.change('k0');
    await rig.time.until(async () => (await rig.letters()).length === 1);
    await rig.change('bad');
    await rig.time.pass(3_600_000);
    stop.abort();
    await running;
    expect(await rig.letters()).toMatchObject([{ key: 'bad', code: 'invalid', attempts: 5, state: 'open' }]);
    expect(rig.sent.filter((key) => key === 'bad')).toHaveLength(5);
    expect(await rig.progress()).toMatchObject({ waiting: 0, held_keys: 1 });
  });

  test('a destination that refuses every key of a kind gets no dead letter', async () => {
    const rig = await KeyedRig.open({ answer: () => ({ status: 400 }) });
    await rig.change(...names(30));
    const stop = new AbortController();
    const running = rig.delivery().run(stop.signal, rig.wakeup);
    await rig.time.pass(86_400_000);
    stop.abort();
    await running;
    expect(await rig.letters()).toEqual([]);
    expect(await rig.progress()).toMatchObject({ waiting: 30, held_groups: [{ class: 'refused' }] });
    rig.answer = () => ({ status: 200 });
    await rig.drain();
    expect(rig.there.size).toBe(30);
  });

  test.each([true, false])('a key that crashes the destination delays nobody for long (probe: %s)', async (probes) => {
    const rig = await KeyedRig.open(probes ? { probe: async () => true } : {});
    rig.answer = ({ key }) => (key === 'crashes' ? { status: 500 } : { status: 200 });
    await rig.change('crashes', ...names(20));
    const stop = new AbortController();
    const running = rig.delivery().run(stop.signal, rig.wakeup);
    await rig.time.until(() => rig.there.size === 20, 60_000);
    for (let i = 0; i < 60 && (await rig.letters()).length === 0; i++) {
      await rig.change('k0');
      await rig.time.pass(600_000);
    }
    stop.abort();
    await running;
    expect(await rig.letters()).toMatchObject([{ key: 'crashes', class: 'refused', attempts: 8 }]);
    expect(await rig.progress()).toMatchObject({ waiting: 0, held_keys: 1 });
  });

  test('a key too large by itself is a dead letter at once', async () => {
    const rig = await KeyedRig.open({ answer: () => ({ status: 413 }) });
    await rig.change('a');
    await rig.drain();
    expect(rig.sent).toEqual(['a']);
    expect(await rig.letters()).toMatchObject([{ key: 'a', class: 'size' }]);
  });

  test('what a sender throws is an attempt at the key alone, is reported, and shows no text of a stranger', async () => {
    const reported: unknown[] = [];
    const secret = new Error('cannot open /home/ada/secret.jsonl');
    const rig = await KeyedRig.open({ delivery: { report: (error) => reported.push(error) } });
    rig.answer = ({ key }) => {
      if (key === 'throws') throw secret;
      return { status: 200 };
    };
    await rig.change('throws', 'a');
    const stop = new AbortController();
    const running = rig.delivery().run(stop.signal, rig.wakeup);
    for (let i = 0; i < 20 && (await rig.letters()).length === 0; i++) {
      await rig.change('a');
      await rig.time.pass(60_000);
    }
    stop.abort();
    await running;
    expect(await rig.row()).toMatchObject({ circuit: 'closed', last_error: null });
    expect(new Set(reported)).toEqual(new Set([secret]));
    const [letter] = await rig.letters();
    expect(letter).toMatchObject({ key: 'throws', class: 'failed', code: 'exception' });
    expect(letter!.message).not.toContain('ada');
  });

  test('a link that moved meanwhile is read again', async () => {
    let tries = 0;
    const nothing = { sql: 'UPDATE source SET holes = 1 WHERE source_id < 0', parameters: [], expect_rows: 1 };
    const rig = await KeyedRig.open({
      send: async (task, context): Promise<KeyedOutcome> => {
        if (++tries === 1) return { kind: 'done', writes: [nothing] };
        if (tries === 2) await context.proceed(task, [nothing]);
        if (tries === 3) throw new StaleError('stale', 'moved');
        return { kind: 'done' };
      },
    });
    await rig.change('a');
    await rig.drain();
    expect(tries).toBe(4);
    expect(await rig.letters()).toEqual([]);
    expect(await rig.store.counters()).toMatchObject({ items_accepted: { store: 1 } });
  });
});

describe('stop, time and crashes', () => {
  test('nothing leaves after pause returned, also of what was claimed before', async () => {
    const rig = await KeyedRig.open({ delivery: { concurrency: 2 } });
    rig.answer = async () => {
      if (rig.sent.length === 1) await rig.store.changeDestination('store', 'pause', null);
      return { status: 200 };
    };
    await rig.change(...names(20));
    const delivery = rig.delivery();
    await delivery.pass(never);
    const sent = rig.sent.length;
    // The other worker may have been past its question when the pause came.
    expect(sent).toBeLessThanOrEqual(2);
    expect(await delivery.pass(never)).toMatchObject({ idle: 'paused', next_due_ms: null });
    expect(rig.sent).toHaveLength(sent);
    await rig.store.changeDestination('store', 'resume', null);
    await rig.drain();
    expect(rig.there.size).toBe(20);
  });

  test('an attempt ends before its lease does, and is a failure without an answer', async () => {
    const rig = await KeyedRig.open({ delivery: { timeout_ms: 10_000 } });
    rig.answer = async (_, { signal }) => {
      await rig.time.sleep(Infinity, signal);
      return { status: null, reason: 'aborted', message: 'aborted' };
    };
    await rig.change('a');
    const pass = rig.delivery().pass(never);
    const start_ms = rig.time.monotonic_ms();
    await rig.time.until(async () => (await rig.row()).circuit === 'open', 60_000);
    expect(rig.time.monotonic_ms() - start_ms).toBe(10_000);
    await pass;
    expect((await rig.row()).last_error).toMatchObject({ code: 'timeout' });
    expect(await rig.progress()).toMatchObject({ waiting: 1, claimed: 0 });
  });

  test('a stop in the middle puts the key back and counts nothing', async () => {
    const rig = await KeyedRig.open();
    rig.answer = async (_, { signal }) => {
      await rig.time.sleep(Infinity, signal);
      return { status: null, reason: 'aborted', message: 'aborted' };
    };
    await rig.change('a');
    const stop = new AbortController();
    const running = rig.delivery().run(stop.signal, rig.wakeup);
    await rig.time.until(() => rig.sent.length === 1);
    stop.abort();
    await running;
    expect(await rig.row()).toMatchObject({ circuit: 'closed' });
    expect(await rig.progress()).toMatchObject({ waiting: 1, claimed: 0, failing: 0 });
  });

  test('two passes at once are two after each other: a half-open circuit still lets one request through', async () => {
    const rig = await KeyedRig.open({ answer: () => ({ status: 503 }) });
    await rig.change(...names(10));
    const delivery = rig.delivery();
    await delivery.pass(never);
    await rig.time.pass(3_600_000);
    rig.sent.length = 0;
    rig.answer = () => rig.time.sleep(1000).then(() => ({ status: 503 }));
    const both = Promise.all([delivery.pass(never), delivery.pass(never)]);
    let over = false;
    void both.then(() => (over = true));
    await rig.time.until(() => over);
    expect(rig.sent).toHaveLength(1);
    expect((await both)[1]).toMatchObject({ idle: 'circuit' });
  });

  test('two passes at once send no key twice, and each counts its own', async () => {
    const rig = await KeyedRig.open();
    rig.answer = () => rig.time.sleep(10).then(() => ({ status: 200 }));
    await rig.change(...names(30));
    const delivery = rig.delivery();
    const both = Promise.all([delivery.pass(never), delivery.pass(never)]);
    let results: PassResult[] | undefined;
    void both.then((done) => (results = done));
    await rig.time.until(() => results !== undefined);
    expect(rig.sent).toHaveLength(30);
    expect(results!.map(({ accepted_items }) => accepted_items)).toEqual([30, 0]);
  });

  test('who waits for another pass and is stopped does not wait for its end', async () => {
    const rig = await KeyedRig.open();
    let end = (): void => undefined;
    rig.answer = () => new Promise((resolve) => (end = () => resolve({ status: 200 })));
    await rig.change('a');
    const delivery = rig.delivery();
    const first = delivery.pass(never);
    const stop = new AbortController();
    const second = delivery.pass(stop.signal);
    await rig.time.settle();
    stop.abort();
    expect(await second).toMatchObject({ accepted_items: 0 });
    end();
    expect(await first).toMatchObject({ accepted_items: 1 });
    // The one that gave up left no hole in the line.
    await rig.change('b');
    const third = delivery.pass(never);
    await rig.time.settle();
    end();
    expect(await third).toMatchObject({ accepted_items: 1 });
  });

  test('what a pass that failed left claimed is taken up by the next', async () => {
    const rig = await KeyedRig.open();
    await rig.change('a');
    const delivery = rig.delivery();
    const settle = rig.store.keyed.settle.bind(rig.store.keyed);
    rig.store.keyed.settle = () => Promise.reject(new Error('the disk is full'));
    await expect(delivery.pass(never)).rejects.toThrow('the disk is full');
    expect(await rig.progress()).toMatchObject({ claimed: 1 });
    rig.store.keyed.settle = settle;
    rig.there.clear();
    await rig.drain();
    expect(rig.there.get('a')).toBe(1);
  });

  test('what others claimed and is due makes no hot loop', async () => {
    const rig = await KeyedRig.open();
    await rig.change('a:1', 'a:2');
    await rig.store.keyed.decide('store', () => true);
    const claim = { destination_id: 'store', limit: 1, owner: 'another', lease_ms: 60_000 };
    const [task] = await rig.store.keyed.claim({ ...claim, now_ms: rig.time.now_ms() });
    await rig.store.halfOpen('store');
    const now_ms = rig.time.now_ms();
    const refusal = { class: 'unavailable', code: 'x', message: 'x' };
    const { destination_id, key, fence } = task!;
    const ending = { kind: 'deferred', until_ms: now_ms, due_ms: now_ms, suspicious: false, refusal } as const;
    await rig.store.keyed.settle([{ destination_id, key, fence, now_ms, ...ending }]);
    await rig.store.halfOpen('store');
    await rig.store.keyed.claim({ ...claim, now_ms });
    // Half open, and the one request is another's.
    const { next_due_ms, idle } = await rig.delivery().pass(never);
    expect(idle).toBe('empty');
    expect(next_due_ms!).toBeGreaterThan(rig.time.now_ms());
  });
});

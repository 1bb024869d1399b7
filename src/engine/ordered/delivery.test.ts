import { afterEach, describe, expect, test } from 'vitest';
import { DeliveryRig, type RigOptions } from '../../../test/support/delivery-rig.ts';
import { seededRandom } from '../../platform/random.ts';
import type { Reply } from './destination.ts';

const OK: Reply = { status: 202 };
let rig: DeliveryRig;
const open = async (options: RigOptions): Promise<DeliveryRig> => (rig = await DeliveryRig.open(options));
afterEach(async () => {
  await rig.stop();
  expect(await rig.store.verify()).toEqual([]);
  expect(rig.destination.reused_keys).toEqual([]);
});

/** Appends in the middle of a run, as a source does. */
async function add(partition: string, count: number): Promise<number[]> {
  const ids = await rig.append(partition, count);
  rig.wakeup.notify();
  return ids;
}

describe('a destination that is well', () => {
  test('gets every item once, in order, in batches within its limits', async () => {
    await open({ answer: () => OK, limits: { max_items: 10 } });
    const ids = await rig.append('a', 95);
    await rig.drain();
    expect(rig.destination.delivered).toEqual(ids);
    expect(rig.destination.requests.map(({ ids }) => ids.length)).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 5]);
    expect(await rig.store.counters()).toMatchObject({ items_accepted: { team: 95 }, batches_accepted: { team: 10 } });
  });

  test('is told at once of new entries, and looks by itself when nobody tells', async () => {
    await open({ answer: () => OK });
    rig.start();
    await rig.append('a', 1);
    rig.wakeup.notify();
    await rig.time.settle();
    expect(rig.destination.delivered).toEqual([1]);
    await rig.append('a', 1);
    await rig.time.until(() => rig.destination.delivered.length === 2, 60_000);
  });

  test('while more is about to come it gets full batches, and the rest at the next look', async () => {
    await open({ answer: () => OK, limits: { max_items: 10 } });
    rig.start();
    await rig.time.settle();
    await rig.append('a', 25);
    await rig.append('b', 9);
    rig.wakeup.notify('full_batches');
    await rig.time.settle();
    expect(rig.destination.requests.map(({ ids }) => ids.length)).toEqual([10, 10]);
    await rig.time.until(() => rig.destination.delivered.length === 34, 60_000);
  });

  test('409 settles like 202: it had the batch already', async () => {
    await open({ answer: () => ({ status: 409 }) });
    await rig.append('a', 3);
    await rig.drain();
    expect(rig.destination.requests).toHaveLength(1);
  });

  test('has no more in flight than partitions at a time times the window', async () => {
    const slow = async (): Promise<Reply> => {
      await rig.time.sleep(1000);
      return OK;
    };
    await open({ answer: slow, window: 4, concurrency: 3, limits: { max_items: 5 } });
    for (const name of ['a', 'b', 'c', 'd', 'e']) await rig.append(name, 60);
    await rig.drain();
    expect(rig.destination.most_in_flight).toBe(12);
    expect(rig.destination.delivered).toHaveLength(300);
  });

  test('never gets a partition that it does not take', async () => {
    await open({ answer: () => OK, accepts: ({ name }) => name !== 'private' });
    await rig.append('private', 5);
    await rig.append('shared', 5);
    await rig.drain();
    expect(rig.destination.requests.map(({ partition }) => partition)).toEqual(['shared']);
  });

  test('gets nothing of what was erased, and no request when all of it was', async () => {
    await open({ answer: () => OK, limits: { max_items: 4 } });
    await rig.append('a', 4, 'erased');
    await rig.append('a', 2, 'erased');
    await rig.append('a', 2, 'kept');
    await rig.store.erase('erased', 0);
    await rig.drain();
    expect(rig.destination.requests.map(({ ids }) => ids)).toEqual([[7, 8]]);
    expect((await rig.store.counters()).items_accepted).toEqual({ team: 2 });
  });
});

describe('scope destination', () => {
  const outages: [string, Reply][] = [
    ['401', { status: 401 }],
    ['429', { status: 429 }],
    ['503', { status: 503 }],
    ['507', { status: 507 }],
    ['a redirect', { status: 302 }],
    ['DNS', { status: null, reason: 'dns', message: '' }],
    ['TLS', { status: null, reason: 'tls', message: '' }],
    ['a refused connection', { status: null, reason: 'refused', message: '' }],
    ['a reset', { status: null, reason: 'reset', message: '' }],
    ['a time-out', { status: null, reason: 'timeout', message: '' }],
  ];
  test.each(outages)(
    'half-open sends one: %s opens the circuit, counts no attempt, loses nothing',
    async (_, outage) => {
      let well = false;
      await open({ answer: () => (well ? OK : outage), concurrency: 2, limits: { max_items: 5 }, window: 2 });
      for (const name of ['a', 'b', 'c', 'd', 'e']) await rig.append(name, 20);
      rig.start();
      await rig.time.settle();
      // What was under way when it opened: two partitions with two batches each; then one at a time.
      const first = rig.destination.requests.length;
      expect(first).toBeLessThanOrEqual(4);
      expect((await rig.store.destinations())[0]).toMatchObject({ circuit: 'open', circuit_failures: 1 });
      await rig.time.pass(3_600_000);
      const later = rig.destination.requests.slice(first).map(({ at_ms }) => at_ms);
      expect(new Set(later).size).toBe(later.length);
      // At the cap of 5 minutes with full jitter an hour sees some 25 tries.
      expect(later.length).toBeGreaterThan(10);
      expect(later.length).toBeLessThan(60);
      well = true;
      await rig.time.until(async () => (await rig.waiting()) === 0);
      expect(rig.destination.delivered.sort((a, b) => a - b)).toEqual(Array.from({ length: 100 }, (__, i) => i + 1));
      expect(await rig.store.deadLetters({})).toEqual([]);
      expect((await rig.store.destinations())[0]).toMatchObject({ circuit: 'closed', circuit_failures: 0 });
    },
  );

  test.each([
    ['seconds', '120'],
    ['a date', ''],
  ])('Retry-After as %s is kept, a little late', async (_, header) => {
    let asked_at = 0;
    await open({
      answer: ({ at_ms }) => {
        if (asked_at > 0) return OK;
        asked_at = at_ms;
        return { status: 429, retry_after: header || new Date(at_ms + 120_000).toUTCString() };
      },
    });
    await rig.append('a', 1);
    await rig.append('b', 1);
    await rig.drain();
    const again = rig.destination.requests.find(({ at_ms }) => at_ms > asked_at)!.at_ms - asked_at;
    expect(again).toBeGreaterThanOrEqual(119_000);
    expect(again).toBeLessThanOrEqual(121_000);
  });

  test('a 200 that was under way does not undo a Retry-After', async () => {
    await open({
      answer: async ({ partition }) => {
        if (partition === 'throttled') return { status: 429, retry_after: '600' };
        await rig.time.sleep(10);
        return OK;
      },
      concurrency: 2,
    });
    await rig.append('throttled', 1);
    await rig.append('slow', 1);
    await rig.append('later', 1);
    rig.start();
    await rig.time.pass(500_000);
    expect(rig.destination.requests.map(({ partition }) => partition)).toEqual(['throttled', 'slow']);
  });

  test('a storm of 503 over well items makes no dead letter', async () => {
    for (let seed = 1; seed <= 5; seed++) {
      const chance = seededRandom(seed);
      await open({ seed, answer: () => (chance.unit() < 0.3 ? { status: 503 } : OK), limits: { max_items: 4 } });
      for (let i = 0; i < 30; i++) await rig.append(`p${i % 5}`, 3);
      await rig.drain();
      expect(rig.destination.delivered).toHaveLength(90);
      expect(await rig.store.deadLetters({})).toEqual([]);
    }
  });

  test('a due time far ahead, from before the clock stepped back, counts as due', async () => {
    let well = false;
    await open({ answer: () => (well ? OK : { status: 503 }) });
    await rig.append('a', 1);
    rig.start();
    await rig.time.settle();
    well = true;
    rig.time.step(-30 * 86_400_000);
    await rig.time.until(async () => (await rig.waiting()) === 0, 120_000);
  });

  test('an exception of the destination is an unanswered request, of its probe a no', async () => {
    let throws = 3;
    await open({
      answer: () => {
        if (throws-- > 0) throw new Error('defect');
        return OK;
      },
      probe: () => Promise.reject(new Error('defect')),
    });
    await rig.append('a', 1);
    await rig.drain();
    expect(rig.destination.delivered).toEqual([1]);
  });
});

describe('scope partition', () => {
  test.each([403, 404, 405, 415, 426])(
    '%i holds the partition, visibly, while the others go on; mended, it is delivered',
    async (status) => {
      let mended = false;
      await open({
        answer: ({ partition }) => (partition === 'a' && !mended ? { status, message: 'not this kind' } : OK),
        limits: { max_items: 10 },
      });
      await rig.append('a', 100);
      await rig.append('b', 100);
      rig.start();
      await rig.time.pass(3_600_000);
      const toA = rig.destination.requests.filter(({ partition }) => partition === 'a');
      expect(toA.length).toBeLessThan(60);
      expect(rig.destination.delivered).toHaveLength(100);
      const held = (await rig.store.progress()).find(({ partition }) => partition === 'a')!.held;
      expect(held).toMatchObject({ class: status === 403 ? 'forbidden' : 'unsupported', message: 'not this kind' });
      expect(await rig.store.deadLetters({})).toEqual([]);
      mended = true;
      await rig.time.until(async () => (await rig.waiting()) === 0);
      expect(rig.destination.delivered.slice(100)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1));
      expect((await rig.store.progress()).every((row) => row.held === null)).toBe(true);
    },
  );

  test.each([
    ['without indexes', (ids: number[]): Reply => ({ status: ids.length > 0 ? 400 : 202 })],
    [
      'with every index',
      (ids: number[]): Reply => ({
        status: 422,
        item_errors: ids.map((_, index) => ({ index, code: 'kind', message: 'unknown' })),
      }),
    ],
  ])(
    'a kind refused whole %s is held: bounded requests, no dead letter; mended, all is delivered in order',
    async (_, refuse) => {
      let mended = false;
      await open({ answer: ({ ids }) => (mended ? OK : refuse(ids)), limits: { max_items: 50 } });
      const ids = await rig.append('a', 200);
      rig.start();
      await rig.time.pass(3_600_000);
      // Answers take no time here, so what is sent between two back-offs has one time.
      const bursts = Map.groupBy(rig.destination.requests, ({ at_ms }) => at_ms);
      const largest = Math.max(...[...bursts.values()].map((burst) => burst.length));
      expect(largest).toBeLessThanOrEqual(2 * Math.ceil(Math.log2(50)) + 3);
      expect(bursts.size).toBeLessThan(60);
      expect(await rig.store.deadLetters({})).toEqual([]);
      expect(rig.destination.delivered).toEqual([]);
      mended = true;
      await rig.time.until(async () => (await rig.waiting()) === 0);
      expect(rig.destination.delivered).toEqual(ids);
      expect(await rig.store.deadLetters({})).toEqual([]);
    },
  );
});

describe('scope item and size', () => {
  test('a single bad item waits; a good neighbour that comes later condemns it', async () => {
    await open({ answer: ({ ids }) => (ids.includes(1) ? { status: 400, code: 'bad', message: 'no' } : OK) });
    await rig.append('a', 1);
    rig.start();
    await rig.time.pass(60_000);
    expect(await rig.store.deadLetters({})).toEqual([]);
    expect((await rig.store.progress())[0]).toMatchObject({ suspects: 1, held: { class: 'refused' } });
    await add('a', 1);
    await rig.time.until(async () => (await rig.waiting()) === 0);
    expect(await rig.store.deadLetters({})).toMatchObject([
      { offset: 1, class: 'refused', code: 'bad', message: 'no' },
    ]);
    expect(rig.destination.delivered).toEqual([2]);
  });

  test('named by index, the bad ones are cut out with one request for each good run', async () => {
    const bad = [3, 4, 50];
    await open({
      answer: ({ ids }) => {
        const item_errors = ids.flatMap((id, index) =>
          bad.includes(id) ? [{ index, code: 'bad', message: 'no', field: `f${id}` }] : [],
        );
        return item_errors.length > 0 ? { status: 400, item_errors } : OK;
      },
    });
    const ids = await rig.append('a', 100);
    await rig.drain();
    expect(rig.destination.delivered).toEqual(ids.filter((id) => !bad.includes(id)));
    expect(rig.destination.requests.map((request) => request.ids.length)).toEqual([100, 2, 45, 50]);
    expect((await rig.store.deadLetters({})).map(({ offset, field }) => [offset, field])).toEqual(
      bad.map((id) => [id, `f${id}`]),
    );
  });

  test('an index outside the body is not believed', async () => {
    await open({
      answer: ({ ids }) =>
        ids.includes(2) ? { status: 400, item_errors: [{ index: 99, code: 'x', message: '' }] } : OK,
    });
    await rig.append('a', 4);
    await rig.drain();
    expect(await rig.deadIds()).toEqual([2]);
    expect(rig.destination.delivered).toEqual([1, 3, 4]);
  });

  test('413 splits down to one item; only that one is a dead letter', async () => {
    await open({ answer: ({ ids }) => (ids.includes(77) || ids.length > 40 ? { status: 413 } : OK) });
    const ids = await rig.append('a', 100);
    await rig.drain();
    expect(rig.destination.delivered).toEqual(ids.filter((id) => id !== 77));
    expect(await rig.store.deadLetters({})).toMatchObject([{ offset: 77, class: 'size' }]);
  });

  test('limits stated with 413 are kept from then on', async () => {
    await open({
      answer: ({ ids }) => (ids.length > 10 ? { status: 413, limits: { max_items: 10 } } : OK),
      limits: { max_items: 40 },
    });
    await rig.append('a', 120);
    await rig.drain();
    expect(rig.destination.requests.filter(({ ids }) => ids.length > 10)).toHaveLength(3);
    expect(rig.destination.delivered).toHaveLength(120);
  });

  test('a spent key (422 idempotency_key_reused) is replaced, and the batch goes again', async () => {
    let spent = '';
    await open({
      answer: ({ batch_id }) => {
        spent ||= batch_id;
        return batch_id === spent ? { status: 422, code: 'idempotency_key_reused' } : OK;
      },
    });
    await rig.append('a', 3);
    await rig.drain();
    expect(rig.destination.requests.map(({ ids }) => ids)).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect((await rig.store.counters()).batches_renewed).toEqual({ team: 1 });
  });

  test('a retried dead letter goes under a new key; refused again it is open again', async () => {
    let mended = false;
    await open({ answer: ({ ids }) => (ids.includes(2) && !mended ? { status: 400 } : OK) });
    await rig.append('a', 3);
    await rig.drain();
    const [letter] = await rig.store.deadLetters({});
    for (mended of [false, true]) {
      expect(await rig.store.retryDeadLetter(letter!.dead_letter_id, `retry-${mended}`)).toBe('retried');
      await rig.drain();
      expect(await rig.deadIds({ state: 'open' })).toEqual(mended ? [] : [2]);
    }
    expect(rig.destination.delivered).toEqual([1, 3, 2]);
    expect(rig.destination.requests.at(-1)).toMatchObject({ batch_id: 'retry-true', ids: [2] });
  });

  test('an item that crashes the destination is set aside while other partitions go on', async () => {
    await open({ answer: ({ ids }) => (ids.includes(1) ? { status: null, reason: 'reset', message: 'gone' } : OK) });
    await rig.append('a', 1);
    rig.start();
    for (let i = 0; i < 30; i++) {
      await add('b', 1);
      await rig.time.pass(60_000);
    }
    await add('a', 2);
    await rig.time.until(async () => (await rig.waiting()) === 0);
    expect(await rig.store.deadLetters({})).toMatchObject([{ offset: 1, code: 'reset' }]);
    expect(rig.destination.delivered).toHaveLength(32);
  });
});

describe('stop, pause, crash', () => {
  test('a stop in the middle of a request ends at once; the next run sends it again under the same key', async () => {
    let hang = true;
    await open({
      answer: async (_, signal) => {
        if (!hang) return OK;
        await rig.time.sleep(3_600_000, signal);
        return { status: null, reason: 'aborted', message: '' };
      },
      window: 2,
      limits: { max_items: 2 },
    });
    await rig.append('a', 4);
    rig.start();
    await rig.time.settle();
    const before_ms = rig.time.monotonic_ms();
    await rig.stop();
    expect([rig.time.monotonic_ms(), rig.time.pending]).toEqual([before_ms, 0]);
    hang = false;
    await rig.drain();
    const keys = rig.destination.requests.map(({ batch_id }) => batch_id);
    expect(keys.slice(2)).toEqual(keys.slice(0, 2));
    expect(rig.destination.delivered).toEqual([1, 2, 3, 4]);
  });

  test('a stop in the middle of a back-off ends at once and leaves no timer', async () => {
    await open({ answer: () => ({ status: 503 }) });
    await rig.append('a', 1);
    rig.start();
    await rig.time.settle();
    expect(rig.time.pending).toBe(1);
    await rig.stop();
    expect([rig.time.monotonic_ms(), rig.time.pending]).toEqual([0, 0]);
  });

  test('after pause returned no request leaves, though a thousand wait; resumed, they go', async () => {
    await open({
      answer: async ({ ids }) => {
        if (ids.includes(9)) await rig.store.changeDestination('team', 'pause', null);
        return OK;
      },
      limits: { max_items: 1 },
      concurrency: 1,
    });
    await rig.append('a', 500);
    await rig.append('b', 500);
    rig.start();
    await rig.time.pass(3_600_000);
    expect(rig.destination.requests).toHaveLength(9);
    await rig.store.changeDestination('team', 'resume', null);
    rig.wakeup.notify();
    rig.destination.answer = () => OK;
    await rig.time.until(async () => (await rig.waiting()) === 0);
    expect(rig.destination.delivered).toHaveLength(1000);
  });

  test('a pause with an end resumes by itself', async () => {
    await open({ answer: () => OK });
    await rig.append('a', 1);
    await rig.store.changeDestination('team', 'pause', rig.time.now_ms() + 3_600_000);
    rig.start();
    await rig.time.pass(3_599_000);
    expect(rig.destination.requests).toEqual([]);
    await rig.time.pass(2000);
    expect(rig.destination.delivered).toEqual([1]);
  });

  test('when one attempt fails for a reason of ours, the others end before the error is thrown', async () => {
    await open({
      answer: async ({ partition }) => {
        if (partition === 'slow') await rig.time.sleep(1000);
        return OK;
      },
    });
    await rig.append('broken', 1);
    await rig.append('slow', 1);
    rig.destination.encode = (header, items) => {
      if (header.name === 'broken') throw new Error('defect in encode');
      return `[${items.join(',')}]`;
    };
    let in_flight_at_the_throw: number | undefined;
    const failed = rig
      .delivery()
      .pass(new AbortController().signal)
      .finally(() => (in_flight_at_the_throw = rig.destination.in_flight));
    void failed.catch(() => undefined);
    await rig.time.until(() => rig.destination.delivered.length === 1);
    await expect(failed).rejects.toThrow('defect in encode');
    expect(in_flight_at_the_throw).toBe(0);
  });
});

describe('two passes of one delivery, as a flush beside the loop of a daemon makes them', () => {
  const slow = async (): Promise<Reply> => {
    await rig.time.sleep(1000);
    return OK;
  };

  test('take turns: nothing is sent twice, and both end', async () => {
    await open({ answer: slow, limits: { max_items: 10 }, window: 2 });
    const ids = await rig.append('a', 100);
    const delivery = rig.delivery();
    const { signal } = new AbortController();
    const passes = Promise.all([delivery.pass(signal), delivery.pass(signal), delivery.pass(signal)]);
    await rig.time.until(async () => (await rig.waiting()) === 0, 20_000);
    expect((await passes).map(({ accepted_items }) => accepted_items)).toEqual([100, 0, 0]);
    expect(rig.destination.delivered).toEqual(ids);
    expect(rig.destination.most_in_flight).toBe(2);
  });

  test('one that waits for its turn stops waiting when its own signal aborts, and the next keeps its turn', async () => {
    await open({ answer: slow });
    await rig.append('a', 1);
    const delivery = rig.delivery();
    const { signal } = new AbortController();
    const impatient = new AbortController();
    const first = delivery.pass(signal);
    const second = delivery.pass(impatient.signal);
    const third = delivery.pass(signal);
    let third_ended = false;
    void third.finally(() => (third_ended = true));
    await rig.time.settle();
    impatient.abort();
    expect(await second).toMatchObject({ accepted_items: 0, next_due_ms: rig.time.now_ms() });
    await rig.time.settle();
    expect([rig.destination.in_flight, third_ended]).toEqual([1, false]);
    await rig.time.until(() => third_ended, 2000);
    expect([(await first).accepted_items, (await third).accepted_items]).toEqual([1, 0]);
    expect(rig.destination.requests).toHaveLength(1);
  });

  test('one that fails leaves the turn to the next', async () => {
    await open({ answer: () => OK });
    await rig.append('a', 1);
    const delivery = rig.delivery();
    const { signal } = new AbortController();
    const encode = rig.destination.encode.bind(rig.destination);
    rig.destination.encode = () => {
      rig.destination.encode = encode;
      throw new Error('defect in encode');
    };
    const failed = delivery.pass(signal);
    const next = delivery.pass(signal);
    await expect(failed).rejects.toThrow('defect in encode');
    expect((await next).accepted_items).toBe(1);
  });
});

import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeliveryRig, type RigOptions } from '../../../test/support/delivery-rig.ts';
import type { Reply } from './destination.ts';

/** P4: what k bad items in a batch of n may cost beyond the one request of a batch without any. */
const bound = (n: number, k: number): number => 2 * k * Math.ceil(Math.log2(n)) + 1;

/**
 * A batch of n items of which some are bad, each drawn near another or anywhere: neighbours share the path of a bisect,
 * scattered ones do not.
 */
const batch = fc.integer({ min: 2, max: 500 }).chain((n) =>
  fc.record({
    n: fc.constant(n),
    bad: fc
      .oneof(
        fc.uniqueArray(fc.integer({ min: 1, max: n }), { minLength: 1, maxLength: Math.min(n - 1, 12) }),
        fc
          .tuple(fc.integer({ min: 1, max: n }), fc.integer({ min: 1, max: 12 }))
          .map(([first, count]) => Array.from({ length: Math.min(count, n - 1) }, (_, i) => ((first + i - 1) % n) + 1)),
        fc.constantFrom([1], [n]),
      )
      .map((ids) => [...new Set(ids)].sort((a, b) => a - b)),
  }),
);

interface Outcome {
  extra: number;
  rig: DeliveryRig;
}

async function delivered(
  n: number,
  bad: readonly number[],
  options: Omit<RigOptions, 'answer'>,
  refuse: (ids: number[]) => Reply,
): Promise<Outcome> {
  const isBad = new Set(bad);
  const rig = await DeliveryRig.open({
    ...options,
    answer: ({ ids, partition }) =>
      partition === 'a' && ids.some((id) => isBad.has(id)) ? refuse(ids) : { status: 202 },
  });
  await rig.append('a', n);
  // Entries of other partitions, which must not cost a request more.
  for (const name of ['b', 'c']) await rig.append(name, 5);
  await rig.drain();
  const others = rig.destination.requests.filter(({ partition }) => partition !== 'a');
  expect(others).toHaveLength(2);
  expect(rig.destination.reused_keys).toEqual([]);
  expect(await rig.store.verify()).toEqual([]);
  return { extra: rig.destination.requests.length - others.length - 1, rig };
}

/** Exactly the bad ones are dead letters, and the good ones arrived once each, in offset order. */
async function expectSorted({ rig }: Outcome, n: number, bad: readonly number[]): Promise<void> {
  expect(await rig.deadIds()).toEqual(bad);
  const good = Array.from({ length: n }, (_, i) => i + 1).filter((id) => !bad.includes(id));
  expect(rig.destination.delivered.filter((id) => id <= n)).toEqual(good);
}

test('k bad items in a batch of n, refused without a word, cost at most 2k⌈log₂ n⌉ + 1 extra requests', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async ({ n, bad }) => {
      const outcome = await delivered(n, bad, {}, () => ({ status: 400 }));
      await expectSorted(outcome, n, bad);
      expect(outcome.extra).toBeLessThanOrEqual(bound(n, bad.length));
    }),
    { numRuns: 100, seed: 4 },
  );
});

test('named by index, they cost one request for each good run between them', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async ({ n, bad }) => {
      const refuse = (ids: number[]): Reply => ({
        status: 422,
        item_errors: ids.flatMap((id, index) => (bad.includes(id) ? [{ index, code: 'bad', message: 'no' }] : [])),
      });
      const outcome = await delivered(n, bad, {}, refuse);
      await expectSorted(outcome, n, bad);
      expect(outcome.extra).toBeLessThanOrEqual(bad.length + 1);
    }),
    { numRuns: 50, seed: 4 },
  );
});

/**
 * A single item is condemned for crashing the destination only after eight failures, which in a large batch are those
 * of the parts that held it; where the bisect is shorter than that, each bad item is confirmed by the rest.
 */
const confirmations = (n: number, k: number): number => k * Math.max(0, 7 - Math.ceil(Math.log2(n)));

test.each<[string, Reply]>([
  ['reset the connection', { status: null, reason: 'reset', message: 'gone' }],
  ['make the destination answer 500', { status: 500 }],
])('items that %s cost as much, and their confirmation in a small batch', async (_, reply) => {
  await fc.assert(
    fc.asyncProperty(batch, async ({ n, bad }) => {
      const outcome = await delivered(n, bad, { probe: async () => true }, () => reply);
      await expectSorted(outcome, n, bad);
      expect(outcome.extra).toBeLessThanOrEqual(bound(n, bad.length) + confirmations(n, bad.length));
    }),
    { numRuns: 50, seed: 4 },
  );
});

test('a window of four sends the parts at once, and sorts the same', async () => {
  await fc.assert(
    fc.asyncProperty(batch, async ({ n, bad }) => {
      const { rig, extra } = await delivered(n, bad, { window: 4 }, () => ({ status: 400 }));
      expect(await rig.deadIds()).toEqual(bad);
      const arrived = rig.destination.delivered.filter((id) => id <= n).sort((a, b) => a - b);
      expect(arrived).toEqual(Array.from({ length: n }, (__, i) => i + 1).filter((id) => !bad.includes(id)));
      expect(extra).toBeLessThanOrEqual(bound(n, bad.length));
    }),
    { numRuns: 50, seed: 4 },
  );
});

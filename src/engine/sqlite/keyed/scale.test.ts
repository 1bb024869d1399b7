import { afterEach, expect, test } from 'vitest';
import { seededRandom } from '../../../platform/random.ts';
import { Database } from '../../../storage/sqlite/database.ts';
import { NOW } from '../../contract/scene.ts';
import type { Task } from '../../keyed/store.ts';
import type { EngineStore } from '../../store.ts';
import { openSqliteStore } from '../store.ts';

const clock = { now_ms: () => NOW, monotonic_ms: () => 0 };
const REFUSAL = { class: 'forbidden', code: 'http_403', message: 'no' };
const opened: EngineStore[] = [];

afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

/** A destination to which so many keys wait, one in fifty of them in a group of its own. */
async function waiting(keys: number): Promise<EngineStore> {
  const store = openSqliteStore(new Database(':memory:'), { clock, random: seededRandom(1), cap_bytes: 2 ** 30 });
  opened.push(store);
  const { partition_id } = await store.openPartition({ stream: 's', name: 'p', header: {}, delivery: 'keyed' });
  const spec = { destination_id: 'd', stream: 's', delivery: 'keyed', required: true, start: 'earliest' } as const;
  await store.configureDestination(spec, NOW);
  await store.keyed.decide('d', () => true);
  for (let from = 0; from < keys; from += 1000) {
    const touches = Array.from({ length: Math.min(1000, keys - from) }, (_, i) => ({
      partition_id,
      key: `key ${from + i}`,
      group: (from + i) % 50 === 49 ? 'small' : 'big',
    }));
    await store.keyed.touch(touches, NOW);
  }
  return store;
}

function claim(store: EngineStore, limit: number): Promise<Task[]> {
  return store.keyed.claim({ destination_id: 'd', limit, owner: 'o', lease_ms: 60_000, now_ms: NOW });
}

/** The fastest of several runs: what the machine does beside it only adds. */
async function fastest(times: number, work: () => Promise<unknown>): Promise<number> {
  let best = Infinity;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    await work();
    best = Math.min(best, performance.now() - start);
  }
  return best;
}

// Twenty times the keys cost twenty times and more when a statement reads all of them.
const TOLERANCE = 6;

test('a claim costs the same whether a thousand keys wait or twenty thousand', async () => {
  const few = await waiting(1000);
  const many = await waiting(20_000);
  for (const limit of [1, 50]) {
    const small = await fastest(9, () => claim(few, limit));
    const large = await fastest(9, () => claim(many, limit));
    expect(large).toBeLessThan(TOLERANCE * small);
  }
});

test('a held group of twenty thousand costs the others no more than one of a thousand', async () => {
  const cost = async (keys: number): Promise<number> => {
    const store = await waiting(keys);
    const [task] = await claim(store, 1);
    const { destination_id, key, fence } = task!;
    const held = { kind: 'group_held', until_ms: NOW + 300_000, refusal: REFUSAL } as const;
    await store.keyed.settle([{ destination_id, key, fence, now_ms: NOW, ...held }]);
    // Parking is spread over these.
    for (let i = 0; i < keys / 1000 + 1; i++) expect((await claim(store, 1))[0]?.group).toBe('small');
    return fastest(9, () => claim(store, 1));
  };
  const few = await cost(2000);
  expect(await cost(20_000)).toBeLessThan(TOLERANCE * few);
});

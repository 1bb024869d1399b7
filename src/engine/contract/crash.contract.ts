import { expect, test } from 'vitest';
import type { DeadLetter, Partition } from '../store.ts';
import { KEYED_CRASH_CASES } from './keyed-crash-cases.ts';
import { KeyedScene } from './keyed-scene.ts';
import { NOW, REFUSAL, Scene, accepted, refusedItem, splitAt } from './scene.ts';
import type { OpenStore, StoreUnderTest } from './store-under-test.ts';

/** What happens before the crash, and the call that it cuts. */
interface Case {
  name: string;
  prepare: (scene: Scene) => Promise<() => Promise<unknown>>;
}

async function prepared(scene: Scene): Promise<Partition> {
  const partition = await scene.partition();
  await scene.destination();
  await scene.destination('best effort', false);
  await scene.fill(partition, 6, { observed_ms: NOW - 10 });
  await scene.waiting();
  return partition;
}

async function deadLetter(scene: Scene, partition: Partition): Promise<DeadLetter> {
  await scene.end(await scene.next(partition, { max_items: 1 }), { kind: 'dead_letter', refusal: REFUSAL });
  return (await scene.store.deadLetters({}))[0]!;
}

type Ending = Parameters<Scene['settle']>[2];

function settling(name: string, ending: (scene: Scene, batch: Parameters<typeof accepted>[0]) => Ending): Case {
  return {
    name: `settle ${name}`,
    prepare: async (scene) => {
      const partition = await prepared(scene);
      // A suspect first, so that a verdict is part of the transaction.
      await scene.end(await scene.next(partition, { max_items: 1 }), refusedItem());
      const batch = await scene.next(partition, {
        max_items: name === 'refused_item' || name === 'dead_letter' ? 1 : 3,
      });
      const fence = await scene.claim(batch);
      return () => scene.settle(batch, fence, ending(scene, batch));
    },
  };
}

const refusal = REFUSAL;
const CASES: Case[] = [
  {
    name: 'append',
    prepare: async (scene) => {
      const partition = await prepared(scene);
      const other = await scene.partition('other');
      const known = scene.entry(partition);
      await scene.add([known], 'line 1');
      const entries = [scene.entry(partition), { ...known, payload: 'clash' }, scene.entry(other, { subject: 'new' })];
      const sql = scene.sut.flowSql(`UPDATE source SET holes = holes + 1 WHERE source_id = ${scene.source_id}`);
      const request = { source_id: scene.source_id, entries, checkpoint: 'line 3', now_ms: NOW };
      return () => scene.store.append({ ...request, writes: [{ sql, parameters: [], expect_rows: 1 }] });
    },
  },
  {
    name: 'appendTogether',
    prepare: async (scene) => {
      const partition = await prepared(scene);
      const sources = await scene.store.openSources('telemetry', ['one', 'two'], NOW);
      const requests = sources.map(({ source_id }) => ({
        source_id,
        entries: scene.entries(partition, 2, { subject: 'new' }),
        checkpoint: 'line 2',
        now_ms: NOW,
      }));
      return () => scene.store.appendTogether(requests);
    },
  },
  { name: 'openPartition', prepare: async (scene) => () => scene.partition('a') },
  { name: 'openSource', prepare: async (scene) => () => scene.store.openSource('telemetry', 'another', NOW) },
  { name: 'openSources', prepare: async (scene) => () => scene.store.openSources('telemetry', ['a', 'b'], NOW) },
  { name: 'nextEpoch', prepare: async (scene) => () => scene.store.nextEpoch(scene.source_id, NOW) },
  {
    name: 'configureDestination',
    prepare: async (scene) => {
      await scene.fill(await scene.partition(), 2);
      return () => scene.destination('late', true, 'latest');
    },
  },
  {
    name: 'changeDestination',
    prepare: async (scene) => {
      await prepared(scene);
      return () => scene.store.changeDestination('team', 'pause', NOW);
    },
  },
  {
    name: 'backlog',
    prepare: async (scene) => {
      await prepared(scene);
      await scene.partition('a');
      await scene.partition('b');
      return () => scene.waiting('team', (name) => name !== 'events');
    },
  },
  {
    name: 'plan',
    prepare: async (scene) => {
      const { partition_id } = await prepared(scene);
      const limits = { max_items: 2, max_body_bytes: 1000 };
      const { newBatchId } = scene;
      const request = {
        destination_id: 'team',
        partition_id,
        limits,
        envelope_bytes: 2,
        window: 2,
        now_ms: NOW,
        newBatchId,
      };
      return () => scene.store.plan(request);
    },
  },
  {
    name: 'claim',
    prepare: async (scene) => {
      const batch = await scene.next(await prepared(scene));
      return () => scene.store.claim(batch.batch_id, 'hash', 'fresh', NOW);
    },
  },
  {
    name: 'claim of a changed body',
    prepare: async (scene) => {
      const batch = await scene.next(await prepared(scene));
      await scene.claim(batch, 'before');
      return () => scene.store.claim(batch.batch_id, 'after', 'fresh', NOW);
    },
  },
  settling('accepted', (_, batch) => accepted(batch)),
  settling('deferred', () => ({
    kind: 'deferred',
    until_ms: NOW + 1,
    batch_due_ms: NOW + 2,
    suspicious: true,
    refusal,
  })),
  settling('held', () => ({ kind: 'held', until_ms: NOW + 1, refusal })),
  settling('split', (scene, batch) => ({ ...splitAt(scene, batch, [2, 4]), hold_until_ms: NOW + 1 }) as Ending),
  settling('refused_item', () => refusedItem()),
  settling('dead_letter', () => ({ kind: 'dead_letter', refusal })),
  settling('empty', () => ({ kind: 'empty' })),
  settling('renewed', () => ({ kind: 'renewed', new_batch_id: 'fresh' })),
  {
    name: 'retryDeadLetter',
    prepare: async (scene) => {
      const letter = await deadLetter(scene, await prepared(scene));
      return () => scene.store.retryDeadLetter(letter.dead_letter_id, 'retry');
    },
  },
  {
    name: 'settle a retry that is refused',
    prepare: async (scene) => {
      const partition = await prepared(scene);
      const letter = await deadLetter(scene, partition);
      await scene.store.retryDeadLetter(letter.dead_letter_id, 'retry');
      const batch = await scene.next(partition);
      const fence = await scene.claim(batch);
      return () => scene.settle(batch, fence, refusedItem());
    },
  },
  {
    name: 'retain',
    prepare: async (scene) => {
      const partition = await prepared(scene);
      await scene.next(partition, { destination_id: 'best effort', max_items: 4 });
      await scene.accept(await scene.next(partition, { max_items: 5 }));
      return () => scene.store.retain({ before_ms: NOW, target_bytes: null, now_ms: NOW });
    },
  },
  {
    name: 'erase',
    prepare: async (scene) => {
      await deadLetter(scene, await prepared(scene));
      return () => scene.store.erase('session-1', NOW);
    },
  },
  {
    name: 'rewrite',
    prepare: async (scene) => {
      const partition = await prepared(scene);
      await deadLetter(scene, partition);
      return () =>
        scene.store.rewrite(
          partition.partition_id,
          new Map([
            [1, 'one'],
            [2, null],
          ]),
        );
    },
  },
  {
    name: 'count and recordAction',
    prepare: async (scene) => () =>
      scene.store.count([
        { name: 'a', label: 'b', by: 1 },
        { name: 'c', label: 'd', by: 2 },
      ]),
  },
];

/** A case, and how its scene is opened. */
interface Cut {
  name: string;
  start(open: OpenStore): Promise<{ sut: StoreUnderTest; call: () => Promise<unknown> }>;
}

const CUTS: Cut[] = [
  ...CASES.map(({ name, prepare }) => ({
    name,
    start: async (open: OpenStore) => {
      const scene = await Scene.open(open);
      return { sut: scene.sut, call: await prepare(scene) };
    },
  })),
  ...KEYED_CRASH_CASES.map(({ name, prepare }) => ({
    name,
    start: async (open: OpenStore) => {
      const scene = await KeyedScene.open(open);
      return { sut: scene.sut, call: await prepare(scene) };
    },
  })),
];

/**
 * Rule 1 (design §5): a crash between any two statements of any method leaves the state from before it or from after
 * it, and the invariants hold. Each statement is cut once before and once after its effect.
 */
export function crashContract(open: OpenStore): void {
  test.each(CUTS)('a crash anywhere in $name leaves all of it or nothing', async (cut) => {
    const { before, after } = await withoutCrash(open, cut);
    let cuts = 0;
    for (let statement = 1; ; statement++) {
      const sides = [await cutAt(open, cut, statement, 'before'), await cutAt(open, cut, statement, 'after')];
      if (sides.every(({ crashed }) => !crashed)) break;
      for (const { crashed, state, broken } of sides) {
        if (crashed) cuts++;
        expect(broken).toEqual([]);
        expect([before, after]).toContainEqual(state);
      }
    }
    expect(cuts).toBeGreaterThan(1);
  });
}

/** Opened anew before each look, as after a crash: a back-end may release what a dead process held. */
async function withoutCrash(open: OpenStore, cut: Cut): Promise<{ before: unknown; after: unknown }> {
  const untouched = await cut.start(open);
  await untouched.sut.reopen();
  const before = await untouched.sut.dump();
  await untouched.sut.close();
  const { sut, call } = await cut.start(open);
  await call();
  await sut.reopen();
  const after = await sut.dump();
  await sut.close();
  return { before, after };
}

async function cutAt(
  open: OpenStore,
  cut: Cut,
  statement: number,
  side: 'before' | 'after',
): Promise<{ crashed: boolean; state: unknown; broken: string[] }> {
  const { sut, call } = await cut.start(open);
  sut.crashAt(statement, side);
  const crashed = await call().then(
    () => false,
    () => true,
  );
  const store = await sut.reopen();
  const result = { crashed, state: await sut.dump(), broken: await store.verify() };
  await sut.close();
  return result;
}

import { afterEach, describe, expect, test } from 'vitest';
import { InvariantError } from '../../platform/errors.ts';
import type { Task, TaskSettlement, TaskSettlementResult } from '../keyed/store.ts';
import type { RowWrite, RowWriter } from '../transaction.ts';
import { DONE, KEYED_STREAM, KeyedScene, refusedKey } from './keyed-scene.ts';
import { NOW } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** Links of the tests stand in the table of sources: one source a key, its holes are the version there. */
const SET = `UPDATE syncline.source s SET holes = r.version FROM $rows AS r (i, name, base, version)
  WHERE s.stream = 'links' AND s.name = r.name AND s.holes = r.base RETURNING r.i`;
/** Adds to what `link` wrote before it: the order of the writers shows. */
const NOTE = `UPDATE syncline.source s SET checkpoint = coalesce(s.checkpoint, '') || r.note FROM $rows AS r (i, name, version, note)
  WHERE s.stream = 'links' AND s.name = r.name AND s.holes = r.version RETURNING r.i`;
const WRITERS: readonly RowWriter[] = [
  { name: 'note', sql: NOTE, columns: ['text', 'bigint', 'text'], order: 2 },
  { name: 'link', sql: SET, columns: ['text', 'bigint', 'bigint'], order: 1 },
];
const link = (key: string, base: number, version: number): RowWrite => ({ writer: 'link', row: [key, base, version] });
const note = (key: string, version: number, text: string | null): RowWrite => ({
  writer: 'note',
  row: [key, version, text],
});

/** Rows of the flow that are written together (`RowWrite`), where the back-end has writers; else that it refuses them. */
export function rowsContract(open: OpenStore): void {
  let scene: KeyedScene;
  let tasks: Map<string, Task>;
  afterEach(async () => {
    expect(await scene.store.verify()).toEqual([]);
    await scene.sut.close();
  });

  /** Claimed keys, each with a link at version 0. */
  async function start(...keys: string[]): Promise<void> {
    scene = await openWithWriters(open);
    await scene.store.openSources('links', keys, NOW);
    await scene.change(...keys);
    tasks = new Map((await scene.claim()).map((task) => [task.key, task]));
  }

  function settle(
    rows: Record<string, RowWrite[]>,
    change: Partial<TaskSettlement> = {},
  ): Promise<TaskSettlementResult[]> {
    return scene.store.keyed.settle(Object.entries(rows).map(([key, some]) => done(tasks.get(key)!, some, change)));
  }

  async function outcomes(results: Promise<readonly TaskSettlementResult[]>): Promise<string[]> {
    return (await results).map(({ outcome }) => outcome);
  }

  if (open.takes_rows !== true) {
    test('rows are refused where there are no writers, before anything is written', async () => {
      await start('a');
      const before = await scene.sut.dump();
      await expect(settle({ a: [link('a', 0, 1)] })).rejects.toThrow(InvariantError);
      await expect(scene.store.keyed.proceedAll([tasks.get('a')!], [[link('a', 0, 1)]])).rejects.toThrow(
        InvariantError,
      );
      expect(await scene.sut.dump()).toEqual(before);
    });
    return;
  }

  const links = async (): Promise<Record<string, [version: number, note: string | null]>> =>
    Object.fromEntries(
      (await scene.store.sources('links')).map(({ name, holes, checkpoint }) => [name, [holes, checkpoint]]),
    );

  test('rows of all keys are written with their settlements, writers in their order, whatever the kind', async () => {
    await start('a', 'b', 'c', 'd');
    const texts = ['quote " \\ {}, NULL', null];
    await expect(
      outcomes(
        settle({
          a: [note('a', 1, texts[0]!), link('a', 0, 1)],
          b: [link('b', 0, 1), note('b', 1, texts[1]!)],
          c: [link('c', 0, 1)],
          d: [],
        }),
      ),
    ).resolves.toEqual(['settled', 'settled', 'settled', 'settled']);
    expect(await links()).toEqual({ a: [1, texts[0]], b: [1, null], c: [1, null], d: [0, null] });
    expect(await scene.progress()).toMatchObject({ waiting: 0 });
    await scene.change('a');
    const task = await scene.next();
    const refused = { ...refusedKey({ most_attempts: 9 }), rows: [link('a', 1, 7)] };
    expect((await scene.settle(task, refused)).outcome).toBe('settled');
    expect((await links())['a']).toEqual([7, texts[0]]);
  });

  test('a row that is stale leaves nothing of its key, and settles the others', async () => {
    await start('a', 'b', 'c');
    const counters = [{ name: 'segments', label: 'store', by: 1 }];
    const rows = { a: [link('a', 0, 1)], b: [link('b', 5, 6)], c: [link('c', 0, 1)] };
    expect(await outcomes(settle(rows, { counters }))).toEqual(['settled', 'stale', 'settled']);
    expect(await links()).toEqual({ a: [1, null], b: [0, null], c: [1, null] });
    expect(await scene.store.counters()).toMatchObject({ segments: { store: 2 }, items_accepted: { store: 2 } });
    expect(await scene.progress()).toMatchObject({ waiting: 1, claimed: 1 });
    // The same claim still ends once it is right.
    expect(await outcomes(settle({ b: [link('b', 0, 1)] }))).toEqual(['settled']);
  });

  test('a row of the second writer that is stale takes back that of the first', async () => {
    await start('a', 'b');
    const rows = { a: [link('a', 0, 1), note('a', 9, 'lost')], b: [link('b', 0, 1), note('b', 1, 'kept')] };
    expect(await outcomes(settle(rows))).toEqual(['stale', 'settled']);
    expect(await links()).toEqual({ a: [0, null], b: [1, 'kept'] });
  });

  test('a stale write beside the rows takes them back, too', async () => {
    await start('a', 'b');
    const [a, b] = ['a', 'b'].map((key) => done(tasks.get(key)!, [link(key, 0, 1)], {}));
    expect(await outcomes(scene.store.keyed.settle([{ ...a!, writes: [scene.link(3, 4)] }, b!]))).toEqual([
      'stale',
      'settled',
    ]);
    expect(await links()).toEqual({ a: [0, null], b: [1, null] });
  });

  test('of two keys with a row for one place, one is stale', async () => {
    await start('a', 'b');
    const results = await outcomes(settle({ a: [link('a', 0, 1)], b: [link('a', 0, 2)] }));
    expect(results.toSorted()).toEqual(['settled', 'stale']);
    expect((await links())['a']![0]).toBe(results[0] === 'settled' ? 1 : 2);
  });

  test('however many are stale, and each found only at the next attempt, every other key is settled', async () => {
    const keys = Array.from({ length: 20 }, (_, i) => `k${i}`);
    await start(...keys);
    const settlements = keys.map((key, i) => {
      const settlement = done(tasks.get(key)!, [link(key, 0, 1)], {});
      return i % 2 === 0 ? settlement : { ...settlement, writes: [scene.link(99, 0)] };
    });
    const results = await outcomes(scene.store.keyed.settle(settlements));
    expect(results).toEqual(keys.map((_, i) => (i % 2 === 0 ? 'settled' : 'stale')));
    expect(await links()).toEqual(Object.fromEntries(keys.map((key, i) => [key, [i % 2 === 0 ? 1 : 0, null]])));
  });

  test('a claim that is void writes no row', async () => {
    await start('a', 'b');
    const stale = tasks.get('a')!;
    await scene.store.keyed.releaseExpired('store', 'worker', NOW);
    tasks = new Map((await scene.claim()).map((task) => [task.key, task]));
    const settlements = [done(stale, [link('a', 0, 1)], {}), done(tasks.get('b')!, [link('b', 0, 1)], {})];
    expect(await outcomes(scene.store.keyed.settle(settlements))).toEqual(['void', 'settled']);
    expect(await links()).toEqual({ a: [0, null], b: [1, null] });
  });

  test('proceed for many writes the rows of those that go on, and of no other', async () => {
    await start('a', 'b', 'c');
    const [a, b, c] = ['a', 'b', 'c'].map((key) => tasks.get(key)!);
    const { keyed } = scene.store;
    const rows = [[link('a', 0, 1), note('a', 1, 'x')], [link('b', 3, 4)], [link('c', 0, 1)]];
    expect(await keyed.proceedAll([a!, b!, { ...c!, fence: c!.fence + 1 }], rows)).toEqual([true, false, false]);
    expect(await links()).toEqual({ a: [1, 'x'], b: [0, null], c: [0, null] });
    // Nothing of the claims has ended.
    expect(await outcomes(settle({ a: [link('a', 1, 2)], b: [], c: [] }))).toEqual(['settled', 'settled', 'settled']);
  });

  test('rows without a writer, or of another width, are a defect; nothing is written', async () => {
    await start('a');
    const before = await scene.sut.dump();
    for (const row of [
      { writer: 'none', row: [] },
      { writer: 'link', row: ['a', 0] },
    ])
      await expect(settle({ a: [link('a', 0, 1), row] })).rejects.toThrow(InvariantError);
    expect(await scene.sut.dump()).toEqual(before);
  });

  describe('a crash anywhere in', () => {
    const cases: Record<string, () => Promise<unknown>> = {
      'a settlement with rows, one of them stale': () =>
        settle({ a: [link('a', 0, 1), note('a', 1, 'x')], b: [link('b', 5, 6)], c: [link('c', 0, 1)] }),
      'proceed for many': () =>
        scene.store.keyed.proceedAll([...tasks.values()], [[link('a', 0, 1)], [link('b', 0, 1)], [note('c', 0, 'x')]]),
    };
    test.each(Object.keys(cases))('%s leaves all of it or nothing', async (name) => {
      const call = cases[name]!;
      await start('a', 'b', 'c');
      const before = await scene.sut.dump();
      await call();
      const after = await scene.sut.dump();
      expect(after).not.toEqual(before);
      for (let statement = 1, crashed = true; crashed; statement++) {
        crashed = false;
        for (const side of ['before', 'after'] as const) {
          await scene.sut.close();
          await start('a', 'b', 'c');
          scene.sut.crashAt(statement, side);
          await call().catch(() => (crashed = true));
          await scene.sut.reopen();
          expect(await scene.store.verify()).toEqual([]);
          expect([before, after]).toContainEqual(await scene.sut.dump());
        }
      }
    });
  });
}

async function openWithWriters(open: OpenStore): Promise<KeyedScene> {
  const scene = await KeyedScene.open(open, { writers: WRITERS });
  expect(scene.partition.stream).toBe(KEYED_STREAM);
  return scene;
}

function done(task: Task, rows: RowWrite[], change: Partial<TaskSettlement>): TaskSettlement {
  const { destination_id, key, fence } = task;
  return { destination_id, key, fence, now_ms: NOW, ...DONE, rows, ...change } as TaskSettlement;
}

import { afterEach, expect, test } from 'vitest';
import { InvariantError } from '../../platform/errors.ts';
import type { Partition } from '../store.ts';
import { DONE, KeyedScene } from './keyed-scene.ts';
import { NOW, REFUSAL, Scene } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** Retention (design §5 rule 7): what may go, what best-effort destinations lose, bounded steps. */
export function retentionContract(open: OpenStore): void {
  let scene: Scene;
  let partition: Partition;
  const OLD = { observed_ms: NOW - 1000 };
  const byAge = { before_ms: NOW - 500, target_bytes: null, now_ms: NOW };
  const start = async (entries: number, change: { observed_ms: number } = OLD): Promise<void> => {
    scene = await Scene.open(open);
    partition = await scene.partition();
    await scene.fill(partition, entries, change);
  };
  const kept = async (): Promise<number[]> =>
    (await scene.store.read(partition.partition_id, 1, 9999)).map(({ offset }) => offset);
  afterEach(async () => {
    expect(await scene.store.verify()).toEqual([]);
    await scene.sut.close();
  });

  test('entries go up to the lowest offset settled by the required destinations', async () => {
    await start(4);
    await scene.destination('fast');
    await scene.destination('slow');
    await scene.accept(await scene.next(partition, { destination_id: 'fast' }));
    await scene.accept(await scene.next(partition, { destination_id: 'slow', max_items: 3 }));
    expect(await scene.store.retain(byAge)).toEqual({ removed: 3, dropped: 0, more: true });
    expect(await scene.store.retain(byAge)).toEqual({ removed: 0, dropped: 0, more: false });
    expect(await kept()).toEqual([4]);
  });

  test('a required destination that has not begun a partition holds it back', async () => {
    await start(2);
    await scene.destination('ready');
    await scene.accept(await scene.next(partition, { destination_id: 'ready' }));
    await scene.destination('paused since its start');
    expect((await scene.store.retain(byAge)).removed).toBe(0);
    await scene.waiting('paused since its start', () => false);
    expect((await scene.store.retain(byAge)).removed).toBe(2);
  });

  test('an open batch, a suspect and a hold keep their entries', async () => {
    await start(2);
    await scene.destination();
    await scene.end(await scene.next(partition, { max_items: 1 }), {
      kind: 'refused_item',
      refusal: REFUSAL,
      suspicious: false,
      hold_until_ms: NOW + 1,
    });
    expect((await scene.store.retain(byAge)).removed).toBe(0);
  });

  test('a removed destination holds back nothing', async () => {
    await start(2);
    await scene.destination();
    await scene.next(partition);
    await scene.store.changeDestination('team', 'remove', null);
    expect((await scene.store.retain(byAge)).removed).toBe(2);
    expect(await kept()).toEqual([]);
  });

  test('settled entries stay until they are old; a younger one keeps what follows it', async () => {
    await start(2);
    await scene.fill(partition, 1, { observed_ms: NOW });
    await scene.fill(partition, 1, OLD);
    expect((await scene.store.retain(byAge)).removed).toBe(2);
    expect((await scene.store.retain(byAge)).removed).toBe(0);
    expect(await kept()).toEqual([3, 4]);
  });

  test('an entry from before the clock stepped back keeps nothing for ever', async () => {
    await start(1, { observed_ms: NOW + 10 ** 9 });
    await scene.fill(partition, 1, OLD);
    expect((await scene.store.retain(byAge)).removed).toBe(2);
  });

  test('a best-effort destination loses what goes; that is counted, and its batches go on behind it', async () => {
    await start(4);
    await scene.fill(partition, 6, { observed_ms: NOW });
    await scene.destination('best effort', false);
    const [first, second] = (await scene.plan(partition, { destination_id: 'best effort', max_items: 3, window: 2 }))
      .open;
    const fence = await scene.claim(first!);
    expect(await scene.store.retain(byAge)).toEqual({ removed: 4, dropped: 4, more: true });
    expect(await scene.counter('items_dropped_by_retention', 'best effort')).toBe(4);
    expect((await scene.settle(first!, fence, { kind: 'empty' })).settled).toBe(false);
    expect(await scene.store.claim(second!.batch_id, 'a', 'x', NOW)).toBeNull();
    expect(await scene.acked(partition, 'best effort')).toBe(4);
    const rest = await scene.plan(partition, { destination_id: 'best effort', max_items: 9, window: 3 });
    expect(rest.open.map(({ first_offset, last_offset, items }) => [first_offset, last_offset, items])).toEqual([
      [5, 6, 2],
      [7, 10, 4],
    ]);
  });

  test('only what was not delivered counts as lost', async () => {
    await start(4);
    await scene.destination('best effort', false);
    const { open } = await scene.plan(partition, { destination_id: 'best effort', max_items: 2, window: 2 });
    await scene.accept(open[1]!);
    expect(await scene.store.retain(byAge)).toEqual({ removed: 4, dropped: 2, more: true });
  });

  test('what went before a best-effort destination was asked counts once it takes the partition', async () => {
    await start(3);
    await scene.destination('asked late', false);
    await scene.destination('declines', false);
    expect(await scene.store.retain(byAge)).toEqual({ removed: 3, dropped: 0, more: true });
    await scene.fill(partition, 1);
    await scene.waiting('declines', () => false);
    expect(await scene.waiting('asked late')).toEqual(['events']);
    await scene.waiting('asked late');
    expect(await scene.store.counters()).toMatchObject({ items_dropped_by_retention: { 'asked late': 3 } });
    expect(await scene.counter('items_dropped_by_retention', 'declines')).toBe(0);
    expect(await scene.next(partition, { destination_id: 'asked late' })).toMatchObject({ first_offset: 4 });
  });

  test('above its target the store removes settled entries whatever their age, the oldest partition first', async () => {
    await start(300, { observed_ms: NOW });
    const older = await scene.partition('older');
    await scene.fill(older, 300, { observed_ms: NOW - 10, payload: 'x'.repeat(500) });
    expect((await scene.store.retain({ ...byAge, target_bytes: 1 })).removed).toBe(300);
    expect(await scene.store.read(older.partition_id, 1, 999)).toEqual([]);
    expect(await kept()).toHaveLength(300);
    expect((await scene.store.retain({ ...byAge, target_bytes: 10 ** 9 })).removed).toBe(0);
  });

  test('above its target, when no entry may go, the record of ended batches and closed dead letters goes', async () => {
    await start(1, { observed_ms: NOW });
    await scene.destination();
    await scene.end(await scene.next(partition), { kind: 'dead_letter', refusal: REFUSAL });
    await scene.fill(partition, 1, { observed_ms: NOW });
    expect((await scene.store.retain({ ...byAge, target_bytes: 1 })).removed).toBe(1);
    expect(await scene.store.retain({ ...byAge, target_bytes: 1, now_ms: NOW + 1 })).toEqual({
      removed: 0,
      dropped: 0,
      more: true,
    });
    expect(await scene.store.retain({ ...byAge, target_bytes: 1, now_ms: NOW + 1 })).toEqual({
      removed: 0,
      dropped: 0,
      more: false,
    });
    expect(await kept()).toEqual([2]);
    expect(await scene.store.deadLetters({})).toHaveLength(1);
    expect(JSON.stringify(await scene.sut.dump())).not.toContain('batch-000001');
  });

  test('one step removes at most 1,000 entries', async () => {
    await start(1000);
    await scene.fill(partition, 500, OLD);
    expect((await scene.store.retain(byAge)).removed).toBe(1000);
    expect((await scene.store.retain(byAge)).removed).toBe(500);
    expect((await scene.store.retain(byAge)).more).toBe(false);
  });

  test('ended batches and closed dead letters are forgotten after 30 days', async () => {
    await start(2);
    await scene.destination();
    await scene.end(await scene.next(partition, { max_items: 1 }), { kind: 'dead_letter', refusal: REFUSAL });
    await scene.end(await scene.next(partition, { max_items: 1 }), { kind: 'dead_letter', refusal: REFUSAL });
    const [first] = await scene.store.deadLetters({});
    await scene.store.discardDeadLetter(first!.dead_letter_id);
    const later = NOW + 31 * 86_400_000;
    await scene.store.retain({ before_ms: 0, target_bytes: null, now_ms: later });
    expect((await scene.store.deadLetters({})).map(({ offset, state }) => [offset, state])).toEqual([[2, 'open']]);
    expect(JSON.stringify(await scene.sut.dump())).not.toContain('batch-000001');
  });

  test('keyed: an entry stays while its key has a task at a required destination, then goes by age', async () => {
    const keyed = await KeyedScene.open(open);
    scene = { sut: keyed.sut, store: keyed.store } as Scene;
    await keyed.destination('best effort', false);
    await keyed.add(['a', 'b', 'a', 'c'].map((key) => keyed.entry(key, { ...OLD, payload: key })));
    await keyed.add([keyed.entry('young')]);
    const tasks = new Map((await keyed.claim()).map((task) => [task.key, task]));
    const remaining = async (): Promise<number[]> =>
      (await keyed.store.read(keyed.partition.partition_id, 1, 99)).map(({ offset }) => offset);
    expect(await keyed.store.retain(byAge)).toEqual({ removed: 0, dropped: 0, more: false });
    await keyed.settle(tasks.get('b')!, DONE);
    await keyed.settle(tasks.get('a')!, DONE);
    expect((await keyed.store.retain(byAge)).removed).toBe(3);
    expect(await remaining()).toEqual([4, 5]);
    // The payload of a key that a dead letter holds is needed for its retry.
    await keyed.settle(tasks.get('c')!, { kind: 'dead_letter', refusal: REFUSAL });
    expect((await keyed.store.retain(byAge)).removed).toBe(0);
    await keyed.store.changeDestination('store', 'remove', null);
    expect((await keyed.store.retain(byAge)).removed).toBe(1);
    expect(await remaining()).toEqual([5]);
    expect(await keyed.progress('best effort')).toMatchObject({ waiting: 4 });
  });

  test('keyed: the mere notice of a held key keeps nothing back', async () => {
    const keyed = await KeyedScene.open(open);
    scene = { sut: keyed.sut, store: keyed.store } as Scene;
    await keyed.add([keyed.entry('a', OLD), keyed.entry('b', OLD)]);
    const [a, b] = await keyed.claim();
    await keyed.settle(a!, { kind: 'dead_letter', refusal: REFUSAL });
    expect((await keyed.store.retain(byAge)).removed).toBe(1);
    await keyed.settle(b!, DONE);
    expect((await keyed.store.retain(byAge)).removed).toBe(1);
    const [letter] = await keyed.store.deadLetters({});
    expect(await keyed.store.retryDeadLetter(letter!.dead_letter_id, 'unused')).toBe('retried');
  });

  test('a rewrite keeps the offset, renews the open batch, and erases with null', async () => {
    await start(3);
    await scene.destination();
    const batch = await scene.next(partition);
    await scene.claim(batch, 'before');
    const changed = await scene.store.rewrite(
      partition.partition_id,
      new Map([
        [1, 'masked better'],
        [2, null],
        [3, '{"n":3}'],
      ]),
    );
    expect(changed).toBe(2);
    expect(await scene.store.read(partition.partition_id, 1, 3)).toMatchObject([
      { offset: 1, payload: 'masked better' },
      { offset: 2, payload: null },
      { offset: 3, payload: '{"n":3}' },
    ]);
    expect(await scene.store.claim(batch.batch_id, 'after', 'fresh', NOW)).toBeNull();
    expect(await scene.next(partition)).toMatchObject({ batch_id: 'fresh' });
    // What is erased stays erased.
    expect(await scene.store.rewrite(partition.partition_id, new Map([[2, 'back']]))).toBe(0);
    const many = new Map(Array.from({ length: 1001 }, (_, i) => [i, 'x']));
    await expect(scene.store.rewrite(partition.partition_id, many)).rejects.toThrow(InvariantError);
  });
}

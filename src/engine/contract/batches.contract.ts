import { afterEach, expect, test } from 'vitest';
import { InvariantError } from '../../platform/errors.ts';
import type { Batch, BatchPart, Partition } from '../store.ts';
import { NOW, REFUSAL, Scene, accepted, refusedItem, splitAt } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** Plan, claim, settle (design §5 rules 4 and 6): the invariants I1 to I5 of ordered/states.ts. */
export function batchesContract(open: OpenStore): void {
  let scene: Scene;
  let partition: Partition;
  const start = async (entries: number): Promise<void> => {
    scene = await Scene.open(open);
    partition = await scene.partition();
    await scene.destination();
    await scene.fill(partition, entries);
  };
  const ranges = (batches: Batch[]): number[][] => batches.map((batch) => [batch.first_offset, batch.last_offset]);
  const deferral = {
    until_ms: NOW + 1000,
    batch_due_ms: NOW + 2000,
    suspicious: false,
    refusal: { ...REFUSAL, class: 'unavailable' },
  };
  afterEach(async () => {
    expect(await scene.store.verify()).toEqual([]);
    await scene.sut.close();
  });

  test('batches never overlap: the window opens ranges one after another, and no more', async () => {
    await start(25);
    expect(ranges((await scene.plan(partition, { window: 2 })).open)).toEqual([
      [1, 10],
      [11, 20],
    ]);
    expect(ranges((await scene.plan(partition, { window: 2 })).open)).toEqual([
      [1, 10],
      [11, 20],
    ]);
    await scene.sut.reopen();
    const { open } = await scene.plan(partition, { window: 4 });
    expect(ranges(open)).toEqual([
      [1, 10],
      [11, 20],
      [21, 25],
    ]);
  });

  test('while more is about to come only full batches are opened; what is left goes when asked for all', async () => {
    await start(25);
    const full = { full_only: true, window: 4 };
    expect(ranges((await scene.plan(partition, full)).open)).toEqual([
      [1, 10],
      [11, 20],
    ]);
    expect(ranges((await scene.plan(partition, full)).open)).toHaveLength(2);
    await scene.fill(partition, 5);
    expect(ranges((await scene.plan(partition, full)).open).at(-1)).toEqual([21, 30]);
    await scene.fill(partition, 1);
    expect(ranges((await scene.plan(partition, { window: 4 })).open).at(-1)).toEqual([31, 31]);
  });

  test('a batch is limited by items and by bytes of its body; a larger item goes alone', async () => {
    await start(0);
    await scene.add([...[10, 10, 10, 50, 10].map((bytes) => scene.entry(partition, { payload: 'x'.repeat(bytes) }))]);
    // Two of 10 with a comma and an envelope of 2 are 23.
    const { open } = await scene.plan(partition, { window: 9, max_body_bytes: 23 });
    expect(ranges(open)).toEqual([
      [1, 2],
      [3, 3],
      [4, 4],
      [5, 5],
    ]);
  });

  test('acked follows the lowest open batch', async () => {
    await start(30);
    const [first, second, third] = (await scene.plan(partition, { window: 3 })).open as [Batch, Batch, Batch];
    await scene.accept(third);
    expect(await scene.acked(partition)).toBe(0);
    await scene.accept(first);
    expect(await scene.acked(partition)).toBe(10);
    await scene.accept(second);
    expect(await scene.acked(partition)).toBe(30);
    expect(await scene.waiting()).toEqual([]);
  });

  test('a stale fence settles nothing', async () => {
    await start(1);
    const batch = await scene.next(partition);
    const stale = await scene.claim(batch);
    const fence = await scene.claim(batch);
    expect(fence).toBeGreaterThan(stale);
    const before = await scene.sut.dump();
    const endings = [
      accepted(batch),
      refusedItem(),
      { kind: 'deferred' as const, ...deferral },
      { kind: 'held' as const, until_ms: NOW + 1, refusal: REFUSAL },
      { kind: 'dead_letter' as const, refusal: REFUSAL },
      { kind: 'empty' as const },
      { kind: 'renewed' as const, new_batch_id: 'other' },
      splitAt(scene, batch, [1]),
    ];
    for (const ending of endings)
      for (const wrong of [stale, fence + 1])
        expect(await scene.settle(batch, wrong, ending)).toEqual({ settled: false, dead_letters: 0 });
    expect(await scene.sut.dump()).toEqual(before);
    expect((await scene.settle(batch, fence, accepted(batch))).settled).toBe(true);
    expect((await scene.settle(batch, fence, accepted(batch))).settled).toBe(false);
    expect(await scene.counter('items_accepted', 'team')).toBe(1);
  });

  test('a fence never comes back: not for another batch, not after reopening', async () => {
    await start(30);
    const seen: number[] = [];
    for (let i = 0; i < 3; i++) {
      const batch = await scene.next(partition);
      seen.push(await scene.claim(batch), await scene.claim(batch));
      await scene.sut.reopen();
      const fence = await scene.claim(batch);
      seen.push(fence);
      await scene.settle(batch, fence, accepted(batch));
    }
    expect(seen).toEqual([...new Set(seen)].sort((a, b) => a - b));
  });

  test('a kind refused whole is held: no dead letter before something of it is accepted', async () => {
    await start(3);
    const one = { max_items: 1 };
    expect(await scene.end(await scene.next(partition, one), refusedItem())).toEqual({
      settled: true,
      dead_letters: 0,
    });
    expect((await scene.store.backlog('team', () => true))[0]).toMatchObject({
      held: { class: 'refused' },
      due_ms: NOW + 1000,
    });
    const plan = await scene.plan(partition, one);
    expect(plan.suspect).toMatchObject({ first_offset: 1, state: 'suspect' });
    // Refused again, and its neighbour too: still nothing is known about them.
    await scene.end(plan.suspect as Batch, refusedItem());
    await scene.end(plan.open[0] as Batch, refusedItem());
    expect(await scene.store.deadLetters({})).toEqual([]);
    expect(await scene.acked(partition)).toBe(0);
    // The third is accepted: the destination takes this kind, so the two are bad.
    const third = await scene.next(partition, one);
    expect(await scene.accept(third)).toEqual({ settled: true, dead_letters: 2 });
    expect((await scene.store.deadLetters({})).map(({ offset, attempts, field }) => [offset, attempts, field])).toEqual(
      [
        [1, 3, 'n'],
        [2, 2, 'n'],
      ],
    );
    expect(await scene.acked(partition)).toBe(3);
    expect((await scene.store.progress())[0]).toMatchObject({ suspects: 0, held: null });
  });

  test('a suspect that is accepted later frees the others', async () => {
    await start(3);
    for (let i = 0; i < 2; i++)
      await scene.end((await scene.plan(partition, { max_items: 1 })).open[0] as Batch, refusedItem());
    await scene.accept((await scene.plan(partition, { max_items: 1 })).suspect as Batch);
    const plan = await scene.plan(partition, { max_items: 1, window: 9 });
    expect([plan.suspect, ranges(plan.open)]).toEqual([
      null,
      [
        [2, 2],
        [3, 3],
      ],
    ]);
    expect((await scene.store.progress())[0]).toMatchObject({ held: null });
    expect(await scene.store.deadLetters({})).toEqual([]);
  });

  test('an acceptance that was under way before the refusal condemns nobody', async () => {
    await start(2);
    const [first, second] = (await scene.plan(partition, { max_items: 1, window: 2 })).open as [Batch, Batch];
    const earlier = await scene.claim(first);
    await scene.end(second, refusedItem());
    await scene.settle(first, earlier, accepted(first));
    expect(await scene.store.deadLetters({})).toEqual([]);
    // It stays held, so that the suspect is tried again, and at once.
    expect((await scene.store.backlog('team', () => true))[0]).toMatchObject({ held: { class: 'refused' }, due_ms: 0 });
  });

  test('bisected down while a sibling was accepted, an item is a dead letter at once', async () => {
    await start(2);
    const batch = await scene.next(partition);
    await scene.end(batch, splitAt(scene, batch, [1, 2]));
    await scene.accept(await scene.next(partition));
    expect(await scene.end(await scene.next(partition), refusedItem())).toEqual({ settled: true, dead_letters: 1 });
    expect(await scene.acked(partition)).toBe(2);
  });

  test('a batch is split into parts that cover it, else nothing happens', async () => {
    await start(10);
    const batch = await scene.next(partition);
    const fence = await scene.claim(batch);
    const before = await scene.sut.dump();
    const part = (first_offset: number, last_offset: number): BatchPart => ({
      batch_id: scene.newBatchId(),
      first_offset,
      last_offset,
      suspect: null,
    });
    for (const parts of [
      [part(2, 10)],
      [part(1, 9)],
      [part(1, 3), part(5, 10)],
      [part(1, 6), part(5, 10)],
      [part(1, 0), part(1, 10)],
    ])
      await expect(scene.settle(batch, fence, { ...splitAt(scene, batch, [1]), parts } as never)).rejects.toThrow(
        InvariantError,
      );
    expect(await scene.sut.dump()).toEqual(before);
    await scene.settle(batch, fence, splitAt(scene, batch, [1, 4, 9]));
    expect(ranges((await scene.plan(partition, { window: 9 })).open)).toEqual([
      [1, 3],
      [4, 8],
      [9, 10],
    ]);
  });

  test('an item that can never pass is a dead letter whatever its neighbours say', async () => {
    await start(1);
    expect(
      (await scene.end(await scene.next(partition), { kind: 'dead_letter', refusal: { ...REFUSAL, class: 'size' } }))
        .dead_letters,
    ).toBe(1);
    expect(await scene.store.deadLetters({})).toMatchObject([
      { class: 'size', offset: 1, payload: '{"n":1}', destination_id: 'team' },
    ]);
    expect(await scene.counter('dead_letters', 'team')).toBe(1);
  });

  test('an erased entry renews the batch: its key never stands for another body', async () => {
    await start(2);
    const batch = await scene.next(partition);
    await scene.claim(batch, 'hash of both');
    await scene.sut.reopen();
    await scene.store.erase('session-1', NOW);
    expect(await scene.store.claim(batch.batch_id, 'hash of none', 'renewed', NOW)).toBeNull();
    const renewed = await scene.next(partition);
    expect(renewed).toMatchObject({ batch_id: 'renewed', first_offset: 1, last_offset: 2, body_sha256: null });
    expect(await scene.store.claim(batch.batch_id, 'hash of both', 'again', NOW)).toBeNull();
    expect(await scene.store.readBatch('renewed')).toMatchObject([
      { offset: 1, payload: null },
      { offset: 2, payload: null },
    ]);
    await scene.end(renewed, { kind: 'empty' });
    expect(await scene.acked(partition)).toBe(2);
    expect(await scene.counter('items_accepted', 'team')).toBe(0);
  });

  test('an erase or a rewrite between reading a batch and claiming it is noticed', async () => {
    await start(2);
    const batch = await scene.next(partition);
    await scene.store.readBatch(batch.batch_id);
    await scene.store.rewrite(partition.partition_id, new Map([[2, 'masked better']]));
    expect(await scene.store.claim(batch.batch_id, 'hash of the old text', 'second', NOW)).toBeNull();
    await scene.store.erase('session-1', NOW);
    expect(await scene.store.claim('second', 'hash of the masked text', 'third', NOW)).toBeNull();
    expect(await scene.claim(await scene.next(partition), 'hash of nothing')).toBeGreaterThan(0);
  });

  test('a suspect whose text changed is a suspect under its new key', async () => {
    await start(1);
    await scene.end(await scene.next(partition), refusedItem());
    await scene.store.rewrite(partition.partition_id, new Map([[1, 'masked better']]));
    const { suspect } = await scene.plan(partition);
    expect(await scene.store.claim(suspect!.batch_id, 'hash of the masked text', 'fresh', NOW)).toBeNull();
    expect((await scene.plan(partition)).suspect).toMatchObject({ batch_id: 'fresh', state: 'suspect', attempts: 1 });
  });

  test('a spent key is replaced, and the range stays', async () => {
    await start(2);
    const batch = await scene.next(partition);
    await scene.end(batch, { kind: 'renewed', new_batch_id: 'fresh' });
    expect(await scene.next(partition)).toMatchObject({
      batch_id: 'fresh',
      first_offset: 1,
      last_offset: 2,
      attempts: 0,
    });
  });

  test('a failure of the destination opens its circuit and counts no attempt', async () => {
    await start(2);
    const batch = await scene.next(partition);
    await scene.end(batch, { kind: 'deferred', ...deferral });
    expect((await scene.store.destinations())[0]).toMatchObject({
      circuit: 'open',
      circuit_until_ms: NOW + 1000,
      circuit_failures: 1,
      failing_since_ms: NOW,
      last_error: { code: 'bad' },
    });
    expect(await scene.next(partition)).toMatchObject({
      batch_id: batch.batch_id,
      attempts: 0,
      failures: 0,
      due_ms: NOW + 2000,
    });
    await scene.store.halfOpen('team');
    expect((await scene.store.destinations())[0]?.circuit).toBe('half_open');
    await scene.accept(batch);
    expect((await scene.store.destinations())[0]).toMatchObject({
      circuit: 'closed',
      circuit_failures: 0,
      failing_since_ms: null,
      last_success_ms: NOW,
    });
  });

  test('replies under way when a circuit opened neither close it nor count again', async () => {
    await start(30);
    const [first, second, third] = (await scene.plan(partition, { window: 3 })).open as [Batch, Batch, Batch];
    const fences = [await scene.claim(first), await scene.claim(second), await scene.claim(third)];
    await scene.settle(first, fences[0]!, { kind: 'deferred', ...deferral });
    await scene.settle(second, fences[1]!, { kind: 'deferred', ...deferral, until_ms: NOW + 5000 });
    await scene.settle(third, fences[2]!, accepted(third));
    // One outage, counted once; the longer wait (a Retry-After) holds.
    expect((await scene.store.destinations())[0]).toMatchObject({
      circuit: 'open',
      circuit_failures: 1,
      circuit_until_ms: NOW + 5000,
    });
  });

  test('a refusal between two failures shows that the batch crashes nobody', async () => {
    await start(1);
    const crash = { kind: 'deferred' as const, ...deferral, suspicious: true };
    await scene.end(await scene.next(partition), crash);
    await scene.end(await scene.next(partition), crash);
    expect((await scene.next(partition)).failures).toBe(2);
    await scene.end(await scene.next(partition), { kind: 'held', until_ms: NOW, refusal: REFUSAL });
    expect(await scene.next(partition)).toMatchObject({ failures: 0, destination_accepted_since: false });
  });

  test('a crashing item is condemned by what was accepted since its first crash', async () => {
    await start(2);
    const [first, second] = (await scene.plan(partition, { max_items: 1, window: 2 })).open as [Batch, Batch];
    await scene.end(first, { kind: 'deferred', ...deferral, suspicious: true });
    await scene.accept(second);
    expect((await scene.end(first, { ...refusedItem(), suspicious: true } as never)).dead_letters).toBe(1);
  });

  test('a suspicious failure counts, and shows whether the destination accepted something since', async () => {
    await start(20);
    const [first, second] = (await scene.plan(partition, { window: 2 })).open as [Batch, Batch];
    await scene.end(first, { kind: 'deferred', ...deferral, suspicious: true });
    expect(await scene.next(partition)).toMatchObject({ failures: 1, destination_accepted_since: false });
    await scene.accept(second);
    expect(await scene.next(partition)).toMatchObject({ failures: 1, destination_accepted_since: true });
    await scene.end(first, { ...splitAt(scene, first, [1, 6]), suspicious: true } as never);
    expect((await scene.plan(partition, { window: 2 })).open).toMatchObject([{ failures: 2 }, { failures: 2 }]);
  });
}

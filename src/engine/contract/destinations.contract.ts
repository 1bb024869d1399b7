import { afterEach, expect, test } from 'vitest';
import { NOW, REFUSAL, Scene, STREAM, refusedItem } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** Destinations and their backlog: where one begins, what it takes, order across partitions, states. */
export function destinationsContract(open: OpenStore): void {
  let scene: Scene;
  afterEach(async () => {
    expect(await scene.store.verify()).toEqual([]);
    await scene.sut.close();
  });

  test('partitions are served oldest entry first', async () => {
    scene = await Scene.open(open);
    await scene.destination();
    const [a, b] = [await scene.partition('a'), await scene.partition('b')];
    await scene.partition('empty');
    await scene.fill(a, 1, { observed_ms: NOW });
    await scene.fill(b, 1, { observed_ms: NOW - 1 });
    expect(await scene.waiting()).toEqual(['b', 'a']);
    await scene.accept(await scene.next(b));
    expect(await scene.waiting()).toEqual(['a']);
  });

  test('a predecessor is drained first, through the whole chain and only where it is taken', async () => {
    scene = await Scene.open(open);
    await scene.destination('team');
    await scene.destination('other');
    const first = await scene.partition('v1');
    await scene.partition('v2', 'v1');
    const third = await scene.partition('v3', 'v2');
    await scene.fill(third, 1, { observed_ms: NOW - 1000 });
    await scene.fill(first, 2);
    expect(await scene.waiting('team')).toEqual(['v1']);
    expect(await scene.waiting('other', (name) => name !== 'v1')).toEqual(['v3']);
    await scene.accept(await scene.next(first, { max_items: 1 }));
    expect(await scene.waiting('team')).toEqual(['v1']);
    await scene.accept(await scene.next(first));
    expect(await scene.waiting('team')).toEqual(['v3']);
  });

  test('a suspect at the end of a predecessor holds up nobody; what is open there does', async () => {
    scene = await Scene.open(open);
    await scene.destination();
    const first = await scene.partition('v1');
    await scene.fill(first, 1);
    await scene.fill(await scene.partition('v2', 'v1'), 1);
    await scene.end(await scene.next(first), { kind: 'held', until_ms: NOW + 1, refusal: REFUSAL });
    expect(await scene.waiting()).toEqual(['v1']);
    await scene.end(await scene.next(first), refusedItem());
    expect(await scene.waiting()).toEqual(['v1', 'v2']);
  });

  test('a destination that begins at the latest entry skips what was there, once', async () => {
    scene = await Scene.open(open);
    const partition = await scene.partition();
    await scene.fill(partition, 3);
    await scene.destination('late', true, 'latest');
    expect(await scene.waiting('late')).toEqual([]);
    await scene.fill(partition, 2);
    // A partition made while it was paused, and a restart that configures it again, lose nothing.
    const later = await scene.partition('later');
    await scene.fill(later, 1);
    await scene.sut.reopen();
    await scene.destination('late', true, 'latest');
    expect((await scene.waiting('late')).sort()).toEqual(['events', 'later']);
    expect(await scene.next(partition, { destination_id: 'late' })).toMatchObject({ first_offset: 4, last_offset: 5 });
  });

  test('a partition it does not take is not listed, not counted, and not begun by "latest" either', async () => {
    scene = await Scene.open(open);
    const secret = await scene.partition('secret');
    await scene.fill(secret, 1);
    await scene.destination('late', true, 'latest');
    await scene.fill(secret, 1);
    expect(await scene.waiting('late', () => false)).toEqual([]);
    expect(await scene.store.progress()).toEqual([]);
  });

  test('a partition that is no longer taken stops at once, and goes on where it stood', async () => {
    scene = await Scene.open(open);
    await scene.destination();
    const partition = await scene.partition();
    await scene.fill(partition, 2);
    await scene.accept(await scene.next(partition, { max_items: 1 }));
    expect(await scene.waiting('team', () => false)).toEqual([]);
    expect(await scene.store.progress()).toEqual([]);
    expect(await scene.waiting('team')).toEqual(['events']);
    expect(await scene.next(partition)).toMatchObject({ first_offset: 2 });
  });

  test('pause: from then on nothing is planned or claimed, until it is resumed', async () => {
    scene = await Scene.open(open);
    await scene.destination();
    const partition = await scene.partition();
    await scene.fill(partition, 1);
    const batch = await scene.next(partition);
    await scene.store.changeDestination('team', 'pause', NOW + 60_000);
    await scene.sut.reopen();
    await scene.destination();
    expect((await scene.store.destinations())[0]).toMatchObject({ state: 'paused', paused_until_ms: NOW + 60_000 });
    expect(await scene.plan(partition)).toEqual({ open: [], suspect: null, holds: 0 });
    expect(await scene.store.claim(batch.batch_id, 'a', 'x', NOW)).toBeNull();
    await scene.store.changeDestination('team', 'resume', null);
    expect((await scene.store.destinations())[0]).toMatchObject({ state: 'active', paused_until_ms: null });
    expect((await scene.next(partition)).batch_id).toBe(batch.batch_id);
  });

  test('a request that was under way when its destination was paused is still settled', async () => {
    scene = await Scene.open(open);
    await scene.destination();
    const partition = await scene.partition();
    await scene.fill(partition, 1);
    const batch = await scene.next(partition);
    const fence = await scene.claim(batch);
    await scene.store.changeDestination('team', 'pause', null);
    const { settled } = await scene.settle(batch, fence, { kind: 'accepted', items: 1, received: null, deduped: null });
    expect(settled).toBe(true);
    expect(await scene.acked(partition)).toBe(1);
  });

  test('removed is final for operators; configuring it again takes it up where it stood', async () => {
    scene = await Scene.open(open);
    await scene.destination();
    const partition = await scene.partition();
    await scene.fill(partition, 2);
    await scene.accept(await scene.next(partition, { max_items: 1 }));
    for (const event of ['remove', 'resume', 'pause', 'drain'] as const) {
      await scene.store.changeDestination('team', event, null);
      expect((await scene.store.destinations())[0]?.state).toBe('removed');
    }
    await scene.destination();
    expect((await scene.store.destinations())[0]?.state).toBe('active');
    expect(await scene.next(partition)).toMatchObject({ first_offset: 2 });
  });

  test('draining goes on sending, and pausing it is possible', async () => {
    scene = await Scene.open(open);
    await scene.destination();
    await scene.store.changeDestination('team', 'drain', null);
    const partition = await scene.partition();
    await scene.fill(partition, 1);
    expect((await scene.plan(partition)).open).toHaveLength(1);
    await scene.store.changeDestination('team', 'pause', null);
    expect((await scene.plan(partition)).open).toHaveLength(0);
  });

  test('an unknown destination is named in the error', async () => {
    scene = await Scene.open(open);
    await expect(scene.store.changeDestination('nobody', 'pause', null)).rejects.toMatchObject({
      code: 'destination.unknown',
      message: expect.stringContaining('nobody') as string,
    });
  });

  test('progress shows what waits, since when, and why', async () => {
    scene = await Scene.open(open);
    await scene.destination();
    const partition = await scene.partition();
    await scene.fill(partition, 3, { observed_ms: NOW - 5 });
    await scene.end(await scene.next(partition, { max_items: 2 }), {
      kind: 'held',
      until_ms: NOW + 1000,
      refusal: { ...REFUSAL, class: 'forbidden' },
    });
    expect(await scene.store.progress()).toEqual([
      {
        destination_id: 'team',
        partition: 'events',
        waiting: 3,
        oldest_waiting_ms: NOW - 5,
        acked_offset: 0,
        open_batches: 1,
        suspects: 0,
        held: { class: 'forbidden', since_ms: NOW, message: 'no good' },
      },
    ]);
  });

  test('actions of operators and counters are kept', async () => {
    scene = await Scene.open(open);
    const action = { at_ms: NOW, actor: 'ana', verb: 'pause', target: 'team', detail: '' };
    await scene.store.recordAction(action);
    await scene.store.recordAction({ ...action, verb: 'resume' });
    await scene.store.count([
      { name: 'spool_dropped', label: 'hooks', by: 2 },
      { name: 'spool_dropped', label: 'hooks', by: 3 },
      { name: 'spool_dropped', label: 'other', by: 0 },
    ]);
    await scene.sut.reopen();
    expect((await scene.store.actions(1)).map(({ verb }) => verb)).toEqual(['resume']);
    expect(await scene.store.counters()).toEqual({ spool_dropped: { hooks: 5 } });
    expect(await scene.store.sources(STREAM)).toHaveLength(1);
  });

  test('an installation keeps its identity', async () => {
    scene = await Scene.open(open);
    const identity = await scene.store.identity();
    expect(identity.installation).toMatch(/^[0-9a-f-]{36}$/);
    await scene.sut.reopen();
    expect(await scene.store.identity()).toEqual(identity);
  });
}

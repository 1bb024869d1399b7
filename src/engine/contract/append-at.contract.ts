import { afterEach, expect, test } from 'vitest';
import { InvariantError, StaleError } from '../../platform/errors.ts';
import { TRANSACTION_LIMITS, type AppendAtResult, type Partition } from '../store.ts';
import { NOW, Scene, STREAM } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** Entries that another numbered (design §5 rule 2): dense, compared when known, refused when two number alike. */
export function appendAtContract(open: OpenStore): void {
  let scene: Scene;
  let partition: Partition;
  const start = async (): Promise<void> => {
    scene = await Scene.open(open);
    partition = await scene.partition('member.1');
  };
  afterEach(async () => {
    expect(await scene.store.verify()).toEqual([]);
    await scene.sut.close();
  });
  const put = (first_offset: number, payloads: (string | null)[], more = {}): Promise<AppendAtResult> =>
    scene.store.appendAt({
      partition_id: partition.partition_id,
      source_id: scene.source_id,
      first_offset,
      entries: payloads.map((payload) => ({ subject: 'm', observed_ms: NOW, payload })),
      now_ms: NOW,
      ...more,
    });
  const read = async (): Promise<unknown[]> =>
    (await scene.store.read(partition.partition_id, 1, 99)).map(({ offset, payload }) => [offset, payload]);

  test('entries continue at the last offset; known ones are compared and skipped, also after reopening', async () => {
    await start();
    expect(await put(1, ['a', 'b'])).toEqual({ appended: 2, known: 0, refused: null });
    await scene.sut.reopen();
    expect(await put(1, ['a', 'b', 'c'])).toEqual({ appended: 1, known: 2, refused: null });
    expect(await put(2, ['b'])).toEqual({ appended: 0, known: 1, refused: null });
    expect(await read()).toEqual([
      [1, 'a'],
      [2, 'b'],
      [3, 'c'],
    ]);
  });

  test('a gap is refused, and another payload at a known offset: nothing changes, no flow write is made', async () => {
    await start();
    await put(1, ['a', 'b']);
    const before = await scene.sut.dump();
    const writes = [{ sql: scene.sut.flowSql('UPDATE source SET holes = 7'), parameters: [] }];
    expect(await put(4, ['d'], { writes })).toEqual({ appended: 0, known: 0, refused: { why: 'gap', offset: 4 } });
    expect((await put(1, ['a', 'x', 'c'], { writes })).refused).toEqual({ why: 'other_payload', offset: 2 });
    expect(await scene.sut.dump()).toEqual(before);
  });

  test('a flow write commits with the entries, or nothing does', async () => {
    await start();
    const sql = scene.sut.flowSql('UPDATE source SET holes = 7 WHERE source_id < 0');
    const writes = [{ sql, parameters: [], expect_rows: 1 }];
    await expect(put(1, ['a'], { writes })).rejects.toThrow(StaleError);
    expect(await read()).toEqual([]);
    const counters = [{ name: 'operations', label: 'peer', by: 2 }];
    await put(1, ['a'], { counters });
    expect(await scene.counter('operations', 'peer')).toBe(2);
  });

  test('what was erased here or there keeps its offset, is never compared, and does not come back', async () => {
    await start();
    await put(1, ['a', null, 'c']);
    await scene.store.erase('m', NOW);
    expect(await put(1, ['zq7-text', 'b', 'c', 'd'])).toEqual({ appended: 1, known: 3, refused: null });
    expect(await read()).toEqual([
      [1, null],
      [2, null],
      [3, null],
      [4, null],
    ]);
    expect(await scene.sut.holds('zq7-text')).toBe(false);
  });

  test('a snapshot goes on after an offset that was never here; what stood before it is gone', async () => {
    await start();
    await put(1, ['a', 'b']);
    await scene.store.skipTo(partition.partition_id, 10, NOW);
    await scene.store.skipTo(partition.partition_id, 5, NOW);
    expect(await put(10, ['j', 'k'])).toEqual({ appended: 1, known: 1, refused: null });
    expect(await read()).toEqual([[11, 'k']]);
  });

  test('trim removes what is old enough up to an offset, and appends go on after it', async () => {
    await start();
    await put(1, ['a', 'b', 'c']);
    const trim = (through: number, before_ms: number) =>
      scene.store.trim(partition.partition_id, through, before_ms, NOW + 10);
    expect(await trim(3, NOW)).toEqual({ removed: 0, more: false });
    expect(await trim(2, NOW + 1)).toEqual({ removed: 2, more: false });
    expect(await put(1, ['x', 'y', 'c', 'd'])).toEqual({ appended: 1, known: 3, refused: null });
    expect(await read()).toEqual([
      [3, 'c'],
      [4, 'd'],
    ]);
  });

  test('more than one transaction holds, and keyed partitions, are refused', async () => {
    await start();
    const over = Array<string>(TRANSACTION_LIMITS.max_rows + 1).fill('x');
    await expect(put(1, over)).rejects.toThrow(InvariantError);
    await expect(put(1, ['x'.repeat(3_000_000), 'x'.repeat(3_000_000)])).rejects.toThrow(InvariantError);
    partition = await scene.store.openPartition({
      stream: `${STREAM}-keyed`,
      name: 'k',
      header: { kind: 'k' },
      delivery: 'keyed',
    });
    await expect(put(1, ['x'])).rejects.toThrow(InvariantError);
  });
}

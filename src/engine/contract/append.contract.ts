import { afterEach, expect, test } from 'vitest';
import { FullError, InvariantError, StaleError } from '../../platform/errors.ts';
import { APPEND_LIMITS, type NewEntry } from '../store.ts';
import { NOW, Scene, STREAM, accepted } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** Append (design §5 rules 1, 2 and 8): dense offsets, idempotence, clashes, all or nothing, limits and the cap. */
export function appendContract(open: OpenStore): void {
  let scene: Scene;
  const start = async (options?: Parameters<OpenStore>[0]): Promise<Scene> => (scene = await Scene.open(open, options));
  afterEach(async () => {
    expect(await scene.store.verify()).toEqual([]);
    await scene.sut.close();
  });

  test('offsets are dense, in commit order, over several partitions of one append', async () => {
    const { store } = await start();
    const a = await scene.partition('a');
    const b = await scene.partition('b');
    const rows = [a, b, a, a, b].map((partition) => scene.entry(partition));
    expect(await scene.add(rows)).toEqual({ appended: 5, duplicates: 0, clashes: 0, erased: 0 });
    await scene.add([scene.entry(b), scene.entry(a)]);
    const read = async (id: number): Promise<unknown[]> =>
      (await store.read(id, 1, 99)).map(({ offset, payload }) => [offset, payload]);
    expect(await read(a.partition_id)).toEqual([
      [1, '{"n":1}'],
      [2, '{"n":3}'],
      [3, '{"n":4}'],
      [4, '{"n":7}'],
    ]);
    expect(await read(b.partition_id)).toEqual([
      [1, '{"n":2}'],
      [2, '{"n":5}'],
      [3, '{"n":6}'],
    ]);
  });

  test('offsets are never reused after full retention, also after reopening', async () => {
    await start();
    const partition = await scene.partition();
    await scene.fill(partition, 5, { observed_ms: NOW - 10 });
    const { removed } = await scene.store.retain({ before_ms: NOW, target_bytes: null, now_ms: NOW });
    expect(removed).toBe(5);
    await scene.sut.reopen();
    await scene.fill(partition, 1);
    expect((await scene.store.read(partition.partition_id, 1, 99)).map(({ offset }) => offset)).toEqual([6]);
  });

  test('an append repeated with its checkpoint changes nothing', async () => {
    await start();
    const partition = await scene.partition();
    const entries = scene.entries(partition, 3);
    await scene.add(entries, 'line 3');
    await scene.sut.reopen();
    expect(await scene.checkpoint()).toBe('line 3');
    expect(await scene.add(entries, 'line 3')).toEqual({ appended: 0, duplicates: 3, clashes: 0, erased: 0 });
    expect(await scene.last(partition)).toBe(3);
    expect(await scene.counter('entries_duplicate', 'append')).toBe(3);
  });

  test('the appends of several sources commit together, each with its checkpoint, or none of them', async () => {
    const { store } = await start();
    const a = await scene.partition('a');
    const b = await scene.partition('b');
    const sources = await store.openSources(STREAM, ['one', 'two', 'file'], NOW);
    const requests = sources.map(({ source_id, name }) => ({
      source_id,
      entries: [scene.entry(a), scene.entry(b)],
      checkpoint: name === 'two' ? null : `end of ${name}`,
      counters: [{ name: 'lines_skipped', label: 'json', by: 2 }],
      now_ms: NOW,
    }));
    const sql = scene.sut.flowSql('UPDATE source SET holes = holes WHERE source_id < 0');
    const before = await scene.sut.dump();
    const stale = { ...requests[2]!, writes: [{ sql, parameters: [], expect_rows: 1 }] };
    await expect(store.appendTogether([requests[0]!, requests[1]!, stale])).rejects.toThrow(StaleError);
    expect(await scene.sut.dump()).toEqual(before);

    expect(await store.appendTogether(requests)).toEqual({ appended: 6, duplicates: 0, clashes: 0, erased: 0 });
    expect((await store.read(a.partition_id, 1, 99)).map(({ payload }) => payload)).toEqual(
      requests.map(({ entries }) => entries[0]?.payload),
    );
    expect(await scene.last(b)).toBe(3);
    expect(new Map((await store.sources(STREAM)).map(({ name, checkpoint }) => [name, checkpoint]))).toEqual(
      new Map([
        ['file', 'end of file'],
        ['one', 'end of one'],
        ['two', null],
      ]),
    );
    expect(await scene.counter('lines_skipped', 'json')).toBe(6);
    expect((await store.appendTogether(requests)).duplicates).toBe(6);
  });

  test('the limits of a transaction hold for appends together', async () => {
    const { store } = await start();
    const partition = await scene.partition();
    const [other] = await store.openSources(STREAM, ['other'], NOW);
    const rows = (count: number, payload = '{}'): NewEntry[] => scene.entries(partition, count, { payload });
    const both = (entries: NewEntry[], more: NewEntry[]): Promise<unknown> =>
      store.appendTogether([
        { source_id: scene.source_id, entries, checkpoint: null, now_ms: NOW },
        { source_id: other!.source_id, entries: more, checkpoint: null, now_ms: NOW },
      ]);
    const half = 'x'.repeat(APPEND_LIMITS.max_bytes / 2 + 1);
    await expect(both(rows(APPEND_LIMITS.max_rows), rows(1))).rejects.toThrow(InvariantError);
    await expect(both(rows(1, half), rows(1, half))).rejects.toThrow(InvariantError);
    expect(await scene.last(partition)).toBe(0);
  });

  test('many sources are opened at once: known ones with their newest epoch, in the order they were asked for', async () => {
    const { store } = await start();
    await scene.add([], 'line 1');
    const renewed = await store.openSource(STREAM, 'rewritten', NOW);
    const epoch = await store.nextEpoch(renewed.source_id, NOW);
    const opened = await store.openSources(STREAM, ['new', 'rewritten', 'file'], NOW);
    expect(opened.slice(1)).toEqual([epoch, await store.openSource(STREAM, 'file', NOW)]);
    expect(opened[0]).toMatchObject({ name: 'new', epoch: 1, checkpoint: null });
    expect(await store.openSources(STREAM, ['new'], NOW)).toEqual([opened[0]]);
    expect(await store.openSources('another stream', ['new'], NOW)).not.toEqual([opened[0]]);
  });

  test('a checkpoint moves without entries; null leaves it where it is', async () => {
    await start();
    const partition = await scene.partition();
    await scene.add([], 'line 1');
    await scene.add(scene.entries(partition, 1), null);
    expect(await scene.checkpoint()).toBe('line 1');
  });

  test('a position twice in one append is stored once', async () => {
    await start();
    const entry = scene.entry(await scene.partition());
    expect(await scene.add([entry, entry])).toEqual({ appended: 1, duplicates: 1, clashes: 0, erased: 0 });
  });

  test('the same position in a new epoch of the source is another entry', async () => {
    await start();
    const partition = await scene.partition();
    const entry = scene.entry(partition);
    await scene.add([entry], 'line 1');
    const epoch = await scene.store.nextEpoch(scene.source_id, NOW);
    expect(epoch).toMatchObject({ epoch: 2, checkpoint: null });
    expect((await scene.store.openSource(STREAM, 'file', NOW)).source_id).toBe(epoch.source_id);
    scene.source_id = epoch.source_id;
    expect((await scene.add([{ ...entry, payload: 'new' }])).appended).toBe(1);
  });

  test('a position read again with other content is a clash: a dead letter, and the checkpoint moves on', async () => {
    await start();
    const partition = await scene.partition();
    const entry = scene.entry(partition);
    await scene.add([entry], 'line 1');
    const again = [{ ...entry, payload: 'other' }, scene.entry(partition)];
    expect(await scene.add(again, 'line 2')).toEqual({ appended: 1, duplicates: 0, clashes: 1, erased: 0 });
    expect(await scene.checkpoint()).toBe('line 2');
    expect((await scene.store.read(partition.partition_id, 1, 1))[0]?.payload).toBe(entry.payload);
    expect(await scene.store.deadLetters({})).toMatchObject([
      { class: 'clash', offset: 1, payload: 'other', destination_id: null, state: 'open' },
    ]);
    // Read once more from the start: counted, but one dead letter says it.
    expect(await scene.add(again, 'line 2')).toEqual({ appended: 0, duplicates: 1, clashes: 1, erased: 0 });
    expect(await scene.store.deadLetters({})).toHaveLength(1);
    expect(await scene.counter('entries_clash', 'append')).toBe(2);
  });

  test('the same position under another schema or rule set is no clash', async () => {
    await start();
    const entry = scene.entry(await scene.partition('rules 1'));
    const other = await scene.partition('rules 2');
    await scene.add([entry]);
    expect(await scene.add([{ ...entry, partition_id: other.partition_id, payload: 'masked anew' }])).toEqual({
      appended: 0,
      duplicates: 1,
      clashes: 0,
      erased: 0,
    });
  });

  test('what was erased stays away: its source, a new epoch of it or retention do not bring it back', async () => {
    await start();
    const partition = await scene.partition();
    const entry = scene.entry(partition, { observed_ms: NOW - 10 });
    const other = scene.entry(partition, { subject: 'session-2' });
    await scene.add([entry]);
    await scene.store.erase(['session-1', 'never seen'], NOW);
    const nothing = { appended: 0, duplicates: 0, clashes: 0, erased: 1 };
    expect(await scene.add([{ ...entry, payload: 'other' }], 'line 1')).toEqual(nothing);
    expect(await scene.store.read(partition.partition_id, 1, 1)).toMatchObject([{ offset: 1, payload: null }]);
    await scene.store.retain({ before_ms: NOW, target_bytes: null, now_ms: NOW });
    await scene.sut.reopen();
    expect(await scene.add([entry, other], 'line 2')).toEqual({ ...nothing, appended: 1 });
    scene.source_id = (await scene.store.nextEpoch(scene.source_id, NOW)).source_id;
    expect(await scene.add([entry, scene.entry(partition, { subject: 'never seen' })])).toEqual({
      ...nothing,
      erased: 2,
    });
    expect(await scene.counter('entries_of_erased', 'append')).toBe(4);
  });

  test('a write of the flow with another row count rolls back entries, checkpoint and counters', async () => {
    await start();
    const partition = await scene.partition();
    const sql = scene.sut.flowSql(`UPDATE source SET holes = holes + 1 WHERE source_id = ${scene.source_id}`);
    const request = { source_id: scene.source_id, checkpoint: 'line 1', now_ms: NOW };
    const counters = [{ name: 'lines_skipped', label: 'json', by: 2 }];
    const before = await scene.sut.dump();
    const stale = scene.store.append({
      ...request,
      entries: scene.entries(partition, 2),
      counters,
      writes: [
        { sql, parameters: [], expect_rows: 1 },
        { sql, parameters: [], expect_rows: 2 },
      ],
    });
    await expect(stale).rejects.toThrow(StaleError);
    expect(await scene.sut.dump()).toEqual(before);
    await scene.store.append({
      ...request,
      entries: scene.entries(partition, 2, { subject: 'made after the roll-back' }),
      counters,
      writes: [{ sql, parameters: [], expect_rows: 1 }],
    });
    expect((await scene.store.sources(STREAM))[0]).toMatchObject({ holes: 1, checkpoint: 'line 1' });
    expect(await scene.counter('lines_skipped', 'json')).toBe(2);
    expect((await scene.store.erase('made after the roll-back', NOW)).entries).toBe(2);
  });

  test('a subject first seen in an append that failed is still erased later', async () => {
    await start();
    const partition = await scene.partition();
    const entry = scene.entry(partition, { subject: 'session-9' });
    const sql = scene.sut.flowSql('UPDATE source SET holes = holes WHERE source_id < 0');
    const writes = [{ sql, parameters: [], expect_rows: 1 }];
    const request = { source_id: scene.source_id, entries: [entry], checkpoint: null, now_ms: NOW };
    await expect(scene.store.append({ ...request, writes })).rejects.toThrow(StaleError);
    await scene.add(scene.entries(partition, 1, { subject: 'session-8' }));
    await scene.store.append(request);
    expect((await scene.store.erase('session-9', NOW)).entries).toBe(1);
    expect((await scene.store.read(partition.partition_id, 1, 2)).map(({ payload }) => payload === null)).toEqual([
      false,
      true,
    ]);
  });

  test('a transaction has at most 1,000 entries and 4 MiB, except for a single larger entry', async () => {
    await start();
    const partition = await scene.partition();
    const half = 'x'.repeat(APPEND_LIMITS.max_bytes / 2 + 1);
    await expect(scene.fill(partition, APPEND_LIMITS.max_rows + 1)).rejects.toThrow(InvariantError);
    await expect(scene.fill(partition, 2, { payload: half })).rejects.toThrow(InvariantError);
    // The limit counts bytes, not characters.
    await expect(scene.fill(partition, 2, { payload: '€'.repeat(half.length / 2) })).rejects.toThrow(InvariantError);
    expect(await scene.last(partition)).toBe(0);
    await scene.fill(partition, APPEND_LIMITS.max_rows);
    await scene.fill(partition, 1, { payload: half + half });
    expect(await scene.last(partition)).toBe(APPEND_LIMITS.max_rows + 1);
  });

  test('at the cap an append is refused whole, while settling, erasing and retention go on', async () => {
    await start({ cap_bytes: 1024 * 1024 });
    const partition = await scene.partition();
    await scene.destination();
    const chunk = { payload: 'x'.repeat(4000), observed_ms: NOW - 10 };
    let refused: unknown;
    let before: unknown;
    for (let i = 0; i < 100 && !refused; i++) {
      before = await scene.sut.dump();
      await scene.add(scene.entries(partition, 20, chunk), `step ${i}`).catch((error: unknown) => (refused = error));
    }
    expect(refused).toBeInstanceOf(FullError);
    expect(await scene.sut.dump()).toEqual(before);
    for (let done = false; !done;) {
      const [batch] = (await scene.plan(partition, { max_items: 50 })).open;
      if (batch) await scene.end(batch, accepted(batch));
      else done = true;
    }
    expect(await scene.acked(partition)).toBe(await scene.last(partition));
    expect((await scene.store.retain({ before_ms: NOW, target_bytes: null, now_ms: NOW })).removed).toBeGreaterThan(0);
    expect((await scene.fill(partition, 20, chunk)).appended).toBe(20);
  });

  test('partition and source are found again by name; a header never changes', async () => {
    await start();
    const first = await scene.partition('a');
    const again = await scene.store.openPartition({ stream: STREAM, name: 'a', header: { kind: 'another' } });
    expect(again).toEqual(first);
    await scene.sut.reopen();
    expect((await scene.store.partitions()).map(({ name, header }) => [name, header])).toEqual([['a', { kind: 'a' }]]);
  });
}

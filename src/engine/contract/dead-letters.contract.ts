import { afterEach, expect, test } from 'vitest';
import type { DeadLetter, Partition } from '../store.ts';
import { seededRandom } from '../../platform/random.ts';
import { NOW, REFUSAL, Scene, accepted, refusedItem } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** Dead letters and erasure: list, retry, discard, supersede; after an erase no byte of the subject is left. */
export function deadLettersContract(open: OpenStore): void {
  let scene: Scene;
  let partition: Partition;
  const start = async (entries: number): Promise<void> => {
    scene = await Scene.open(open);
    partition = await scene.partition();
    await scene.destination();
    await scene.fill(partition, entries);
  };
  const kill = async (): Promise<DeadLetter> => {
    await scene.end(await scene.next(partition, { max_items: 1 }), { kind: 'dead_letter', refusal: REFUSAL });
    return (await scene.store.deadLetters({ state: 'open' })).at(-1)!;
  };
  const state = async (letter: DeadLetter): Promise<unknown> =>
    (await scene.store.deadLetters({ ids: [letter.dead_letter_id] }))[0]?.state;
  afterEach(async () => {
    expect(await scene.store.verify()).toEqual([]);
    await scene.sut.close();
  });

  test('dead letters are listed by stream, destination, state and id, at most as many as asked', async () => {
    await start(3);
    const [first, second] = [await kill(), await kill()];
    const list = async (query: Parameters<Scene['store']['deadLetters']>[0]): Promise<number[]> =>
      (await scene.store.deadLetters(query)).map(({ offset }) => offset);
    expect(await list({})).toEqual([1, 2]);
    expect(await list({ limit: 1 })).toEqual([1]);
    expect(await list({ stream: 'memory' })).toEqual([]);
    expect(await list({ destination_id: 'team' })).toEqual([1, 2]);
    expect(await list({ destination_id: 'other' })).toEqual([]);
    expect(await list({ ids: [second.dead_letter_id] })).toEqual([2]);
    expect(await scene.store.discardDeadLetter(first.dead_letter_id)).toBe(true);
    expect(await list({ state: 'open' })).toEqual([2]);
  });

  test('a retried dead letter is sent under a new key, apart from the progress of its partition', async () => {
    await start(3);
    const letter = await kill();
    expect(await scene.store.retryDeadLetter(letter.dead_letter_id, 'retry')).toBe('retried');
    expect(await scene.store.retryDeadLetter(letter.dead_letter_id, 'twice')).toBe('gone');
    expect(await scene.acked(partition)).toBe(1);
    const batch = await scene.next(partition);
    expect(batch).toMatchObject({ batch_id: 'retry', first_offset: 1, items: 1, retry_of: letter.dead_letter_id });
    expect(await scene.store.readBatch('retry')).toEqual([{ offset: 1, payload: letter.payload }]);
    await scene.accept(batch);
    expect(await state(letter)).toBe('retried');
    expect(await scene.acked(partition)).toBe(1);
  });

  test('a retry sends the copy that the dead letter kept, also when its entry is gone', async () => {
    await start(1);
    const letter = await kill();
    await scene.store.retain({ before_ms: NOW + 1, target_bytes: null, now_ms: NOW + 1 });
    await scene.store.retryDeadLetter(letter.dead_letter_id, 'retry');
    expect(await scene.waiting()).toEqual(['events']);
    expect(await scene.store.readBatch('retry')).toEqual([{ offset: 1, payload: letter.payload }]);
    await scene.accept(await scene.next(partition));
    expect(await scene.waiting()).toEqual([]);
  });

  test('a retry that is refused again is open again, with the new reason, and condemns nobody', async () => {
    await start(2);
    const letter = await kill();
    await scene.store.retryDeadLetter(letter.dead_letter_id, 'retry');
    const refusal = { class: 'refused', code: 'worse', message: 'still no good', field: 'm' };
    await scene.end(await scene.next(partition), {
      kind: 'refused_item',
      refusal,
      suspicious: false,
      hold_until_ms: NOW + 1,
    });
    expect((await scene.store.deadLetters({}))[0]).toMatchObject({
      state: 'open',
      attempts: 2,
      code: 'worse',
      field: 'm',
      message: 'still no good',
    });
    expect((await scene.store.progress())[0]).toMatchObject({ held: null, suspects: 0 });
  });

  test('an accepted retry is no verdict on suspects: it may be sent because the destination was mended', async () => {
    await start(3);
    const letter = await kill();
    await scene.end(await scene.next(partition, { max_items: 1 }), refusedItem());
    await scene.store.retryDeadLetter(letter.dead_letter_id, 'retry');
    const retry = (await scene.plan(partition)).open.find(({ batch_id }) => batch_id === 'retry')!;
    await scene.end(retry, accepted(retry));
    expect((await scene.store.progress())[0]).toMatchObject({ suspects: 1, held: { class: 'refused' } });
    expect(await scene.store.deadLetters({ state: 'open' })).toEqual([]);
  });

  test('discarded and superseded dead letters are closed for good', async () => {
    await start(2);
    const [first, second] = [await kill(), await kill()];
    expect(await scene.store.discardDeadLetter(first.dead_letter_id)).toBe(true);
    expect(await scene.store.supersedeDeadLetter(second.dead_letter_id)).toBe(true);
    for (const { dead_letter_id } of [first, second]) {
      expect(await scene.store.retryDeadLetter(dead_letter_id, 'x')).toBe('gone');
      expect(await scene.store.discardDeadLetter(dead_letter_id)).toBe(false);
      expect(await scene.store.supersedeDeadLetter(dead_letter_id)).toBe(false);
    }
    expect([await state(first), await state(second)]).toEqual(['discarded', 'superseded']);
  });

  test('what was refused at capture is on record, belongs to no destination, and can be erased', async () => {
    await start(0);
    const letter = {
      dead_letter_id: 'c1',
      stream: 'telemetry',
      partition_id: partition.partition_id,
      offset: 0,
      class: 'oversize',
      code: 'too_large',
      field: null,
      message: 'cut',
      payload: 'the capture that was refused',
      at_ms: NOW,
      subject: 'session-1',
    };
    await scene.store.recordRefused(letter);
    expect(await scene.store.deadLetters({})).toMatchObject([
      { dead_letter_id: 'c1', destination_id: null, payload: letter.payload, state: 'open' },
    ]);
    expect(await scene.store.retryDeadLetter('c1', 'x')).toBe('gone');
    expect(await scene.store.erase('session-1', NOW)).toEqual({ entries: 0, dead_letters: 1 });
    expect(await scene.sut.holds('the capture that was refused')).toBe(false);
  });

  test('erase leaves no byte of a subject in any file, and touches nobody else', async () => {
    await start(0);
    // Sizes around a page and its overflow, so that cells move between pages.
    const sizes = Array.from({ length: 300 }, (_, i) => (i * 97) % 5000);
    const text = (subject: string, i: number): string => `${subject}-marker-${i} `.repeat(1 + sizes[i]! / 20);
    for (let from = 0; from < sizes.length; from += 50)
      await scene.add(
        sizes.slice(from, from + 50).map((_, i) => {
          const subject = (from + i) % 3 === 0 ? 'private' : 'public';
          return scene.entry(partition, { subject, payload: text(subject, from + i) });
        }),
      );
    for (let i = 0; i < 3; i++) await kill();
    expect(await scene.sut.holds('private-marker-297')).toBe(true);
    expect(await scene.store.erase('private', NOW)).toEqual({ entries: 100, dead_letters: 1 });
    expect(await scene.sut.holds('private-marker')).toBe(false);
    const left = await scene.store.read(partition.partition_id, 1, 300);
    expect(left.map(({ payload }) => payload)).toEqual(sizes.map((_, i) => (i % 3 === 0 ? null : text('public', i))));
    expect(await scene.store.erase('private', NOW)).toEqual({ entries: 0, dead_letters: 0 });
    expect(await scene.counter('entries_erased', 'erase')).toBe(100);
  });

  test('erase leaves no byte either where pages were split and merged: inserts amid, retention, rewrites', async () => {
    await start(0);
    const partitions = [partition, await scene.partition('b'), await scene.partition('c')];
    const draw = seededRandom(5);
    for (let round = 0; round < 40; round++) {
      const entries = Array.from({ length: 30 }, () => {
        const subject = draw.unit() < 0.2 ? 'private' : 'public';
        const payload = `${subject}-marker `.repeat(1 + draw.unit() ** 3 * 500);
        const place = partitions[Math.floor(draw.unit() * 3)]!;
        return scene.entry(place, { subject, payload, observed_ms: NOW - 100 + round });
      });
      await scene.add(entries);
      const offset = Math.max(1, (await scene.last(partition)) - 3);
      await scene.store.rewrite(partition.partition_id, new Map([[offset, 'x'.repeat(round * 70)]]));
    }
    await scene.store.changeDestination('team', 'remove', null);
    await scene.store.retain({ before_ms: NOW - 90, target_bytes: null, now_ms: NOW });
    await scene.store.erase('private', NOW);
    expect(await scene.sut.holds('private-marker')).toBe(false);
    expect(await scene.sut.holds('public-marker')).toBe(true);
  });

  test('a text is found in entries and in copies of dead letters, as a value and in any case, until it is erased', async () => {
    await start(1);
    const said = (text: string): string => JSON.stringify({ said: [text] });
    await scene.add([
      scene.entry(partition, { subject: 'ada', payload: said('a "Heliotrope"') }),
      scene.entry(partition, { subject: 'bo', payload: said('helio trope') }),
      scene.entry(partition, { subject: 'said', payload: said('x') }),
    ]);
    const refused = {
      dead_letter_id: 'l',
      stream: 'telemetry',
      field: null,
      class: 'schema',
      code: 'x',
      message: 'x',
      at_ms: NOW,
    } as const;
    const at = { partition_id: partition.partition_id, offset: 1 };
    await scene.store.recordRefused({ ...refused, ...at, subject: 'cleo', payload: said('heliotropes') });
    expect((await scene.store.subjectsContaining('heliotrope')).sort()).toEqual(['ada', 'cleo']);
    expect(await scene.store.subjectsContaining('a "heliotrope"')).toEqual(['ada']);
    expect(await scene.store.subjectsContaining('said')).toEqual([]);
    await scene.store.erase(['ada', 'cleo'], NOW);
    expect(await scene.store.subjectsContaining('heliotrope')).toEqual([]);
  });

  test('after a scrub no byte is left of what was rewritten', async () => {
    await start(0);
    const others = await scene.partition('b');
    for (let i = 0; i < 60; i++)
      await scene.add([
        scene.entry(partition, { payload: 'weakly masked '.repeat(1 + (i % 50)) }),
        scene.entry(others, { payload: 'y'.repeat(i * 20) }),
      ]);
    const masked = new Map(Array.from({ length: 60 }, (_, i) => [i + 1, `well masked ${i}`]));
    await scene.store.rewrite(partition.partition_id, masked);
    await scene.store.scrub();
    expect(await scene.sut.holds('weakly masked')).toBe(false);
    expect(await scene.sut.holds('well masked 59')).toBe(true);
  });

  test('a retry that was read before an erase and claimed after it sends nothing', async () => {
    await start(1);
    const letter = await kill();
    await scene.store.retryDeadLetter(letter.dead_letter_id, 'retry');
    await scene.store.readBatch('retry');
    await scene.store.erase('session-1', NOW);
    expect(await scene.store.claim('retry', 'hash of the old text', 'fresh', NOW)).toBeNull();
  });

  test('erased while it was sent or retried, an item leaves a closed record without a copy', async () => {
    await start(2);
    const letter = await kill();
    await scene.store.retryDeadLetter(letter.dead_letter_id, 'retry');
    const [retry, batch] = (await scene.plan(partition, { window: 2, max_items: 1 })).open;
    const fences = [await scene.claim(retry!), await scene.claim(batch!)];
    await scene.store.erase('session-1', NOW);
    await scene.settle(retry!, fences[0]!, refusedItem());
    await scene.settle(batch!, fences[1]!, { kind: 'dead_letter', refusal: REFUSAL });
    expect((await scene.store.deadLetters({})).map((row) => [row.offset, row.state, row.payload])).toEqual([
      [1, 'discarded', null],
      [2, 'discarded', null],
    ]);
  });

  test('a rewrite reaches dead letters; the other reading of a clash is erased', async () => {
    await start(1);
    const letter = await kill();
    const entry = { partition_id: partition.partition_id, cursor: '1', subject: 'session-1', observed_ms: NOW };
    await scene.add([{ ...entry, payload: 'another secret reading' }]);
    await scene.store.rewrite(partition.partition_id, new Map([[1, 'masked better']]));
    expect((await scene.store.deadLetters({ ids: [letter.dead_letter_id] }))[0]?.payload).toBe('masked better');
    expect(await scene.sut.holds('another secret reading')).toBe(false);
    await scene.store.rewrite(partition.partition_id, new Map([[1, null]]));
    expect((await scene.store.deadLetters({})).map(({ payload, state }) => [payload, state])).toEqual([
      [null, 'discarded'],
      [null, 'discarded'],
    ]);
  });
}

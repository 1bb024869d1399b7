import { afterEach, expect, test } from 'vitest';
import type { DeadLetter } from '../store.ts';
import { DONE, KEYED_STREAM, KeyedScene, refusedKey } from './keyed-scene.ts';
import { NOW, REFUSAL } from './scene.ts';
import type { OpenStore } from './store-under-test.ts';

/** Dead letters of keys: they hold the key until somebody retries, discards or erases. */
export function heldKeysContract(open: OpenStore): void {
  let scene: KeyedScene;
  const start = async (): Promise<KeyedScene> => (scene = await KeyedScene.open(open));
  /** A key that changed, with a dead letter. */
  const hold = async (key: string, subject: string | null = null): Promise<DeadLetter> => {
    await scene.add([scene.entry(key, { subject, payload: `text of ${key}` })]);
    await scene.settle(await scene.next(), { kind: 'dead_letter', refusal: REFUSAL });
    return (await scene.store.deadLetters({ state: 'open' })).at(-1)!;
  };
  const state = async ({ dead_letter_id }: DeadLetter): Promise<unknown> =>
    (await scene.store.deadLetters({ ids: [dead_letter_id] }))[0]?.state;
  afterEach(async () => {
    expect(await scene.store.verify()).toEqual([]);
    await scene.sut.close();
  });

  test('a dead letter holds its key: it is claimed no more, while its changes go on counting', async () => {
    await start();
    const letter = await hold('a');
    expect(letter).toMatchObject({
      key: 'a',
      partition: 'epoch 1',
      offset: 1,
      payload: null,
      attempts: 1,
      state: 'open',
    });
    await scene.change('a', 'b');
    expect(await scene.claimKeys()).toEqual(['b']);
    expect(await scene.progress()).toMatchObject({ waiting: 1, held_keys: 1 });
    expect(await scene.store.keyed.nextDue('store', NOW)).toBeNull();
    await scene.sut.reopen();
    expect(await scene.claimKeys()).not.toContain('a');
  });

  test('a retry marks the key dirty, with nothing held against it', async () => {
    await start();
    const letter = await hold('a');
    expect(await scene.store.retryDeadLetter(letter.dead_letter_id, 'unused')).toBe('retried');
    expect(await scene.store.retryDeadLetter(letter.dead_letter_id, 'unused')).toBe('gone');
    const task = await scene.next();
    expect(task).toMatchObject({ key: 'a', attempts: 0, failures: 0 });
    await scene.settle(task, DONE);
    expect(await state(letter)).toBe('retried');
    expect(await scene.progress()).toMatchObject({ waiting: 0, held_keys: 0 });
  });

  test('a retry that is refused again is open once more: the same letter, with the newest reason', async () => {
    await start();
    const letter = await hold('a');
    await scene.store.retryDeadLetter(letter.dead_letter_id, 'unused');
    const refusal = { ...REFUSAL, code: 'worse' };
    // No neighbour passed; an operator's retry needs none.
    expect(await scene.settle(await scene.next(), refusedKey({ refusal }))).toMatchObject({ dead_letter: true });
    expect(await scene.store.deadLetters({})).toMatchObject([
      { dead_letter_id: letter.dead_letter_id, state: 'open', code: 'worse', attempts: 2 },
    ]);
    expect(await scene.claim()).toEqual([]);
  });

  test('discard gives up what was refused', async () => {
    await start();
    const letter = await hold('a');
    expect(await scene.store.discardDeadLetter(letter.dead_letter_id)).toBe(true);
    expect(await scene.store.discardDeadLetter(letter.dead_letter_id)).toBe(false);
    expect(await scene.progress()).toMatchObject({ waiting: 0, held_keys: 0 });
    await scene.change('a');
    expect(await scene.next()).toMatchObject({ key: 'a', attempts: 0 });
  });

  test('discard lets go on what changed since', async () => {
    await start();
    const letter = await hold('a');
    await scene.change('a');
    await scene.store.discardDeadLetter(letter.dead_letter_id);
    expect(await state(letter)).toBe('discarded');
    await scene.settle(await scene.next(), DONE);
    expect(await scene.progress()).toMatchObject({ waiting: 0 });
  });

  test('erasing the subject discards its letters and sends the key on its way again', async () => {
    await start();
    const mine = await hold('a', 'session-1');
    const other = await hold('b', 'session-2');
    expect(await scene.store.erase('session-1', NOW)).toEqual({ entries: 1, dead_letters: 1 });
    expect([await state(mine), await state(other)]).toEqual(['discarded', 'open']);
    expect(await scene.claimKeys()).toEqual(['a']);
    expect(await scene.sut.holds('text of a')).toBe(false);
    // Its tombstone keeps the source from bringing it back; a touch still may, so that the deletion is sent.
    await scene.add([scene.entry('a', { subject: 'session-1' }), scene.entry('c', { subject: 'session-1' })]);
    expect(await scene.claimKeys()).toEqual([]);
  });

  test('erasing a key leaves no byte of what its entries held, touches no other, and forbids nothing', async () => {
    await start();
    const mine = await hold('a');
    await hold('b');
    expect(await scene.store.keyed.eraseKey('another stream', 'a', NOW)).toEqual({ entries: 0, dead_letters: 0 });
    expect(await scene.store.keyed.eraseKey(KEYED_STREAM, 'a', NOW)).toEqual({ entries: 1, dead_letters: 1 });
    expect(await scene.sut.holds('text of a')).toBe(false);
    expect(await scene.sut.holds('text of b')).toBe(true);
    expect(await state(mine)).toBe('discarded');
    const task = await scene.next();
    expect(task.key).toBe('a');
    await scene.settle(task, DONE);
    await scene.change('a');
    expect(await scene.claimKeys()).toEqual(['a']);
  });

  test('the letter of a removed destination stays, and still holds its key when that comes back', async () => {
    await start();
    const letter = await hold('a');
    await scene.store.changeDestination('store', 'remove', null);
    await scene.store.retain({ before_ms: 0, target_bytes: null, now_ms: NOW });
    await scene.destination('store');
    await scene.change('a');
    expect(await scene.claim()).toEqual([]);
    expect(await state(letter)).toBe('open');
  });

  test('a retried letter that retention took is written anew when its key is refused again', async () => {
    await start();
    const letter = await hold('a');
    await scene.store.retryDeadLetter(letter.dead_letter_id, 'unused');
    const task = await scene.next();
    await scene.store.retain({ before_ms: 0, target_bytes: null, now_ms: NOW + 31 * 86_400_000 });
    expect(await scene.store.deadLetters({})).toEqual([]);
    await scene.settle(task, refusedKey());
    expect(await scene.store.deadLetters({})).toMatchObject([{ key: 'a', state: 'open' }]);
  });
}

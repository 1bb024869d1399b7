import { afterEach, beforeEach, expect, it } from 'vitest';
import { NOW, OWNER, Scene, TEAM, callMessage, headOf, keyOf, message, nextPut, wholePut } from './scene.ts';
import type { OpenSessionStore } from './store-under-test.ts';

const SHA = 'abc1234def';
const turns = [
  message(0, 'the heliotrope secret'),
  callMessage(1, { result: `commit ${SHA}`, category: 'Edit', file_path: 'src/heliotrope.ts' }),
];

/** A person withdrew it: nothing of it is left, and a late retry does not bring it back. */
export function removalContract(open: OpenSessionStore): void {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open(open);
  });
  afterEach(() => scene.sut.close());

  it.each(['unshared', 'erased'] as const)('takes an %s session out of everything', async (reason) => {
    const { key } = await scene.add('one', turns, { title: 'A heliotrope title', redactions: { jwt: 1 } });
    await scene.add('two', [message(0, 'the heliotrope remains')], { parent_key: key, relationship: 'fork' });
    expect(await scene.store.remove(TEAM, key, OWNER, reason)).toBe('removed');

    const { store, reader } = scene;
    expect(await scene.found('heliotrope')).toEqual(['two:0']);
    expect(await scene.listed()).toEqual(['two']);
    expect(await store.find(reader, key)).toBeNull();
    expect(await store.find(reader, 'native-one')).toBeNull();
    expect(await store.messages(reader, key, 0, 10)).toEqual([]);
    expect(await store.links(reader, key)).toEqual([]);
    expect(await store.linked(reader, { sha: SHA }, 10)).toEqual([]);
    expect(await store.editing(reader, 'heliotrope.ts', {}, 10)).toEqual([]);
    expect(await store.tree(reader, key)).toBeNull();
    expect(await store.tree(reader, keyOf('two'))).toMatchObject({ session: { key: keyOf('two') }, children: [] });
    expect(await store.totals(reader)).toMatchObject({ sessions: 1, messages: 1, redactions: {} });
    expect(await store.state(TEAM, key)).toBeNull();
  });

  it('leaves no byte of what was removed after a scrub', async () => {
    const { key } = await scene.add('one', turns, { title: 'heliotrope' });
    await scene.add('two', [message(0, 'the marigold remains')]);
    const present = await scene.sut.holds('heliotrope');
    await scene.store.remove(TEAM, key, OWNER, 'erased');
    await scene.store.scrub();
    if (present !== null) {
      expect(present).toBe(true);
      expect(await scene.sut.holds('heliotrope')).toBe(false);
      expect(await scene.sut.holds('marigold')).toBe(true);
    }
    expect(await scene.found('marigold')).toEqual(['two:0']);
  });

  it('leaves no byte of a segment that was replaced, nor of a former title, after a scrub', async () => {
    const put = await scene.add('one', turns, { title: 'heliotrope' });
    const after = wholePut(headOf('one'), [message(0, 'now masked')]);
    expect(await scene.put(nextPut(put, after))).toEqual({ kind: 'stored' });
    await scene.store.scrub();
    expect(await scene.sut.holds('heliotrope')).not.toBe(true);
    expect(await scene.found('masked')).toEqual(['one:0']);
  });

  it('refuses a late retry of an unshared session, and takes it when it is shared again', async () => {
    const put = await scene.add('one', turns);
    await scene.store.remove(TEAM, put.key, OWNER, 'unshared');
    expect(await scene.put(put)).toEqual({ kind: 'erased' });
    const next = nextPut(put, wholePut(headOf('one'), turns.slice(0, 1)));
    expect(await scene.put(next)).toEqual({ kind: 'erased' });
    expect(await scene.put({ ...put, restores: true })).toEqual({ kind: 'stored' });
    expect(await scene.found('heliotrope')).toEqual(['one:0']);
    expect(await scene.put(nextPut(put, wholePut(headOf('one', { title: 'x' }), turns)))).toEqual({ kind: 'stored' });
  });

  it('never takes back what was erased', async () => {
    const put = await scene.add('one', turns);
    await scene.store.remove(TEAM, put.key, OWNER, 'erased');
    for (const restores of [undefined, true]) expect(await scene.put({ ...put, restores })).toEqual({ kind: 'erased' });
    expect(await scene.put({ ...put, restores: true, owner: 'bo/desktop' })).toEqual({ kind: 'erased' });
    const gone = { key: put.key, base: put.fingerprint, fingerprint: 'f'.repeat(16), owner: OWNER, since_ms: NOW };
    expect(await scene.store.markGone(TEAM, gone)).toEqual({ kind: 'erased' });
    expect(await scene.store.remove(TEAM, put.key, OWNER, 'unshared')).toBe('absent');
    expect(await scene.put({ ...put, restores: true })).toEqual({ kind: 'erased' });
  });

  it('erases also what was only unshared before, and what has not come yet', async () => {
    const put = await scene.add('one', turns);
    await scene.store.remove(TEAM, put.key, OWNER, 'unshared');
    expect(await scene.store.remove(TEAM, put.key, OWNER, 'erased')).toBe('absent');
    expect(await scene.put({ ...put, restores: true })).toEqual({ kind: 'erased' });
    const unknown = wholePut(headOf('new'), turns);
    expect(await scene.store.remove(TEAM, unknown.key, OWNER, 'erased')).toBe('absent');
    expect(await scene.put(unknown)).toEqual({ kind: 'erased' });
  });

  it('keeps the tombstone of one team from another', async () => {
    const put = await scene.add('one', turns);
    await scene.store.remove(TEAM, put.key, OWNER, 'erased');
    expect(await scene.store.put('other', put)).toEqual({ kind: 'stored' });
  });
}

import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scratchDirectory } from '../../../../test/support/scratch-directory.ts';
import { OWNER, TEAM, headOf, keyOf, message, nextPut, wholePut } from '../contract/scene.ts';
import { SessionStoreThreads } from './session-store-threads.ts';

const reader = { team_id: TEAM };
const page = { limit: 10, after: null };
let folder: ReturnType<typeof scratchDirectory>;
let path: string;
let store: SessionStoreThreads;

beforeEach(() => {
  folder = scratchDirectory();
  path = join(folder.path, 'sessions-store.db');
  store = new SessionStoreThreads({ path });
});
afterEach(async () => {
  await store.close();
  folder.remove();
});

const put = (name: string, text: string): ReturnType<typeof wholePut> => wholePut(headOf(name), [message(0, text)]);

describe('the store of conversations behind threads', () => {
  it('answers every call as the store does, and reads see what was written before', async () => {
    const one = put('one', 'granite');
    expect(await store.put(TEAM, one)).toEqual({ kind: 'stored' });
    expect((await store.search(reader, { text: 'granite' }, page)).total).toBe(1);
    expect((await store.list(reader, {}, page)).sessions.map(({ key }) => key)).toEqual([one.key]);
    expect(await store.find(reader, one.key)).toMatchObject({ native_id: 'native-one' });
    expect(await store.messages(reader, one.key, 0, 10)).toEqual([message(0, 'granite')]);
    expect(await store.links(reader, one.key)).toEqual([]);
    expect(await store.linked(reader, { sha: 'abcdef0' }, 10)).toEqual([]);
    expect(await store.tree(reader, one.key)).toMatchObject({ children: [] });
    expect(await store.editing(reader, 'a.ts', {}, 10)).toEqual([]);
    expect(await store.facets(reader, {})).toMatchObject({ agents: ['claude'] });
    expect(await store.totals(reader)).toMatchObject({ sessions: 1, messages: 1 });
    expect(await store.state(TEAM, one.key)).toMatchObject({ owner: OWNER });
    const gone = { key: one.key, base: one.fingerprint, fingerprint: 'f'.repeat(16), owner: OWNER, since_ms: 1 };
    expect(await store.markGone(TEAM, gone)).toEqual({ kind: 'stored' });
    expect(await store.sizeBytes()).toBeGreaterThan(0);
    expect(await store.remove(TEAM, one.key, OWNER, 'erased')).toBe('removed');
    await store.scrub();
    expect(await store.find(reader, keyOf('one'))).toBeNull();
  });

  it('opens a new file for both threads at once', async () => {
    const both = await Promise.all([store.totals(reader), store.put(TEAM, put('one', 'x')), store.find(reader, 'x')]);
    expect(both[1]).toEqual({ kind: 'stored' });
    expect(await store.totals(reader)).toMatchObject({ sessions: 1 });
  });

  it('writes in the order of calls', async () => {
    const first = put('one', 'granite');
    const second = nextPut(first, put('one', 'basalt'));
    const results = await Promise.all([store.put(TEAM, first), store.put(TEAM, second), store.put(TEAM, second)]);
    expect(results.map(({ kind }) => kind)).toEqual(['stored', 'stored', 'already']);
  });

  it('passes errors on with their class, code and field', async () => {
    const refused = store.put(TEAM, { ...put('one', 'x'), key: keyOf('two') });
    await expect(refused).rejects.toMatchObject({ name: 'InvalidInputError', code: 'sessions.put', field: 'head.key' });
    const cursor = store.list(reader, {}, { limit: 1, after: 'junk' });
    await expect(cursor).rejects.toMatchObject({ name: 'InvalidInputError', code: 'sessions.cursor' });
    const full = new SessionStoreThreads({ path, max_bytes: 1 });
    await expect(full.put(TEAM, put('one', 'x '.repeat(1_000_000)))).rejects.toMatchObject({
      name: 'FullError',
      code: 'full',
    });
    await full.close();
    expect(await store.find(reader, keyOf('one'))).toBeNull();
  });

  it('fails the calls of a thread that cannot open its file, instead of leaving them waiting', async () => {
    const nowhere = new SessionStoreThreads({ path: join(folder.path, 'missing', 'store.db') });
    await expect(nowhere.find(reader, 'x')).rejects.toMatchObject({ code: 'sessions.thread' });
    await expect(nowhere.put(TEAM, put('one', 'x'))).rejects.toMatchObject({ code: 'sessions.thread' });
    await nowhere.close();
  });

  it('finishes what it was given before it closes, and rejects what comes after', async () => {
    const results = [store.put(TEAM, put('one', 'x')), store.put(TEAM, put('two', 'y'))];
    await store.close();
    expect((await Promise.all(results)).map(({ kind }) => kind)).toEqual(['stored', 'stored']);
    await expect(store.find(reader, 'x')).rejects.toMatchObject({ code: 'sessions.closed' });
  });

  it('leaves the loop free while it searches', async () => {
    const words = Array.from({ length: 1000 }, (_, i) => message(i, `granite ${i} ${'basalt '.repeat(40)}`));
    for (let s = 0; s < 10; s++) await store.put(TEAM, wholePut(headOf(`s${s}`), words));
    let turns = 0;
    let searching = true;
    const turn = (): void => {
      turns++;
      if (searching) setImmediate(turn);
    };
    setImmediate(turn);
    expect((await store.search(reader, { text: 'granite basalt' }, page)).total).toBe(10_000);
    searching = false;
    // On the loop itself the search would be over before the first turn.
    expect(turns).toBeGreaterThan(10);
  });
});

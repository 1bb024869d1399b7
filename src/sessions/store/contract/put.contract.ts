import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { TranscriptPut } from '../transcript.ts';
import {
  Scene,
  OWNER,
  TEAM,
  callMessage,
  headOf,
  keyOf,
  message,
  nameOf,
  nextPut,
  toolCall,
  wholePut,
  NOW,
} from './scene.ts';
import type { OpenSessionStore } from './store-under-test.ts';

const many = (from: number, to: number, text = 'turn'): ReturnType<typeof message>[] =>
  Array.from({ length: to - from }, (_, i) => message(from + i, `${text} ${from + i}`));

/** One write: all of it or nothing, over what the sender believes is there. */
export function putContract(open: OpenSessionStore): void {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open(open);
  });
  afterEach(() => scene.sut.close());

  const read = (key: string, from = 0, limit = 1000): ReturnType<Scene['store']['messages']> =>
    scene.store.messages(scene.reader, key, from, limit);

  it('keeps what it was given, byte for byte', async () => {
    const odd = [
      message(0, 'NUL \0, a lone surrogate \ud83d, a pair 😀, "quotes", back\\slash, \r\n, \u2028', {
        thinking: '',
        source_uuid: 'u-0',
      }),
      message(3, '', { role: 'tool', timestamp_ms: null, is_system: true, is_compact_boundary: true }),
      message(7, 'reply', {
        role: 'assistant',
        thinking: 'a thought',
        model: 'opus',
        is_sidechain: true,
        cut_bytes: 12,
        usage: { input_tokens: 1, output_tokens: null, cache_read_tokens: 0, cache_write_tokens: 3, context_tokens: 4 },
        tool_calls: [
          toolCall(0, {
            input_json: '{"command":"ls\\n\\u0000"}',
            result: 'one\0two',
            result_bytes: 7,
            result_at_ms: NOW,
          }),
          toolCall(1, { tool_use_id: 't1', category: 'Read', input_json: null, file_path: 'src/a.ts', is_error: true }),
          toolCall(4, { tool_use_id: 't1', skill_name: 's', subagent_native_id: 'agent-1', input_json: 'not JSON {' }),
        ],
      }),
      message(64, 'second segment'),
      message(100_000, 'far away'),
    ];
    const head = headOf('odd', {
      title: 'A \0 title \udc00',
      first_message: 'hello',
      models: ['opus', 'sonnet'],
      pins: [{ ordinal: 3, note: 'look', created_at_ms: null }],
      presence: { kind: 'source_gone', since_ms: NOW },
      redactions: { jwt: 2 },
      cwd: '~/web',
    });
    expect(await scene.put(wholePut(head, odd))).toEqual({ kind: 'stored' });
    const messages = await read(head.key);
    expect(messages).toEqual(odd);
    expect(JSON.stringify(messages.map(sorted))).toBe(JSON.stringify(odd.map(sorted)));
    const session = await scene.store.find(scene.reader, head.key);
    expect(session).toEqual({
      ...head,
      team_id: TEAM,
      stored_at_ms: NOW,
      arriving: false,
      commits: 0,
      pull_requests: 0,
    });
  });

  it('pages through messages by ordinal', async () => {
    const put = await scene.add('long', [...many(0, 150), message(400, 'last')]);
    expect((await read(put.key, 10, 3)).map(({ ordinal }) => ordinal)).toEqual([10, 11, 12]);
    expect((await read(put.key, 149, 1000)).map(({ ordinal }) => ordinal)).toEqual([149, 400]);
    expect(await read(put.key, 401)).toEqual([]);
    expect(await read(keyOf('nobody'))).toEqual([]);
  });

  it('tells what it has, for the next difference', async () => {
    const put = await scene.add('one', many(0, 130));
    expect(await scene.store.state(TEAM, put.key)).toEqual({
      fingerprint: put.fingerprint,
      owner: OWNER,
      segment_hashes: put.segment_hashes,
    });
    expect(await scene.store.state('other', put.key)).toBeNull();
    expect(await scene.store.state(TEAM, keyOf('nobody'))).toBeNull();
  });

  it('replaces the segments that come, keeps those that are listed, removes the others', async () => {
    const first = await scene.add('one', many(0, 200));
    const changed = [...many(0, 64), ...many(70, 100, 'edited'), message(130, 'kept away')];
    const second = nextPut(first, wholePut(headOf('one', { message_count: changed.length }), changed));
    expect(second.segments.map(({ index }) => index)).toEqual([1, 2]);
    expect(await scene.put(second)).toEqual({ kind: 'stored' });
    expect(await read(first.key)).toEqual(changed);
    const third = nextPut(second, wholePut(headOf('one'), changed.slice(0, 64)));
    expect(third.segments).toEqual([]);
    expect(await scene.put(third)).toEqual({ kind: 'stored' });
    expect(await read(first.key)).toEqual(changed.slice(0, 64));
    expect((await scene.store.state(TEAM, first.key))?.segment_hashes).toEqual(third.segment_hashes);
    expect(await scene.found('edited')).toEqual([]);
  });

  it('is after any row of puts as if only the last one had come', async () => {
    const word = fc.constantFrom('onyx', 'jade', 'ruby', 'onyx jade');
    const turn = fc.record({
      ordinal: fc.oneof(fc.nat(5), fc.nat(200)),
      said: word,
      result: fc.option(fc.constantFrom('jade output', 'commit abcdef0', 'pr https://github.com/acme/web/pull/1')),
      source_uuid: fc.option(fc.constantFrom('u-1', 'u-2', 'u-3')),
    });
    const version = fc.record({
      turns: fc.uniqueArray(turn, { maxLength: 8, selector: ({ ordinal }) => ordinal }),
      title: fc.option(word),
      project: fc.constantFrom('github.com/acme/web', 'label'),
    });
    const putOf = ({
      turns,
      title,
      project,
    }: typeof version extends fc.Arbitrary<infer V> ? V : never): TranscriptPut => {
      const messages = turns
        .toSorted((a, b) => a.ordinal - b.ordinal)
        .map(({ ordinal, said, result, source_uuid }) =>
          result === null
            ? message(ordinal, said, { source_uuid })
            : callMessage(
                ordinal,
                { result, category: 'Edit', file_path: `${said}.ts` },
                { source_uuid, content: said },
              ),
        );
      return wholePut(headOf('one', { title, project, message_count: messages.length }), messages);
    };
    await fc.assert(
      fc.asyncProperty(fc.array(version, { minLength: 2, maxLength: 5 }), async (versions) => {
        const puts = versions.map(putOf);
        const seen = await Promise.all([puts, puts.slice(-1)].map((row) => afterPuts(open, row)));
        expect(seen[0]).toEqual(seen[1]);
      }),
      { numRuns: 40 },
    );
  });

  it('takes a new head without segments', async () => {
    const first = await scene.add('one', many(0, 2));
    scene.time.now_ms += 5000;
    const renamed = nextPut(first, wholePut(headOf('one', { title: 'Renamed', member: 'bo' }), many(0, 2)));
    expect(renamed.segments).toEqual([]);
    expect(await scene.put(renamed)).toEqual({ kind: 'stored' });
    const session = await scene.store.find(scene.reader, first.key);
    expect(session).toMatchObject({ title: 'Renamed', member: 'bo', stored_at_ms: NOW + 5000 });
    expect(await read(first.key)).toHaveLength(2);
  });

  it('says that it has exactly this already, whatever the base', async () => {
    const put = await scene.add('one', many(0, 3));
    expect(await scene.put(put)).toEqual({ kind: 'already' });
    expect(await scene.put({ ...put, base: put.fingerprint })).toEqual({ kind: 'already' });
    expect(await scene.put({ ...put, base: '0123456789abcdef' })).toEqual({ kind: 'already' });
  });

  it('answers another base with what it has, and changes nothing', async () => {
    const first = await scene.add('one', many(0, 70));
    const other = wholePut(headOf('one', { title: 'other' }), many(0, 3));
    const stale = { kind: 'stale', fingerprint: first.fingerprint, segment_hashes: first.segment_hashes };
    expect(await scene.put({ ...other, base: null })).toEqual(stale);
    expect(await scene.put({ ...other, base: '0123456789abcdef' })).toEqual(stale);
    expect(await read(first.key)).toHaveLength(70);
    const unknown = wholePut(headOf('new'), many(0, 3), { base: '0123456789abcdef' });
    expect(await scene.put(unknown)).toEqual({ kind: 'stale', fingerprint: null, segment_hashes: [] });
    expect(await scene.store.find(scene.reader, unknown.key)).toBeNull();
  });

  it('is stale when a listed segment is neither there nor sent, or there with another hash', async () => {
    const first = await scene.add('one', many(0, 64));
    const stale = { kind: 'stale', fingerprint: first.fingerprint, segment_hashes: first.segment_hashes };
    const longer = nextPut(first, wholePut(headOf('one'), many(0, 200)));
    expect(await scene.put({ ...longer, segments: longer.segments.slice(1) })).toEqual(stale);
    const edited = nextPut(first, wholePut(headOf('one'), many(0, 64, 'edited')));
    expect(await scene.put({ ...edited, segments: [] })).toEqual(stale);
    const fresh = wholePut(headOf('new'), many(0, 100));
    expect(await scene.put({ ...fresh, segments: fresh.segments.slice(0, 1) })).toEqual({
      kind: 'stale',
      fingerprint: null,
      segment_hashes: [],
    });
    expect(await read(first.key)).toEqual(many(0, 64));
  });

  it('refuses a put that does not hold together', async () => {
    const put = wholePut(headOf('one'), many(0, 70));
    const refused = { code: 'sessions.put' };
    await expect(scene.put({ ...put, segment_hashes: put.segment_hashes.slice(1) })).rejects.toMatchObject(refused);
    await expect(scene.put({ ...put, key: keyOf('two') })).rejects.toMatchObject(refused);
    const twice = [...put.segments, put.segments[0]!];
    await expect(scene.put({ ...put, segments: twice })).rejects.toMatchObject(refused);
    const astray = [{ index: 0, messages: [message(64, 'of the next segment')] }, put.segments[1]!];
    await expect(scene.put({ ...put, segments: astray })).rejects.toMatchObject(refused);
    expect(await scene.store.state(TEAM, put.key)).toBeNull();
  });

  it('shows a session as arriving until its last put', async () => {
    const all = wholePut(headOf('big'), many(0, 192));
    const part = wholePut(all.head, many(0, 64), { partial: true });
    expect(await scene.put(part)).toEqual({ kind: 'stored' });
    expect(await scene.store.find(scene.reader, all.key)).toMatchObject({ arriving: true });
    expect(await scene.found('"turn 63"')).toEqual(['big:63']);
    expect(await scene.put(nextPut(part, all))).toEqual({ kind: 'stored' });
    expect(await scene.store.find(scene.reader, all.key)).toMatchObject({ arriving: false });
    expect(await read(all.key)).toHaveLength(192);
  });

  it('lets nobody but the owner write a key', async () => {
    const put = await scene.add('one', many(0, 3));
    const foreign = { kind: 'foreign', owner: OWNER };
    expect(await scene.put({ ...put, owner: 'bo/desktop' })).toEqual(foreign);
    const next = nextPut(put, wholePut(headOf('one'), many(0, 4)));
    expect(await scene.put({ ...next, owner: 'bo/desktop' })).toEqual(foreign);
    const gone = { key: put.key, base: put.fingerprint, fingerprint: 'f'.repeat(16), since_ms: NOW };
    expect(await scene.store.markGone(TEAM, { ...gone, owner: 'bo/desktop' })).toEqual(foreign);
    expect(await scene.store.remove(TEAM, put.key, 'bo/desktop', 'erased')).toBe('foreign');
    expect(await read(put.key)).toHaveLength(3);
  });

  it('marks a session whose source is gone, and keeps everything', async () => {
    const put = await scene.add('one', many(0, 3));
    const gone = { key: put.key, base: put.fingerprint, fingerprint: 'f'.repeat(16), owner: OWNER, since_ms: NOW - 5 };
    expect(await scene.store.markGone(TEAM, { ...gone, base: 'e'.repeat(16) })).toEqual({
      kind: 'stale',
      fingerprint: put.fingerprint,
      segment_hashes: put.segment_hashes,
    });
    expect(await scene.store.markGone(TEAM, gone)).toEqual({ kind: 'stored' });
    expect(await scene.store.markGone(TEAM, gone)).toEqual({ kind: 'already' });
    expect(await scene.store.find(scene.reader, put.key)).toMatchObject({
      presence: { kind: 'source_gone', since_ms: NOW - 5 },
    });
    expect(await scene.listed()).toEqual(['one']);
    expect(await scene.found('"turn 2"')).toEqual(['one:2']);
    const back = nextPut({ ...put, fingerprint: gone.fingerprint }, put);
    expect(await scene.put(back)).toEqual({ kind: 'stored' });
    expect(await scene.store.find(scene.reader, put.key)).toMatchObject({ presence: { kind: 'present' } });
    expect(await scene.store.markGone(TEAM, { ...gone, key: keyOf('nobody') })).toEqual({
      kind: 'stale',
      fingerprint: null,
      segment_hashes: [],
    });
  });

  it('lets one of two racing writers through, on two handles, and the other one repeats over it', async () => {
    const first = await scene.add('one', many(0, 64));
    const other = await scene.sut.another();
    try {
      for (let round = 0; round < 5; round++) {
        const { fingerprint } = (await scene.store.state(TEAM, first.key))!;
        const before = { ...first, fingerprint, segment_hashes: [] };
        const puts = ['left', 'right'].map((side) =>
          nextPut(before, wholePut(headOf('one', { title: `${side} ${round}` }), many(0, 64, `${side}${round}`))),
        );
        const results = await Promise.all([scene.put(puts[0]!), other.put(TEAM, puts[1]!)]);
        expect(results.map(({ kind }) => kind).sort()).toEqual(['stale', 'stored']);
        const winner = puts[results.findIndex(({ kind }) => kind === 'stored')]!;
        expect(await read(first.key)).toEqual(winner.segments[0]!.messages);
        expect(await scene.hits(`left${round} OR right${round}`)).toHaveLength(64);
      }
    } finally {
      await other.close();
    }
  });

  it('lets one of two first writers through', async () => {
    const other = await scene.sut.another();
    try {
      const results = await Promise.all([
        scene.put(wholePut(headOf('new', { title: 'left' }), many(0, 5))),
        other.put(TEAM, wholePut(headOf('new', { title: 'right' }), many(0, 5), { owner: 'bo/desktop' })),
      ]);
      expect(results.map(({ kind }) => kind).sort()).toEqual(['foreign', 'stored']);
    } finally {
      await other.close();
    }
  });

  it('counts sessions, messages and what was masked', async () => {
    expect(await scene.store.totals(scene.reader)).toEqual({
      sessions: 0,
      messages: 0,
      redactions: {},
      last_stored_ms: null,
    });
    const one = await scene.add('one', many(0, 70), { redactions: { jwt: 2, email: 1 } });
    scene.time.now_ms += 1000;
    await scene.add('two', [callMessage(0, {})], { redactions: { jwt: 3 }, relationship: 'subagent' });
    expect(await scene.store.totals(scene.reader)).toEqual({
      sessions: 2,
      messages: 71,
      redactions: { jwt: 5, email: 1 },
      last_stored_ms: NOW + 1000,
    });
    await scene.put(nextPut(one, wholePut(headOf('one'), many(0, 3))));
    expect(await scene.store.totals(scene.reader)).toMatchObject({ messages: 4, redactions: { jwt: 3 } });
    expect(await scene.store.sizeBytes()).toBeGreaterThan(0);
  });

  it('names itself, and is called the same by everybody', async () => {
    const name = await scene.store.identity();
    expect(name).toMatch(/^[0-9a-f]{32}$/);
    await scene.add('one', many(0, 1));
    const again = await scene.sut.another();
    expect(await again.identity()).toBe(name);
    await again.close();
  });

  it('finds a session by key, by a beginning of it that fits no other, and by the id its agent gave it', async () => {
    const put = await scene.add('one', many(0, 1));
    await scene.add('two', many(0, 1));
    const find = async (id: string): Promise<string | null> => {
      const session = await scene.store.find(scene.reader, id);
      return session && nameOf(session);
    };
    expect(await find(put.key)).toBe('one');
    expect(await find(put.key.slice(0, 8))).toBe('one');
    expect(await find(put.key.slice(0, 7))).toBeNull();
    expect(await find(`${put.key.slice(0, 8)}%`)).toBeNull();
    expect(await find('native-two')).toBe('two');
    expect(await find('native%')).toBeNull();
    expect(await find('')).toBeNull();
  });

  it('says so when an id fits several sessions', async () => {
    const begin = keyOf('one').slice(0, 12);
    await scene.add('one', many(0, 1));
    await scene.add('two', many(0, 1), { key: `${begin}${'0'.repeat(20)}`, native_id: 'native-one' });
    const ambiguous = { code: 'sessions.ambiguous' };
    await expect(scene.store.find(scene.reader, begin)).rejects.toMatchObject(ambiguous);
    await expect(scene.store.find(scene.reader, 'native-one')).rejects.toMatchObject(ambiguous);
    expect(await scene.store.find(scene.reader, keyOf('one'))).toMatchObject({ key: keyOf('one') });
  });
}

/** Everything that a reader can see of a session after these puts, each over the one before. */
async function afterPuts(open: OpenSessionStore, puts: readonly TranscriptPut[]): Promise<unknown> {
  const scene = await Scene.open(open);
  try {
    let before: TranscriptPut | null = null;
    for (const put of puts) {
      const { kind } = await scene.put(before === null ? put : nextPut(before, put));
      expect(['stored', 'already']).toContain(kind);
      before = put;
    }
    const { store, reader } = scene;
    const key = keyOf('one');
    const any = { automated: true };
    const searches = ['onyx', 'jade', '"onyx jade"', 'ruby OR output', 'onyx -jade', 'commit*'];
    return {
      state: await store.state(TEAM, key),
      session: await store.find(reader, key),
      messages: await store.messages(reader, key, 0, 1000),
      links: await store.links(reader, key),
      totals: await store.totals(reader),
      edits: await store.editing(reader, 'onyx.ts', any, 100),
      // Which of two equal results comes first is not compared: ranks may depend on what was there before.
      found: await Promise.all(searches.map(async (text) => (await scene.found(text, any)).sort())),
    };
  } finally {
    await scene.sut.close();
  }
}

/** With its keys in order at every level: stores may keep objects in an order of their own. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}

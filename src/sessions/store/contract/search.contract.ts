import fc from 'fast-check';
import { afterEach, beforeEach, expect, it } from 'vitest';
import {
  HOUR,
  NOW,
  Scene,
  TEAM,
  callMessage,
  headOf,
  keyOf,
  message,
  nameOf,
  nextPut,
  toolCall,
  wholePut,
} from './scene.ts';
import type { OpenSessionStore } from './store-under-test.ts';

const reply = (ordinal: number, content: string): ReturnType<typeof message> =>
  message(ordinal, content, { role: 'assistant' });

/** R25: what is found, in which order, how often it is counted, and what is shown of it. */
export function searchContract(open: OpenSessionStore): void {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open(open);
  });
  afterEach(() => scene.sut.close());

  const ordinals = async (text: string, query = {}): Promise<(number | null)[]> =>
    (await scene.hits(text, query)).map(({ ordinal }) => ordinal).sort((a, b) => (a ?? -1) - (b ?? -1));

  it('finds code tokens whole and in parts, however their words are joined', async () => {
    const texts = [
      'call parseUserId(x) here',
      'see parse_user_id for it',
      'open src/api/user.ts:42 now',
      'a kebab-case-name and HTTPServerError',
      'version 3.53.4 of utf8 at sha256 4be1f2cdd0',
      'nothing of the kind',
    ];
    await scene.add(
      'one',
      texts.map((text, i) => message(i, text)),
    );
    expect(await ordinals('parseUserId')).toEqual([0, 1]);
    expect(await ordinals('parse_user_id')).toEqual([0, 1]);
    expect(await ordinals('parseuserid')).toEqual([0]);
    expect(await ordinals('PARSEUSERID')).toEqual([0]);
    expect(await ordinals('userId')).toEqual([0, 1]);
    expect(await ordinals('user')).toEqual([0, 1, 2]);
    expect(await ordinals('parse user id')).toEqual([0, 1]);
    expect(await ordinals('src/api/user.ts:42')).toEqual([2]);
    expect(await ordinals('api/user.ts')).toEqual([2]);
    expect(await ordinals('user.ts')).toEqual([2]);
    expect(await ordinals('ts:42')).toEqual([2]);
    expect(await ordinals('42')).toEqual([2]);
    expect(await ordinals('api/user.js')).toEqual([]);
    expect(await ordinals('kebab-case-name')).toEqual([3]);
    expect(await ordinals('case-name')).toEqual([3]);
    expect(await ordinals('httpservererror')).toEqual([3]);
    expect(await ordinals('server')).toEqual([3]);
    expect(await ordinals('ServerError')).toEqual([3]);
    expect(await ordinals('3.53.4')).toEqual([4]);
    expect(await ordinals('utf8 SHA256')).toEqual([4]);
    expect(await ordinals('4be1*')).toEqual([4]);
  });

  it('finds words without their accents and in any case, and other scripts', async () => {
    const texts = ['Héllo WÖRLD', 'naïve café', 'Ελληνικά', 'Привет мир', 'ﬁle ｆｕｌｌ', 'שלום עולם'];
    await scene.add(
      'one',
      texts.map((text, i) => message(i, text)),
    );
    expect(await ordinals('hello world')).toEqual([0]);
    expect(await ordinals('HÉLLO')).toEqual([0]);
    expect(await ordinals('he\u0301llo')).toEqual([0]);
    expect(await ordinals('cafe')).toEqual([1]);
    expect(await ordinals('ελληνικα')).toEqual([2]);
    expect(await ordinals('МИР')).toEqual([3]);
    expect(await ordinals('file full')).toEqual([4]);
    expect(await ordinals('עולם')).toEqual([5]);
  });

  it('finds any run of characters of scripts that put no spaces between words', async () => {
    const texts = ['日本語の検索エンジン', '我们需要全文搜索功能', '한국어 검색 기능', '中文 abc 混合', 'ภาษาไทย'];
    await scene.add(
      'one',
      texts.map((text, i) => message(i, text)),
    );
    expect(await ordinals('検索')).toEqual([0]);
    expect(await ordinals('エンジン')).toEqual([0]);
    expect(await ordinals('索')).toEqual([0, 1]);
    expect(await ordinals('全文搜索')).toEqual([1]);
    expect(await ordinals('搜索功')).toEqual([1]);
    expect(await ordinals('搜功')).toEqual([]);
    expect(await ordinals('能')).toEqual([1]);
    expect(await ordinals('검색')).toEqual([2]);
    expect(await ordinals('"中文 abc 混合"')).toEqual([3]);
    expect(await ordinals('中文abc')).toEqual([3]);
    expect(await ordinals('ไทย')).toEqual([4]);
  });

  it('finds of such scripts what trigrams find, and runs of one and two characters, which they cannot: exactly', async () => {
    const text = fc.string({ unit: fc.constantFrom(...'日本語検索'), minLength: 1, maxLength: 9 });
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(text, { minLength: 1, maxLength: 5 }),
        fc.nat(),
        fc.nat(),
        async (texts, from, length) => {
          const name = `cjk${round++}`;
          const { key } = await scene.add(
            name,
            texts.map((said, i) => message(i, said, { source_uuid: `${name}-${i}` })),
          );
          const [first = ''] = texts;
          const at = from % first.length;
          const run = first.slice(at, at + 1 + (length % 5));
          const containing = texts.flatMap((said, i) => (said.includes(run) ? [i] : []));
          expect(await ordinals(run)).toEqual(containing);
          await scene.store.remove(TEAM, key, 'ada/laptop', 'erased');
        },
      ),
      { numRuns: 40 },
    );
  });

  it('understands phrases, exclusion, prefixes and OR', async () => {
    const texts = ['the red green blue', 'the green red', 'red and yellow', 'blueprint only', 'Red Green'];
    await scene.add(
      'one',
      texts.map((text, i) => message(i, text)),
    );
    expect(await ordinals('red green')).toEqual([0, 1, 4]);
    expect(await ordinals('"red green"')).toEqual([0, 4]);
    expect(await ordinals('"red green')).toEqual([0, 4]);
    expect(await ordinals('red -green')).toEqual([2]);
    expect(await ordinals('red -"green blue"')).toEqual([1, 2, 4]);
    expect(await ordinals('blue*')).toEqual([0, 3]);
    expect(await ordinals('"red gre"*')).toEqual([0, 4]);
    expect(await ordinals('yellow OR blue')).toEqual([0, 2]);
    expect(await ordinals('the yellow OR blue')).toEqual([0]);
    expect(await ordinals('yellow OR "red green" OR blueprint')).toEqual([0, 2, 3, 4]);
    expect(await ordinals('OR red')).toEqual([]);
    expect(await ordinals('-red')).toEqual([]);
    expect(await ordinals('')).toEqual([]);
  });

  it('never fails on what a person types', async () => {
    await scene.add('one', [message(0, 'hello "world" (a AND b) NEAR col:x ^y {z} *')]);
    const odd = ['"', '""', '*', '-', '--', '-*', '(', ')', ':', '^', '{a}', 'a AND', 'NOT', 'NEAR(a b)', 'AND OR NOT'];
    const odder = [
      'col:x',
      "'; DROP TABLE x; --",
      '\0',
      '\ud800',
      '%_',
      '\\',
      '-"',
      '"-',
      'a:*',
      '=a',
      '💥',
      'a'.repeat(100_000),
    ];
    const many = [Array.from({ length: 5000 }, (_, i) => `w${i}`).join(' '), '"'.repeat(999), 'x OR '.repeat(3000)];
    for (const text of [...odd, ...odder, ...many]) {
      const page = await scene.store.search(scene.reader, { text }, { limit: 5, after: null });
      expect(page.total, text.slice(0, 40)).toBe(page.hits.length);
    }
    expect(await ordinals('(a AND b)')).toEqual([0]);
    expect(await ordinals('hello world')).toEqual([0]);
  });

  it('looks only where it is asked to, and says where it found it', async () => {
    await scene.add(
      'one',
      [
        message(0, 'basalt in a question'),
        message(1, 'nothing', { role: 'assistant', thinking: 'basalt in a thought' }),
        callMessage(2, {
          input_json: JSON.stringify({ command: 'echo x\nbasalt in a command', n: [1, { a: 'deep' }] }),
        }),
        callMessage(3, { result: 'basalt in an output' }),
      ],
      { title: 'basalt in a title' },
    );
    const scopes = async (text: string, query = {}): Promise<Record<string, number | null>> =>
      Object.fromEntries((await scene.hits(text, query)).map(({ scope, ordinal }) => [scope, ordinal]));
    const all = { title: null, message: 0, thinking: 1, tool_input: 2, tool_output: 3 } as const;
    expect(await scopes('basalt')).toEqual(all);
    for (const [scope, ordinal] of Object.entries(all))
      expect(await scopes('basalt', { scopes: [scope] })).toEqual({ [scope]: ordinal });
    expect(await scopes('basalt', { scopes: ['thinking', 'tool_output'] })).toEqual({ thinking: 1, tool_output: 3 });
    expect(await scopes('basalt', { scopes: [] })).toEqual({});
    // Inputs are JSON: their values are searched as texts, without escapes and names of fields.
    expect(await ordinals('nbasalt')).toEqual([]);
    expect(await ordinals('command', { scopes: ['tool_input'] })).toEqual([2]);
    expect(await ordinals('deep')).toEqual([2]);
    const [hit] = await scene.hits('basalt', { scopes: ['tool_input'] });
    expect(hit?.snippet).toBe('echo x\nbasalt in a command\n1\ndeep');
  });

  it('does not join the ends of two texts to a phrase', async () => {
    const calls = [toolCall(0, { result: 'first red' }), toolCall(1, { result: 'green second' })];
    await scene.add('one', [
      message(0, 'ends in red', { role: 'assistant', thinking: 'green begins', tool_calls: calls }),
    ]);
    expect(await ordinals('"red green"')).toEqual([]);
    expect(await ordinals('second')).toEqual([0]);
  });

  it('puts titles and what a person said before what tools printed', async () => {
    const filler = 'some other words around it';
    await scene.add('tool', [callMessage(0, { result: `granite ${filler}` })]);
    await scene.add('person', [message(0, `granite ${filler}`)], { started_at_ms: NOW - 20 * HOUR });
    await scene.add('model', [reply(0, `granite ${filler}`)]);
    await scene.add('title', [message(0, 'x')], { title: `granite ${filler}`, started_at_ms: NOW - 30 * HOUR });
    await scene.add(
      'noise',
      Array.from({ length: 50 }, (_, i) => message(i, `${filler} ${i}`)),
    );
    const found = (await scene.found('granite')).map((hit) => hit.split(':')[0]);
    expect(found.indexOf('title')).toBeLessThan(found.indexOf('tool'));
    expect(found.indexOf('person')).toBeLessThan(found.indexOf('tool'));
    expect(found.indexOf('person')).toBeLessThan(found.indexOf('model'));
    expect(found).toHaveLength(4);
  });

  it('puts the newer one first where nothing else tells two apart', async () => {
    for (const [name, hours] of [
      ['old', 9],
      ['new', 1],
      ['middle', 5],
    ] as const)
      await scene.add(name, [message(0, `marble quarry ${name}`, { timestamp_ms: NOW - hours * HOUR })]);
    expect(await scene.found('marble')).toEqual(['new:0', 'middle:0', 'old:0']);
  });

  it('shows a turn that forks copied once, at the oldest session, with the number of copies', async () => {
    const copied = message(4, 'the obsidian turn', { source_uuid: 'u-4' });
    await scene.add('third', [copied], { started_at_ms: NOW - 2 * HOUR });
    await scene.add('first', [{ ...copied, ordinal: 9 }], { started_at_ms: NOW - 9 * HOUR });
    await scene.add('undated', [copied], { started_at_ms: null });
    await scene.add('own', [message(0, 'an obsidian of its own', { source_uuid: 'u-0' })]);
    const { hits, total } = await scene.store.search(scene.reader, { text: 'obsidian' }, { limit: 10, after: null });
    expect(total).toBe(2);
    expect(hits.map(({ session, ordinal, copies }) => [nameOf(session), ordinal, copies]).sort()).toEqual([
      ['first', 9, 2],
      ['own', 0, 0],
    ]);
    // Copies are counted among what the filters leave, and the oldest of those is shown.
    const since = { since_ms: NOW - 5 * HOUR };
    expect(
      (await scene.hits('"obsidian turn"', since)).map(({ session, copies }) => [nameOf(session), copies]),
    ).toEqual([['third', 0]]);
  });

  it('collapses copies without an id of their own by their text, within one tree only', async () => {
    const said = (ordinal: number): ReturnType<typeof message> => message(ordinal, 'yes, continue with basalt');
    await scene.add('child', [said(2)], { parent_key: keyOf('root'), relationship: 'fork', started_at_ms: NOW });
    await scene.add('grandchild', [said(2)], { parent_key: keyOf('child'), relationship: 'fork', started_at_ms: NOW });
    await scene.add('stranger', [said(0)], { started_at_ms: NOW - 20 * HOUR });
    // The tree is known only when its root arrives.
    await scene.add('root', [said(2)], { started_at_ms: NOW - 9 * HOUR });
    const hits = await scene.hits('basalt');
    expect(hits.map(({ session, copies }) => [nameOf(session), copies]).sort()).toEqual([
      ['root', 2],
      ['stranger', 0],
    ]);
  });

  it('finds a copy by what only it says', async () => {
    const turn = (result: string | null): ReturnType<typeof message> =>
      callMessage(1, { input_json: '{"command":"mine quartz"}', result }, { source_uuid: 'u-1' });
    await scene.add('first', [turn(null)], { started_at_ms: NOW - 9 * HOUR });
    await scene.add('fork', [turn('a late feldspar')], { parent_key: keyOf('first'), started_at_ms: NOW - HOUR });
    expect((await scene.hits('quartz')).map(({ session, copies }) => [nameOf(session), copies])).toEqual([
      ['first', 1],
    ]);
    const late = await scene.hits('feldspar');
    expect(late.map(({ session, copies, snippet }) => [nameOf(session), copies, snippet])).toEqual([
      ['fork', 1, 'a late feldspar'],
    ]);
  });

  it('shows the oldest copy that matches, however many results stand above it', async () => {
    const turn = (content: string): ReturnType<typeof message> => message(0, content, { source_uuid: 'u-0' });
    const long = `garnet ${'among many other stones '.repeat(100)}`;
    await scene.add('first', [turn(long)], { started_at_ms: NOW - 9 * HOUR });
    await scene.add('fork', [turn('garnet garnet')], { started_at_ms: NOW - HOUR });
    const above = Array.from({ length: 90 }, (_, i) => message(i, `a garnet ${i}`));
    await scene.add('others', above, { started_at_ms: NOW - HOUR });
    const { hits, total } = await scene.store.search(scene.reader, { text: 'garnet' }, { limit: 1, after: null });
    expect(hits.map(({ session, copies }) => [nameOf(session), copies])).toEqual([['first', 1]]);
    expect(total).toBe(91);
  });

  it.each([1, 3, 10, 1000])('walks through pages of %i with exact totals, every result once', async (limit) => {
    for (let s = 0; s < 6; s++) {
      const copied = Array.from({ length: 5 }, (_, i) => message(i, `slate copied ${i}`, { source_uuid: `u-${i}` }));
      const own = Array.from({ length: 4 }, (_, i) => message(10 + i, `slate own ${s} ${i}`));
      await scene.add(`s${s}`, [...copied, ...own], { title: `slate ${s}`, started_at_ms: NOW - s * HOUR });
    }
    const { items, totals } = await scene.walk(limit, async (page) => {
      const { hits, total, next } = await scene.store.search(scene.reader, { text: 'slate' }, page);
      expect(hits.length).toBeLessThanOrEqual(limit);
      return { items: hits.map(({ session, ordinal }) => `${nameOf(session)}:${ordinal ?? 'title'}`), total, next };
    });
    expect([...totals]).toEqual([5 + 24 + 6]);
    expect(items).toHaveLength(35);
    expect(new Set(items).size).toBe(35);
    expect(items.filter((item) => /:[0-4]$/.test(item)).every((item) => item.startsWith('s5'))).toBe(true);
  });

  it('highlights in UTF-16 units of the original text', async () => {
    await scene.add('one', [message(0, 'héllo wörld TOKEN')]);
    const [hit] = await scene.hits('token');
    expect(hit).toMatchObject({ snippet: 'héllo wörld TOKEN', highlights: [{ start: 12, end: 17 }], role: 'user' });
    const [both] = await scene.hits('hello world');
    expect(both?.highlights.map(({ start, end }) => both.snippet.slice(start, end))).toEqual(['héllo', 'wörld']);
  });

  it('cuts a window of at most 240 characters around the match, never through a character', async () => {
    const around = '😀 '.repeat(2000);
    await scene.add('one', [
      message(0, `${around}the parseUserId call${around}`),
      callMessage(1, { result: `${'日本'.repeat(3000)}検索${'語'.repeat(3000)}` }),
    ]);
    for (const [text, shown] of [
      ['userid', 'UserId'],
      ['検索', '検索'],
    ] as const) {
      const [hit] = await scene.hits(text === 'userid' ? 'UserId' : text);
      expect(hit!.snippet.length).toBeLessThanOrEqual(240);
      expect(hit!.snippet.isWellFormed()).toBe(true);
      expect(hit!.snippet.startsWith('…') && hit!.snippet.endsWith('…')).toBe(true);
      expect(hit!.highlights.map(({ start, end }) => hit!.snippet.slice(start, end))).toEqual([shown]);
    }
  });

  it('follows changes: a new text is found, a former one is not', async () => {
    const first = await scene.add('one', [message(0, 'gypsum'), message(64, 'chalk')], { title: 'limestone' });
    const second = wholePut(headOf('one', { title: 'sandstone' }), [message(0, 'gypsum'), message(65, 'flint')]);
    await scene.put(nextPut(first, second));
    for (const gone of ['chalk', 'limestone']) expect(await scene.found(gone), gone).toEqual([]);
    expect(await scene.found('flint')).toEqual(['one:65']);
    expect(await scene.found('sandstone')).toEqual(['one:title']);
    expect(await scene.found('gypsum')).toEqual(['one:0']);
    const untitled = wholePut(headOf('one'), [message(0, 'gypsum'), message(65, 'flint')]);
    await scene.put(nextPut(second, untitled));
    expect(await scene.found('sandstone')).toEqual([]);
    const filtered = { text: 'gypsum', member: 'nobody' };
    expect(await scene.store.search({ team_id: TEAM }, filtered, { limit: 1, after: null })).toMatchObject({
      total: 0,
    });
  });
}

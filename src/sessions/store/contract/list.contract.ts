import { afterEach, beforeEach, expect, it } from 'vitest';
import { globMatcher } from '../../../platform/glob.ts';
import type { SessionFilter } from '../session-store.ts';
import type { TranscriptHead } from '../transcript.ts';
import { HOUR, NOW, Scene, headOf, message, nameOf } from './scene.ts';
import type { OpenSessionStore } from './store-under-test.ts';

/** 32 sessions whose properties differ independently of each other. */
function variety(): { name: string; head: Partial<TranscriptHead> }[] {
  return Array.from({ length: 32 }, (_, i) => {
    const pick = <T>(values: readonly T[], step: number): T => values[Math.floor(i / step) % values.length]!;
    return {
      name: `s${String(i).padStart(2, '0')}`,
      head: {
        project: pick(['github.com/acme/web', 'github.com/acme/api', 'gitlab.com/beta/web', 'notes'], 1),
        agent: pick(['claude', 'codex', 'gemini'], 2),
        member: pick(['ada', 'bo'], 3),
        device: pick(['laptop', 'desktop'], 5),
        models: pick([['opus'], ['opus', 'sonnet'], []], 1),
        started_at_ms: i % 5 === 4 ? null : NOW - Math.floor(i / 3) * HOUR,
        relationship: pick(['', 'subagent', 'continuation', 'fork'] as const, 7),
        is_automated: i % 6 === 5,
        user_message_count: i % 9 === 8 ? 0 : 2,
        presence:
          i % 7 === 6
            ? { kind: 'trashed' as const, since_ms: NOW }
            : i % 8 === 1
              ? { kind: 'source_gone' as const, since_ms: NOW }
              : { kind: 'present' as const },
        starred_at_ms: i % 4 === 1 ? NOW : null,
      },
    };
  });
}

/** What the filters mean, said once more. */
function fits(head: TranscriptHead, filter: SessionFilter): boolean {
  const { project, agent, member, device, model, since_ms, until_ms, subagents, automated, trashed, starred } = filter;
  const started = head.started_at_ms;
  return (
    (project === undefined || globMatcher(project)(head.project)) &&
    (agent === undefined || head.agent === agent) &&
    (member === undefined || head.member === member) &&
    (device === undefined || head.device === device) &&
    (model === undefined || head.models.includes(model)) &&
    (since_ms === undefined || (started !== null && started >= since_ms)) &&
    (until_ms === undefined || (started !== null && started < until_ms)) &&
    (subagents === true || head.relationship !== 'subagent') &&
    // A subagent has no messages of a person by nature; whoever asks for subagents gets them.
    (automated === true || head.relationship === 'subagent' || (!head.is_automated && head.user_message_count > 0)) &&
    (trashed === true || head.presence.kind !== 'trashed') &&
    (starred === undefined || (head.starred_at_ms !== null) === starred)
  );
}

const FILTERS: SessionFilter[] = [
  {},
  { project: 'github.com/acme/*' },
  { project: 'github.com/acme' },
  { project: '*' },
  { project: 'github.com/**/w?b' },
  { project: 'GITHUB.com/acme/web' },
  { project: "o'hara%_" },
  { agent: 'codex' },
  { agent: '' },
  { member: 'bo' },
  { device: 'desktop' },
  { model: 'sonnet' },
  { model: 'sonn' },
  { since_ms: NOW - 4 * HOUR },
  { until_ms: NOW - 4 * HOUR },
  { since_ms: NOW - 5 * HOUR, until_ms: NOW - 2 * HOUR },
  { since_ms: NOW - 2 * HOUR, until_ms: NOW - 5 * HOUR },
  { subagents: true },
  { automated: true },
  { trashed: true },
  { starred: true },
  { starred: false },
  { subagents: true, automated: true, trashed: true },
];

/** Lists, their filters and pages, and facets. */
export function listContract(open: OpenSessionStore): void {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open(open);
  });
  afterEach(() => scene.sut.close());

  async function fill(): Promise<{ name: string; head: TranscriptHead }[]> {
    const all = variety();
    for (const { name, head } of all) await scene.add(name, [message(0, `hello ${name}`)], head);
    return all.map(({ name, head }) => ({ name, head: headOf(name, head) }));
  }

  it('applies every filter and any two of them, with exact totals and the facets of the same sessions', async () => {
    const all = await fill();
    const pairs = FILTERS.flatMap((one, i) => FILTERS.slice(i + 1).map((two) => ({ ...one, ...two })));
    for (const filter of [...FILTERS, ...pairs]) {
      const expected = all.filter(({ head }) => fits(head, filter));
      const { sessions, total } = await scene.store.list(scene.reader, filter, { limit: 1000, after: null });
      const shown = JSON.stringify(filter);
      expect(sessions.map(nameOf).sort(), shown).toEqual(expected.map(({ name }) => name));
      expect(total, shown).toBe(expected.length);
    }
    for (const filter of FILTERS) {
      const heads = all.map(({ head }) => head).filter((head) => fits(head, filter));
      const distinct = (values: string[]): string[] => [...new Set(values)].sort();
      expect(await scene.store.facets(scene.reader, filter), JSON.stringify(filter)).toEqual({
        projects: distinct(heads.map(({ project }) => project)),
        agents: distinct(heads.map(({ agent }) => agent)),
        members: distinct(heads.map(({ member }) => member)),
        models: distinct(heads.flatMap(({ models }) => models)),
      });
    }
  });

  it('applies the same filters to searches', async () => {
    const all = await fill();
    for (const filter of FILTERS) {
      const expected = all.filter(({ head }) => fits(head, filter)).map(({ name }) => `${name}:0`);
      expect((await scene.found('hello', filter)).sort(), JSON.stringify(filter)).toEqual(expected);
    }
  });

  it('shows the newest first, and those without a start last', async () => {
    const all = await fill();
    const starts = new Map(all.map(({ name, head }) => [name, head.started_at_ms]));
    const listed = await scene.listed({ subagents: true, automated: true, trashed: true });
    const order = listed.map((name) => starts.get(name) ?? -1);
    expect(order).toEqual([...order].sort((a, b) => b - a));
    expect(listed).toHaveLength(32);
  });

  it.each([1, 2, 3, 7, 31, 32, 33])(
    'walks through pages of %i without doubles or gaps, totals constant',
    async (limit) => {
      await fill();
      const filter = { subagents: true, automated: true, trashed: true };
      const { items, totals, pages } = await scene.walk(limit, async (page) => {
        const { sessions, total, next } = await scene.store.list(scene.reader, filter, page);
        expect(sessions.length).toBeLessThanOrEqual(limit);
        return { items: sessions.map(nameOf), total, next };
      });
      expect(items).toEqual(await scene.listed(filter));
      expect(new Set(items).size).toBe(32);
      expect([...totals]).toEqual([32]);
      expect(pages).toBe(Math.ceil(32 / limit));
    },
  );

  it('does not repeat a session when others come between two pages', async () => {
    await fill();
    const first = await scene.store.list(scene.reader, {}, { limit: 5, after: null });
    await scene.add('newest', [message(0, 'x')], { started_at_ms: NOW + HOUR });
    const second = await scene.store.list(scene.reader, {}, { limit: 100, after: first.next });
    const names = [...first.sessions, ...second.sessions].map(nameOf);
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain('newest');
  });

  it('refuses a cursor that it did not make', async () => {
    await fill();
    const json = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const junk = [
      '',
      'x',
      '%%%',
      json(null),
      json([]),
      json([1]),
      json({ a: 1 }),
      json(['x', 'y']),
      'a'.repeat(10_000),
    ];
    const { next } = await scene.store.search(scene.reader, { text: 'hello' }, { limit: 1, after: null });
    for (const after of [...junk, next!])
      await expect(scene.store.list(scene.reader, {}, { limit: 1, after }), after).rejects.toMatchObject({
        code: 'sessions.cursor',
      });
    const list = await scene.store.list(scene.reader, {}, { limit: 1, after: null });
    for (const after of [...junk, list.next!])
      await expect(
        scene.store.search(scene.reader, { text: 'hello' }, { limit: 1, after }),
        after,
      ).rejects.toMatchObject({ code: 'sessions.cursor' });
  });

  it('is empty, not absent, where there is nothing', async () => {
    expect(await scene.store.list(scene.reader, {}, { limit: 10, after: null })).toEqual({
      sessions: [],
      total: 0,
      next: null,
    });
    expect(await scene.store.facets(scene.reader, {})).toEqual({ projects: [], agents: [], members: [], models: [] });
  });

  it('finds a session by a unique beginning of its agent’s id, and names those that an ambiguous one fits', async () => {
    const native = (native_id: string): Partial<TranscriptHead> => ({ native_id });
    await scene.add('a', [message(0, 'x')], native('4f00aaaa-0001'));
    await scene.add('b', [message(0, 'x')], native('4f00aaaa-0002'));
    await scene.add('c', [message(0, 'x')], native('4f00aaaa'));
    const of_key = await scene.add('d', [message(0, 'x')], native('session-d'));
    const find = async (id: string): Promise<string | undefined> =>
      (await scene.store.find(scene.reader, id))?.native_id;
    expect(await find('4f00aaaa-0001')).toBe('4f00aaaa-0001');
    expect(await find('4f00aaaa')).toBe('4f00aaaa');
    expect(await find('sess')).toBe('session-d');
    expect(await find('ses')).toBeUndefined();
    expect(await find('nobody')).toBeUndefined();
    await expect(find('4f00aaaa-')).rejects.toMatchObject({
      code: 'sessions.ambiguous',
      message: expect.stringMatching(/4f00aaaa-000\d\), [0-9a-f]{12} \(4f00aaaa-000\d\)$/) as string,
    });
    // What begins a key and an agent's id at once is two sessions.
    await scene.add('e', [message(0, 'x')], native(`${of_key.key.slice(0, 10)}-e`));
    await expect(find(of_key.key.slice(0, 9))).rejects.toMatchObject({ code: 'sessions.ambiguous' });
  });
}

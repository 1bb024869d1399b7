import { afterEach, beforeEach, expect, it } from 'vitest';
import { HOUR, NOW, OWNER, Scene, callMessage, keyOf, message } from './scene.ts';
import type { OpenSessionStore } from './store-under-test.ts';

const SHA = 'feedface01';
const PR = 'https://github.com/acme/web/pull/9';

/** S5, R25: two teams with the same text; a reader of one learns nothing of the other. */
export function isolationContract(open: OpenSessionStore): void {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open(open);
    const turns = (team: string): ReturnType<typeof message>[] => [
      message(0, `shared words, said in ${team}`, { source_uuid: 'same-uuid' }),
      message(1, 'the same sentence everywhere'),
      callMessage(2, { result: `commit ${SHA}\npr ${PR}`, category: 'Edit', file_path: 'src/same.ts' }),
    ];
    // The same key in both teams, and a child of it in the other one only.
    const ours = { redactions: { jwt: 1 }, title: 'shared title' };
    await scene.add('same', turns('ours'), ours, 'ours');
    await scene.add('same', turns('theirs'), { ...ours, project: 'their/secret', member: 'eve' }, 'theirs');
    await scene.add(
      'same2',
      turns('theirs'),
      { agent: 'spy', models: ['m'], started_at_ms: NOW - 20 * HOUR },
      'theirs',
    );
    await scene.add('child', turns('theirs'), { parent_key: keyOf('same'), relationship: 'fork' }, 'theirs');
  });
  afterEach(() => scene.sut.close());

  const ours = { team_id: 'ours' };

  it('counts, lists and names only its own', async () => {
    expect(await scene.listed({}, ours)).toEqual(['same']);
    expect((await scene.store.list(ours, {}, { limit: 1, after: null })).total).toBe(1);
    expect(await scene.store.facets(ours, {})).toEqual({
      projects: ['github.com/acme/web'],
      agents: ['claude'],
      members: ['ada'],
      models: [],
    });
    expect(await scene.store.totals(ours)).toMatchObject({ sessions: 1, messages: 3, redactions: { jwt: 1 } });
    expect(await scene.listed({ project: 'their/*' }, ours)).toEqual([]);
  });

  it('searches only its own: hits, copies, totals and snippets', async () => {
    for (const text of ['shared', 'sentence', 'same*', '"same sentence"', 'title', 'shared -theirs']) {
      const { hits, total, next } = await scene.store.search(ours, { text }, { limit: 10, after: null });
      expect(total, text).toBe(hits.length);
      expect(total, text).toBeGreaterThan(0);
      expect(next).toBeNull();
      for (const { session, snippet, copies } of hits) {
        expect(session.team_id).toBe('ours');
        expect(snippet).not.toContain('theirs');
        expect(copies).toBe(0);
      }
    }
    expect(await scene.found('theirs', {}, ours)).toEqual([]);
    expect(await scene.found('theirs', { project: 'their/*' }, ours)).toEqual([]);
  });

  it('finds, reads, links and climbs only its own', async () => {
    const { store } = scene;
    expect(await store.find(ours, keyOf('same2'))).toBeNull();
    expect(await store.find(ours, keyOf('same2').slice(0, 10))).toBeNull();
    expect(await store.find(ours, 'native-same2')).toBeNull();
    expect(await store.find(ours, 'native-same')).toMatchObject({ team_id: 'ours', member: 'ada' });
    expect((await store.messages(ours, keyOf('same'), 0, 10))[0]?.content).toBe('shared words, said in ours');
    expect(await store.messages(ours, keyOf('same2'), 0, 10)).toEqual([]);
    expect(await store.links(ours, keyOf('same'))).toHaveLength(2);
    expect(await store.links(ours, keyOf('same2'))).toEqual([]);
    for (const query of [{ sha: SHA }, { url: PR }])
      expect((await store.linked(ours, query, 10)).map(({ session }) => session.team_id)).toEqual(['ours']);
    expect((await store.editing(ours, 'same.ts', {}, 10)).map(({ session }) => session.team_id)).toEqual(['ours']);
    expect(await store.tree(ours, keyOf('same'))).toMatchObject({ session: { team_id: 'ours' }, children: [] });
    expect(await store.tree(ours, keyOf('child'))).toBeNull();
    expect(await store.state('ours', keyOf('same2'))).toBeNull();
  });

  it('gives a team that nobody heard of nothing', async () => {
    const nobody = { team_id: 'nobody' };
    expect(await scene.listed({}, nobody)).toEqual([]);
    expect(await scene.store.search(nobody, { text: 'shared' }, { limit: 10, after: null })).toEqual({
      hits: [],
      total: 0,
      next: null,
    });
    expect(await scene.store.totals(nobody)).toMatchObject({ sessions: 0, messages: 0 });
  });

  it('removes only its own', async () => {
    expect(await scene.store.remove('ours', keyOf('same'), OWNER, 'erased')).toBe('removed');
    const theirs = { team_id: 'theirs' };
    expect((await scene.listed({}, theirs)).sort()).toEqual(['child', 'same', 'same2']);
    expect(await scene.hits('sentence', {}, theirs)).toHaveLength(2);
    expect(await scene.store.links(theirs, keyOf('same'))).toHaveLength(2);
  });
}

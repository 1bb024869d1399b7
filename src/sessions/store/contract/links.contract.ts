import { afterEach, beforeEach, expect, it } from 'vitest';
import { HOUR, NOW, Scene, callMessage, headOf, keyOf, message, nameOf, nextPut, toolCall, wholePut } from './scene.ts';
import type { OpenSessionStore } from './store-under-test.ts';

const FULL = '0123456789abcdef0123456789abcdef01234567';
const PR = 'https://github.com/acme/web/pull/7';

/** Commits, pull requests and edited files, derived from tool calls when they are written. */
export function linksContract(open: OpenSessionStore): void {
  let scene: Scene;
  beforeEach(async () => {
    scene = await Scene.open(open);
  });
  afterEach(() => scene.sut.close());

  const linked = async (query: Parameters<Scene['store']['linked']>[1], limit = 10): Promise<string[]> =>
    (await scene.store.linked(scene.reader, query, limit)).map(
      ({ link, session }) => `${nameOf(session)}:${link.ordinal}:${link.confidence}`,
    );

  it('keeps the links of a session, counts them, and moves them with their segment', async () => {
    const turns = [
      callMessage(0, { result: `commit ${FULL}\ncommit ${FULL}\ncommit abcdef0123` }),
      callMessage(70, { result: `pr ${PR}\npr ${PR}` }),
    ];
    const put = await scene.add('one', turns);
    const links = await scene.store.links(scene.reader, put.key);
    expect(links.map(({ ordinal, kind, sha, url }) => [ordinal, kind, sha ?? url])).toEqual([
      [0, 'commit', FULL],
      [0, 'commit', FULL],
      [0, 'commit', 'abcdef0123'],
      [70, 'pull_request', PR],
      [70, 'pull_request', PR],
    ]);
    expect(links[0]).toEqual({
      key: put.key,
      ordinal: 0,
      kind: 'commit',
      sha: FULL,
      url: null,
      repository: 'github.com/acme/web',
      branch: 'main',
      confidence: 'high',
    });
    expect(await scene.store.find(scene.reader, put.key)).toMatchObject({ commits: 2, pull_requests: 1 });
    expect((await scene.store.list(scene.reader, {}, { limit: 1, after: null })).sessions[0]).toMatchObject({
      commits: 2,
      pull_requests: 1,
    });
    const after = nextPut(put, wholePut(headOf('one'), [turns[0]!, message(70, 'nothing')]));
    await scene.put(after);
    expect(await scene.store.links(scene.reader, put.key)).toHaveLength(3);
    expect(await scene.store.find(scene.reader, put.key)).toMatchObject({ commits: 2, pull_requests: 0 });
    expect(await linked({ url: PR })).toEqual([]);
  });

  it('gives links their repository once it is known, also in segments that do not come again', async () => {
    const turns = [callMessage(0, { result: `commit ${FULL}` }), message(64, 'x')];
    const put = await scene.add('one', turns, { project: 'a label' });
    expect((await scene.store.links(scene.reader, put.key))[0]?.repository).toBeNull();
    const known = nextPut(put, wholePut(headOf('one', { project: 'github.com/acme/web' }), turns));
    expect(known.segments).toEqual([]);
    await scene.put(known);
    expect((await scene.store.links(scene.reader, put.key)).map(({ repository }) => repository)).toEqual([
      'github.com/acme/web',
    ]);
    expect(await scene.store.find(scene.reader, put.key)).toMatchObject({ commits: 1 });
  });

  it('finds sessions by a SHA, by its beginning, and by more of it than the output showed', async () => {
    await scene.add('full', [callMessage(0, { result: `commit ${FULL}` })]);
    const earlier = { timestamp_ms: NOW - 20 * HOUR };
    await scene.add('short', [callMessage(0, { result: `commit ${FULL.slice(0, 8)}` }, earlier)]);
    await scene.add('other', [callMessage(0, { result: 'commit 0123456fff' })]);
    expect(await linked({ sha: FULL })).toEqual(['full:0:high', 'short:0:high']);
    expect(await linked({ sha: FULL.slice(0, 10).toUpperCase() })).toEqual(['full:0:high', 'short:0:high']);
    expect((await linked({ sha: '0123456' })).sort()).toEqual(['full:0:high', 'other:0:high', 'short:0:high']);
    expect(await linked({ sha: '0123456789abcdf' })).toEqual(['short:0:high']);
    expect(await linked({ sha: '012345' })).toEqual([]);
    expect(await linked({ sha: "0123456'%" })).toEqual([]);
    expect(await linked({})).toEqual([]);
    expect(await linked({ sha: FULL }, 1)).toEqual(['full:0:high']);
  });

  it('finds sessions by a pull request in any spelling', async () => {
    await scene.add('one', [callMessage(0, { result: `pr ${PR}` })]);
    expect(await linked({ url: PR })).toEqual(['one:0:high']);
    expect(await linked({ url: `${PR}/files#diff-1` })).toEqual(['one:0:high']);
    expect(await linked({ url: 'https://github.com/acme/web/pull/70' })).toEqual([]);
    expect(await linked({ url: 'nonsense' })).toEqual([]);
  });

  it('narrows to a repository, and keeps links whose repository nobody knows', async () => {
    await scene.add('web', [callMessage(0, { result: `commit ${FULL}` })], { project: 'github.com/acme/web' });
    await scene.add('api', [callMessage(0, { result: `commit ${FULL}` })], { project: 'github.com/acme/api' });
    await scene.add('label', [callMessage(0, { result: `commit ${FULL}` })], { project: 'a label' });
    expect((await linked({ sha: FULL, repository: 'github.com/acme/web' })).sort()).toEqual([
      'label:0:high',
      'web:0:high',
    ]);
  });

  it('puts the most confident first, then the newest; each session once', async () => {
    const at = (confidence: string, timestamp_ms: number): ReturnType<typeof callMessage> =>
      callMessage(0, { result: `commit ${FULL} ${confidence}` }, { timestamp_ms });
    await scene.add('low', [at('low', NOW)]);
    await scene.add('old', [at('high', NOW - 9 * HOUR)]);
    await scene.add('new', [at('high', NOW - HOUR)]);
    const twice = [
      at('medium', NOW),
      callMessage(5, { result: `commit ${FULL} high` }, { timestamp_ms: NOW - 5 * HOUR }),
    ];
    await scene.add('twice', twice);
    expect(await linked({ sha: FULL })).toEqual(['new:0:high', 'twice:5:high', 'old:0:high', 'low:0:low']);
  });

  it('shows a copied turn at the session that had it first', async () => {
    const turn = callMessage(3, { result: `commit ${FULL}` }, { source_uuid: 'u-3' });
    const fork = { parent_key: keyOf('first'), relationship: 'fork' as const };
    await scene.add('second', [turn], { ...fork, started_at_ms: NOW - 5 * HOUR });
    await scene.add('first', [turn], { started_at_ms: NOW - 9 * HOUR });
    await scene.add('third', [turn], { ...fork, started_at_ms: NOW - 2 * HOUR });
    expect(await linked({ sha: FULL })).toEqual(['first:3:high']);
  });

  it('leaves out what a person trashed', async () => {
    await scene.add('one', [callMessage(0, { result: `commit ${FULL}` })], {
      presence: { kind: 'trashed', since_ms: NOW },
    });
    expect(await linked({ sha: FULL })).toEqual([]);
  });

  it('finds who edited a file, by the end of its path, newest first', async () => {
    const edit = (path: string, hours: number, category = 'Edit'): ReturnType<typeof callMessage> =>
      callMessage(1, { category, file_path: path }, { timestamp_ms: NOW - hours * HOUR });
    await scene.add('abs', [edit('~/web/src/api/user.ts', 3)]);
    await scene.add('write', [edit('src/api/user.ts', 1, 'Write')]);
    await scene.add('windows', [edit('C:\\web\\src\\api\\user.ts', 2)]);
    await scene.add('read', [edit('src/api/user.ts', 1, 'Read')]);
    await scene.add('near', [edit('src/api/superuser.ts', 1)]);
    await scene.add('elsewhere', [edit('lib/user.ts', 4)], { agent: 'codex' });
    await scene.add('unknown', [callMessage(1, { category: 'Edit', file_path: null })]);
    const editing = async (suffix: string, limit = 10, filter = {}): Promise<string[]> =>
      (await scene.store.editing(scene.reader, suffix, filter, limit)).map(({ session }) => nameOf(session));
    expect(await editing('src/api/user.ts')).toEqual(['write', 'windows', 'abs']);
    expect(await editing('user.ts')).toEqual(['write', 'windows', 'abs', 'elsewhere']);
    expect(await editing('./src\\api\\user.ts')).toEqual(['write', 'windows', 'abs']);
    expect(await editing('user.ts', 2)).toEqual(['write', 'windows']);
    expect(await editing('user.ts', 10, { agent: 'codex' })).toEqual(['elsewhere']);
    expect(await editing('ser.ts')).toEqual([]);
    expect(await editing('')).toEqual([]);
    expect(await editing('%')).toEqual([]);
    expect(await scene.store.editing(scene.reader, 'api/user.ts', {}, 1)).toMatchObject([
      { ordinal: 1, at_ms: NOW - HOUR },
    ]);
  });

  it('shows an edit that a fork copied once, and one session several times where it edited several times', async () => {
    const calls = [
      toolCall(0, { category: 'Edit', file_path: 'a.ts' }),
      toolCall(1, { category: 'Edit', file_path: 'a.ts' }),
    ];
    const copied = message(0, '', {
      role: 'assistant',
      source_uuid: 'u-0',
      tool_calls: calls,
      timestamp_ms: NOW - HOUR,
    });
    const own = callMessage(1, { category: 'Edit', file_path: 'a.ts' }, { timestamp_ms: NOW, source_uuid: 'u-1' });
    await scene.add('first', [copied, own], { started_at_ms: NOW - 9 * HOUR });
    await scene.add('fork', [copied], { parent_key: keyOf('first'), relationship: 'fork', started_at_ms: NOW });
    const edits = await scene.store.editing(scene.reader, 'a.ts', {}, 10);
    expect(edits.map(({ session, ordinal }) => `${nameOf(session)}:${ordinal}`)).toEqual(['first:1', 'first:0']);
  });
}

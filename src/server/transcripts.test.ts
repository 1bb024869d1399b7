import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { get, startServer, TEAM, type TestServer } from '../../test/server/harness.ts';
import { FullError } from '../platform/errors.ts';
import { systemClock } from '../platform/clock.ts';
import { systemTimers } from '../platform/timers.ts';
import { callMessage, headOf, keyOf, message, nextPut, wholePut } from '../sessions/store/contract/scene.ts';
import { StoreReplyError } from '../sessions/store/store-reply-error.ts';
import type { SessionStore } from '../sessions/store/session-store.ts';
import { SqliteSessionStore } from '../sessions/store/sqlite/sqlite-session-store.ts';
import { HttpTranscriptWriter } from '../sessions/wire/http-writer.ts';

let folder: string;
let sessions: SqliteSessionStore;
let server: TestServer;
const writers: HttpTranscriptWriter[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-transcripts-'));
  sessions = new SqliteSessionStore(join(folder, 'session-store.db'), { clock: systemClock });
  server = await startServer({ sessions });
});
afterAll(async () => {
  await Promise.all(writers.map((writer) => writer.close()));
  await server.close();
  await sessions.close();
  rmSync(folder, { recursive: true });
});

function writerAs(token: string, url = server.url): HttpTranscriptWriter {
  const bounds = { connect_timeout_ms: 2_000, request_timeout_ms: 10_000, max_connections: 2 };
  const writer = new HttpTranscriptWriter({
    url,
    token,
    version: 'test',
    timers: systemTimers,
    insecure: false,
    ...bounds,
  });
  writers.push(writer);
  return writer;
}

const tokenOf = (member: string, device: string, team_id = TEAM, scope = 'ingest'): string =>
  server.tokens.create({ team_id, member, device, scopes: [scope] }).token;

const read = async (path: string): Promise<{ status: number; json: Record<string, unknown>; text: string }> => {
  const answer = await get(server, path, { authorization: `Bearer ${server.token.read}` });
  return { status: answer.status, json: answer.json, text: answer.text };
};

/** A conversation of two segments, as a client sends it: in the name of somebody else, with a path. */
function conversation(name: string, said = 'hello there') {
  const lying = {
    member: 'mallory',
    device: 'elsewhere',
    cwd: '/home/ada/secret',
    message_count: 3,
    project: 'acme/web',
  };
  return wholePut(headOf(name, lying), [message(0, said), message(1, 'second'), message(70, 'far away')]);
}

describe('PUT /v1/transcripts/{key}', () => {
  test('is stored as its token says, whatever the body claims, and without a path', async () => {
    const put = conversation('stamped');
    expect(await writerAs(server.token.ingest).put(TEAM, put)).toEqual({ kind: 'stored' });
    expect(await writerAs(server.token.ingest).put(TEAM, put)).toEqual({ kind: 'already' });
    expect(await sessions.find({ team_id: TEAM }, put.key)).toMatchObject({
      member: 'ann',
      device: 'laptop',
      cwd: null,
    });
  });

  test('moves by compare-and-set: a stale base is told what is there, the difference goes in one segment', async () => {
    const writer = writerAs(server.token.ingest);
    const before = conversation('moving');
    await writer.put(TEAM, before);
    const after = wholePut(before.head, [message(0, 'hello there'), message(1, 'second'), message(70, 'changed')]);
    const stale = await writer.put(TEAM, { ...after, base: 'f'.repeat(16) });
    expect(stale).toEqual({ kind: 'stale', fingerprint: before.fingerprint, segment_hashes: before.segment_hashes });
    const difference = nextPut(before, after);
    expect(difference.segments).toHaveLength(1);
    expect(await writer.put(TEAM, difference)).toEqual({ kind: 'stored' });
    expect(await writer.state(TEAM, before.key)).toMatchObject({ fingerprint: after.fingerprint });
    expect((await sessions.messages({ team_id: TEAM }, before.key, 0, 10)).map(({ content }) => content)).toEqual([
      'hello there',
      'second',
      'changed',
    ]);
  });

  test('a key belongs to the machine that wrote it: another one is refused and told nothing of its state', async () => {
    const put = conversation('owned');
    await writerAs(server.token.ingest).put(TEAM, put);
    const other = writerAs(tokenOf('bob', 'desktop'));
    expect(await other.put(TEAM, { ...put, base: put.fingerprint, fingerprint: 'a'.repeat(16) })).toEqual({
      kind: 'foreign',
      owner: 'ann/laptop',
    });
    expect(await other.state(TEAM, put.key)).toBeNull();
    expect(await other.remove(TEAM, put.key, '', 'erased')).toBe('foreign');
    expect(await sessions.find({ team_id: TEAM }, put.key)).not.toBeNull();
  });

  test('what was erased does not come back; what was taken out may be shared again', async () => {
    const writer = writerAs(server.token.ingest);
    const erased = conversation('erased');
    await writer.put(TEAM, erased);
    expect(await writer.remove(TEAM, erased.key, '', 'erased')).toBe('removed');
    expect(await writer.put(TEAM, erased)).toEqual({ kind: 'erased' });
    const taken = conversation('taken out');
    await writer.put(TEAM, taken);
    expect(await writer.remove(TEAM, taken.key, '', 'unshared')).toBe('removed');
    expect(await writer.remove(TEAM, taken.key, '', 'unshared')).toBe('absent');
    expect(await writer.put(TEAM, { ...taken, restores: true })).toEqual({ kind: 'stored' });
  });

  test('a session whose source is gone stays and is marked', async () => {
    const writer = writerAs(server.token.ingest);
    const put = conversation('gone');
    await writer.put(TEAM, put);
    const gone = { key: put.key, base: put.fingerprint, fingerprint: 'b'.repeat(16), owner: '', since_ms: 5 };
    expect(await writer.markGone(TEAM, gone)).toEqual({ kind: 'stored' });
    expect((await read(`/api/v1/sessions/${put.key}`)).json).toMatchObject({ presence: 'source_gone' });
  });

  test.each([
    [
      'another team',
      (): Promise<unknown> => writerAs(server.token.ingest).put('others', conversation('x')),
      403,
      'team',
    ],
    ['a token that may only read', () => writerAs(server.token.read).put(TEAM, conversation('x')), 403, 'forbidden'],
    ['no such token', () => writerAs('syn_nothing').put(TEAM, conversation('x')), 401, 'unauthorized'],
    [
      'a key of another form',
      () => writerAs(server.token.ingest).put(TEAM, { ...conversation('x'), key: 'short' }),
      400,
      'transcript_key',
    ],
    [
      'a segment that is not listed',
      () => writerAs(server.token.ingest).put(TEAM, { ...conversation('x'), segment_hashes: [] }),
      400,
      'schema',
    ],
    [
      'an ordinal outside of its segment',
      () => {
        const put = conversation('x');
        return writerAs(server.token.ingest).put(TEAM, {
          ...put,
          segments: [{ index: 1, messages: [message(3, 'm')] }],
        });
      },
      400,
      'schema',
    ],
  ])('refuses %s', async (_what, sent, status, code) => {
    const error: unknown = await sent().catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(StoreReplyError);
    expect((error as StoreReplyError).reply).toMatchObject({ status, code });
  });

  test('names the field of a body that does not fit, and repeats nothing of it', async () => {
    const body = { team_id: TEAM, base: null, fingerprint: 'hunter2-not-hex', head: {}, segments: [] };
    const response = await fetch(`${server.url}/v1/transcripts/${keyOf('bad')}`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${server.token.ingest}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.text();
    expect([response.status, text]).toEqual([400, expect.stringContaining('"field":"fingerprint"')]);
    expect(text).not.toContain('hunter2');
  });

  test('a full store answers 507 and keeps nothing', async () => {
    const full: SessionStore = Object.create(sessions) as SessionStore;
    full.put = () => Promise.reject(new FullError('full'));
    const other = await startServer({ sessions: full });
    const writer = writerAs(other.token.ingest, other.url);
    const error: unknown = await writer.put(TEAM, conversation('full')).catch((caught: unknown) => caught);
    expect((error as StoreReplyError).reply).toMatchObject({ status: 507, code: 'full', retry_after: '300' });
    await other.close();
  });

  test('a server that keeps no conversations says 404', async () => {
    const other = await startServer();
    const error: unknown = await writerAs(other.token.ingest, other.url)
      .put(TEAM, conversation('x'))
      .catch((e: unknown) => e);
    expect((error as StoreReplyError).reply).toMatchObject({ status: 404 });
    await other.close();
  });
});

describe('the reading API', () => {
  const links = 'git commit -am fix';
  beforeAll(async () => {
    const writer = writerAs(server.token.ingest);
    const committed = callMessage(1, {
      category: 'Bash',
      input_json: JSON.stringify({ command: links }),
      result: '[main 1f3a9c2d] fix\n 1 file changed, 2 insertions(+)\nhttps://github.com/acme/web/pull/9',
    });
    await writer.put(TEAM, wholePut(headOf('told', { message_count: 2 }), [message(0, 'find the zebra'), committed]));
    const others = writerAs(tokenOf('eve', 'pc', 'others'));
    await others.put('others', wholePut(headOf('told', { message_count: 1 }), [message(0, 'find the zebra')]));
  });

  test('lists and searches the caller’s team alone, with exact totals', async () => {
    const { json } = await read('/api/v1/search?q=zebra');
    expect(json).toMatchObject({ total: 1, results: [{ session_id: keyOf('told'), ordinal: 0, user_id: 'ann' }] });
    const { json: list } = await read('/api/v1/sessions?limit=2');
    expect(list).toMatchObject({ sessions: expect.any(Array) as unknown[], total: expect.any(Number) as number });
    expect((list['sessions'] as { org_id: string }[]).every(({ org_id }) => org_id === TEAM)).toBe(true);
  });

  test('walks pages without losing or doubling a session', async () => {
    const seen: string[] = [];
    let cursor = '';
    do {
      const { json } = await read(`/api/v1/sessions?limit=2&cursor=${encodeURIComponent(cursor)}`);
      seen.push(...(json['sessions'] as { id: string }[]).map(({ id }) => id));
      cursor = String(json['next_cursor']);
    } while (cursor !== '');
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toContain(keyOf('told'));
  });

  test('gives a transcript with its calls, and the links found in them', async () => {
    const messages = (await read(`/api/v1/sessions/${keyOf('told')}/messages`)).json as unknown as unknown[];
    expect(messages).toMatchObject([
      { ordinal: 0, tool_calls: [] },
      { ordinal: 1, tool_calls: [{ tool_category: 'Bash' }] },
    ]);
    expect((await read(`/api/v1/sessions/${keyOf('told')}/gitlinks`)).json).toMatchObject([
      { commit_sha: '1f3a9c2d', link_type: 'commit', confidence: 'high' },
      { link_type: 'pr', pr_url: 'https://github.com/acme/web/pull/9' },
    ]);
    const full = '1f3a9c2d'.padEnd(40, '0');
    expect((await read(`/api/v1/gitlinks?sha=${full}`)).json).toMatchObject([{ session_id: keyOf('told') }]);
    expect((await read('/api/v1/gitlinks?pr=https://github.com/acme/web/pull/9/files')).json).toMatchObject([
      { session_id: keyOf('told') },
    ]);
  });

  test.each([
    ['/api/v1/search', 'q'],
    ['/api/v1/sessions?date_from=2026-13-01', 'date_from'],
    ['/api/v1/sessions?cursor=nonsense', 'cursor'],
    ['/api/v1/gitlinks', 'sha'],
    ['/api/v1/gitlinks?sha=xyz', 'sha'],
    ['/api/v1/gitlinks?pr=https://example.com/', 'pr'],
  ])('%s is 400 and names %s', async (path, field) => {
    expect(await read(path)).toMatchObject({ status: 400, json: { field } });
  });

  test('limits as the original clamps them; an unknown id is 404, and has no messages', async () => {
    for (const limit of ['0', '-1', '999', 'abc'])
      expect((await read(`/api/v1/sessions?limit=${limit}`)).status).toBe(200);
    expect((await read('/api/v1/sessions/00000000000000000000000000000000')).status).toBe(404);
    expect(await read('/api/v1/sessions/00000000000000000000000000000000/messages')).toMatchObject({
      status: 200,
      text: '[]',
    });
  });

  test('a machine’s ingest token reads nothing', async () => {
    for (const path of ['/api/v1/sessions', '/api/v1/search?q=zebra', `/api/v1/sessions/${keyOf('told')}/messages`])
      expect((await get(server, path, { authorization: `Bearer ${server.token.ingest}` })).status).toBe(403);
  });
});

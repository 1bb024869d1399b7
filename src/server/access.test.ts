import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsBody, get, PLAIN_TOKEN, post, startServer, type TestServer } from '../../test/server/harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({
    pages: async ({ path, member }) =>
      path === '/gone' ? null : { status: 200, content_type: 'text/html; charset=utf-8', body: `<p>${member} ${path}` },
  });
});
afterAll(() => server.close());

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('tokens', () => {
  test.each([
    ['none', undefined],
    ['an unknown one', 'Bearer syn_0123456789ab_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA'],
    ['no bearer', 'Basic abc'],
    ['a wrong plain one', 'Bearer plain-team-tokeN'],
  ])('%s: 401', async (_name, authorization) => {
    const answer = await post(server, '/v1/events', eventsBody(1), { authorization });
    expect([answer.status, answer.json['code'], answer.headers['www-authenticate']]).toEqual([
      401,
      'unauthorized',
      'Bearer',
    ]);
  });

  test('the secret of one token does not open another', async () => {
    const [, id] = server.token.read.split('_');
    const secret = server.token.ingest.slice('syn_'.length + 13);
    const answer = await post(server, '/v1/events', eventsBody(1), bearer(`syn_${id}_${secret}`));
    expect(answer.status).toBe(401);
  });

  test('a scope is needed: 403', async () => {
    const answer = await post(server, '/v1/events', eventsBody(1), bearer(server.token.read));
    expect([answer.status, answer.json['code']]).toEqual([403, 'forbidden']);
    expect((await get(server, '/metrics', bearer(server.token.ingest))).status).toBe(403);
    expect((await get(server, '/metrics', bearer(server.token.admin))).status).toBe(200);
  });

  test("another team's body: 403, nothing stored", async () => {
    const answer = await post(server, '/v1/events', eventsBody(1, { team_id: 'rival' }));
    expect([answer.status, answer.json['code'], answer.json['field']]).toEqual([403, 'team.mismatch', 'team_id']);
    const rival = { team_id: 'rival', time_zone: 'UTC', price_date: '' };
    expect(server.store.sessions(rival, { since_ms: null, project: null, agent: null, limit: 9 })).toEqual([]);
  });

  test('revoked alone, with the next request', async () => {
    const made = server.tokens.create({ team_id: 'acme', member: 'bob', device: 'phone', scopes: ['ingest'] });
    expect((await post(server, '/v1/events', eventsBody(1), bearer(made.token))).status).toBe(202);
    expect(server.tokens.list('acme').find(({ token_id }) => token_id === made.token_id)?.last_used_ms).toBeTypeOf(
      'number',
    );
    server.tokens.revoke(made.token_id);
    expect((await post(server, '/v1/events', eventsBody(1), bearer(made.token))).status).toBe(401);
    expect((await post(server, '/v1/events', eventsBody(1), bearer(server.token.ingest))).status).toBe(202);
  });

  test('the file holds no secret', async () => {
    const { readFileSync, readdirSync } = await import('node:fs');
    const bytes = readdirSync(server.folder).map((file) => readFileSync(`${server.folder}/${file}`, 'latin1'));
    for (const token of [PLAIN_TOKEN, ...Object.values(server.token).map((text) => text.slice(17))])
      expect(bytes.some((text) => text.includes(token))).toBe(false);
  });
});

describe('Host and Origin (R8)', () => {
  const health = (headers: Record<string, string>) => get(server, '/v1/health', headers);

  test('only names of its own are answered', async () => {
    for (const host of [`127.0.0.1:${server.port}`, `localhost:${server.port}`])
      expect((await health({ host })).status).toBe(200);
    for (const host of ['evil.example', `evil.example:${server.port}`, 'localhost', '127.0.0.1:1'])
      expect(await health({ host })).toMatchObject({ status: 403, json: { code: 'host' } });
    for (const host of [`127.0.0.1:${server.port}@evil.example`, 'a b', '127.0.0.1:99999'])
      expect((await health({ host })).status).toBe(400);
  });

  test('a foreign Origin is refused, and no CORS header is ever sent', async () => {
    for (const origin of ['http://evil.example', 'null', `https://127.0.0.1:${server.port}`]) {
      const answer = await health({ origin });
      expect(answer).toMatchObject({ status: 403, json: { code: 'origin' } });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
    expect((await health({ origin: `http://127.0.0.1:${server.port}` })).status).toBe(200);
  });
});

describe('routes', () => {
  test('unknown ones and wrong methods answer in JSON', async () => {
    expect(await get(server, '/v1/nothing')).toMatchObject({ status: 404, json: { code: 'not_found', field: null } });
    expect(await post(server, '/nothing', {})).toMatchObject({ status: 404, json: { code: 'not_found' } });
    const wrong = await get(server, '/v1/events');
    expect([wrong.status, wrong.json['code'], wrong.headers['allow']]).toEqual([405, 'method_not_allowed', 'POST']);
  });

  test('all but the two health routes need a token', async () => {
    expect((await get(server, '/healthz')).status).toBe(200);
    for (const path of ['/v1/config', '/metrics', '/openapi.json', '/', '/any'])
      expect([path, (await get(server, path)).status]).toEqual([path, 401]);
  });

  test('config tells the limits, openapi the schemas, metrics what happened', async () => {
    expect((await get(server, '/v1/config', bearer(server.token.ingest))).json).toMatchObject({
      events_per_batch_max: 1000,
      encodings: ['gzip', 'zstd', 'identity'],
    });
    const { json } = await get(server, '/openapi.json', bearer(server.token.read));
    expect(json).toMatchObject({ openapi: '3.1.0' });
    const { schemas } = json['components'] as { schemas: Record<string, { properties: Record<string, unknown> }> };
    const events = schemas['EventsBody']!.properties['events'] as { items: { required: string[] } };
    expect(events.items.required.toSorted()).toEqual(
      ['session_id_hash', 'event_seq', 'ts_ms', 'agent', 'model', 'kind', 'source', 'payload'].toSorted(),
    );
    await post(server, '/v1/events', eventsBody(1, { workspace_hash: 'metrics' }));
    const { text } = await get(server, '/metrics', bearer(server.token.read));
    expect(text).toMatch(/syncline_ingest_items_total\{kind="events",result="stored"\} [1-9]/);
    expect(text).toMatch(/syncline_http_requests_total\{method="GET",route="page",status="401"\} [1-9]/);
  });
});

describe('sign-in', () => {
  const signIn = async () => {
    const key = server.server.issueKey({ token_id: 'local', team_id: 'acme', member: 'ann', device: 'laptop' });
    const first = await get(server, `/?key=${key}`);
    return { key, first, cookie: String(first.headers['set-cookie']) };
  };

  test('a link works once and leaves a cookie that only reads', async () => {
    const { key, first, cookie } = await signIn();
    expect([first.status, first.headers['location']]).toEqual([303, '/']);
    expect(cookie).toMatch(/; HttpOnly/);
    expect(cookie).toMatch(/; SameSite=Strict/);
    expect(await get(server, `/?key=${key}`)).toMatchObject({ status: 401, json: { code: 'key' } });
    const [pair] = cookie.split(';');
    const page = await get(server, '/', { cookie: pair! });
    expect([page.status, page.text]).toEqual([200, '<p>ann /']);
    expect(page.headers['content-security-policy']).toContain("default-src 'none'");
    expect((await get(server, '/metrics', { cookie: pair! })).status).toBe(200);
    expect((await get(server, '/gone', { cookie: pair! })).status).toBe(404);
    const write = { authorization: undefined, cookie: pair };
    expect((await post(server, '/v1/events', eventsBody(1), write)).status).toBe(401);
    expect((await post(server, '/v1/operate', { verb: 'status' }, write)).status).toBe(401);
  });

  test('a wrong key is 401', async () => {
    expect((await get(server, '/?key=guess')).status).toBe(401);
  });
});

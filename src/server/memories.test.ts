import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, TEAM, type TestServer } from '../../test/server/harness.ts';
import { openMemories, type OpenMemories } from '../../test/support/open-memories.ts';
import type { Durability } from '../memory/durability.ts';
import { MEMORY_ROUTES } from './routes/memories.ts';

let open: OpenMemories;
let server: TestServer;
let agent: string;

beforeAll(async () => {
  open = await openMemories(TEAM);
  server = await startServer({ memory: open.served });
  agent = server.tokens.create({
    team_id: TEAM,
    member: 'ann',
    device: 'laptop',
    scopes: ['read', 'ingest'],
  }).token;
});
afterAll(async () => {
  await server.close();
  await open[Symbol.asyncDispose]();
});

interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  json: Record<string, unknown>;
}

/** As an agent asks, unless told otherwise; `undefined` leaves a header out. */
async function ask(
  method: 'GET' | 'POST' | 'PUT' | 'DELETE',
  path: string,
  body?: unknown,
  headers: Record<string, string | undefined> = {},
): Promise<Reply> {
  const all: Record<string, string | undefined> = {
    authorization: `Bearer ${agent}`,
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...headers,
  };
  const given = Object.fromEntries(Object.entries(all).filter((entry): entry is [string, string] => !!entry[1]));
  const text = body === undefined || typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const options = { method, headers: given, ...(text === undefined ? {} : { body: text }) };
  const answer = await request(`${server.url}/api/v1${path}`, options);
  const said = await answer.body.text();
  return { status: answer.statusCode, headers: answer.headers, json: JSON.parse(said) as Record<string, unknown> };
}

let titles = 0;
const title = (): string => `Title ${titles++}`;

async function stored(more: Record<string, unknown> = {}): Promise<{ id: string } & Record<string, unknown>> {
  const { status, json } = await ask('POST', '/memories', { title: title(), content: 'Two approvals.', ...more });
  expect(status).toBe(201);
  return json as { id: string };
}

describe('storing', () => {
  test('answers 201 in the form of the original, with a receipt, and is read back with who wrote it', async () => {
    const body = {
      title: 'Rollback',
      content: 'Two approvals.',
      namespace: 'team/ops',
      tags: ['deploy'],
      scope: 'team',
    };
    const headers = { 'x-agent-id': 'ai:reviewer', 'x-session-id': 'session-7' };
    const { status, json } = await ask('POST', '/memories', body, headers);
    expect(status).toBe(201);
    expect(json).toMatchObject({
      ...{ tier: 'mid', namespace: 'team/ops', title: 'Rollback', agent_id: 'ai:reviewer', quorum_acks: 1 },
      receipt: { durable_on: 1, members: 1, on: ['aaaabbbbccccdddd'] },
    });
    const found = await ask('GET', `/memories/${String(json['id'])}`);
    expect(found.status).toBe(200);
    expect(found.json).toMatchObject({
      memory: {
        ...{ content: 'Two approvals.', priority: 5, confidence: 1, source: 'api', access_count: 0, tags: ['deploy'] },
        metadata: { agent_id: 'ai:reviewer', scope: 'team' },
        written: {
          ...{ agent_id: 'ai:reviewer', device: 'laptop', session: 'session-7', foreign: false },
          session_hash: expect.stringMatching(/^blake3:[0-9a-f]{64}$/) as string,
        },
      },
      links: [],
    });
    const { memory } = found.json as { memory: Record<string, unknown> };
    expect(memory['created_at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}\+00:00$/);
    expect(Object.keys(memory)).not.toContain('last_accessed_at');
  });

  test('without a claim the token says who writes; the body comes before the header', async () => {
    const bare = await stored();
    expect(bare['agent_id']).toBe('ann@laptop');
    const { json } = await ask(
      'POST',
      '/memories',
      { title: title(), content: 'x', agent_id: 'ai:body' },
      { 'x-agent-id': 'ai:header' },
    );
    expect(json['agent_id']).toBe('ai:body');
  });

  test('a taken title is 409 CONFLICT with the one that has it', async () => {
    const first = await stored({ title: 'Taken' });
    const again = await ask('POST', '/memories', { title: 'Taken', content: 'Other.' });
    expect(again.status).toBe(409);
    expect(again.json).toMatchObject({ code: 'CONFLICT', existing_id: first.id, error: expect.any(String) as string });
    const merged = await ask('POST', '/memories', { title: 'Taken', content: 'Other.', on_conflict: 'merge' });
    expect([merged.status, merged.json['id']]).toEqual([201, first.id]);
  });

  test.each([
    ['no JSON', '{"title":', 400, 'json'],
    ['no content', { title: 'x' }, 422, 'schema'],
    ['a title that is no text', { title: 7, content: 'x' }, 422, 'schema'],
    ['an empty title', { title: ' ', content: 'x' }, 400, 'memory.invalid'],
    ['a priority of 11', { title: 'x', content: 'x', priority: 11 }, 400, 'memory.invalid'],
    ['a namespace with blanks', { title: 'x', content: 'x', namespace: 'a b' }, 400, 'memory.invalid'],
    ['an expiry that is over', { title: 'x', content: 'x', expires_at: '2001-01-01T00:00:00Z' }, 400, 'memory.invalid'],
    ['another agent id', { title: 'x', content: 'x', agent_id: 'no good' }, 400, 'memory.invalid'],
  ])('%s: %j is %i %s, in the form of the original', async (_name, body, status, code) => {
    const answer = await ask('POST', '/memories', body);
    expect([answer.status, answer.json['code'], typeof answer.json['error']]).toEqual([status, code, 'string']);
  });

  test('a secret is removed before it is stored, and the writer is told', async () => {
    const secret = `ghp_${'a1B2'.repeat(9)}`;
    const made = await stored({ content: `The token is ${secret}.` });
    expect(made['redacted']).toEqual({ 'github-token': 1 });
    const { json } = await ask('GET', `/memories/${made.id}`);
    expect(JSON.stringify(json)).not.toContain(secret);
    expect(JSON.stringify(json)).toContain('[REDACTED:github-token');
  });

  test('bulk: one bad one does not stop the others', async () => {
    const bodies = [
      { title: title(), content: 'a' },
      { title: ' ', content: 'b' },
      { title: title(), content: 'c' },
    ];
    const { status, json } = await ask('POST', '/memories/bulk', bodies);
    expect([status, json['created'], (json['errors'] as string[]).length]).toEqual([200, 2, 1]);
    expect((json['errors'] as string[])[0]).toMatch(/^item 1: title/);
  });
});

describe('changing', () => {
  test('fields that are not given stay, null clears the expiry, the first writer stays', async () => {
    const { id } = await stored({ tags: ['a', 'b'], priority: 7, ttl_secs: 3600 });
    const { status, json } = await ask('PUT', `/memories/${id}`, { tags: ['a'], expires_at: null, agent_id: 'evil' });
    expect(status).toBe(200);
    expect(json).toMatchObject({ id, tags: ['a'], priority: 7, metadata: { agent_id: 'ann@laptop' } });
    expect(Object.keys(json)).not.toContain('expires_at');
  });

  test('what is deleted is gone, and has a history', async () => {
    const { id } = await stored();
    expect((await ask('DELETE', `/memories/${id}`)).json).toMatchObject({ deleted: true });
    expect((await ask('GET', `/memories/${id}`)).status).toBe(404);
    expect((await ask('DELETE', `/memories/${id}`)).status).toBe(404);
    const { json } = await ask('GET', `/memories/${id}/history`);
    expect((json['history'] as { kind: string }[]).map(({ kind }) => kind)).toEqual(['store', 'delete']);
  });

  test('promote, archive, restore, forget, consolidate, links', async () => {
    const [a, b, c] = [await stored(), await stored(), await stored()];
    expect((await ask('POST', `/memories/${a.id}/promote`)).json).toMatchObject({ promoted: true, tier: 'long' });
    const linked = await ask('POST', '/links', { source_id: a.id, target_id: b.id, relation: 'contradicts' });
    expect([linked.status, linked.json['linked']]).toEqual([201, true]);
    const { json: found } = await ask('GET', `/links/${b.id}`);
    expect(found['links']).toMatchObject([{ source_id: a.id, target_id: b.id, relation: 'contradicts' }]);
    expect((await ask('DELETE', '/links', { source_id: a.id, target_id: b.id })).json).toMatchObject({ deleted: true });

    const put_away = await ask('POST', '/archive', { ids: [c.id, 'none'] });
    expect(put_away.json).toMatchObject({ archived: [c.id], missing: ['none'], count: 1 });
    expect((await ask('GET', '/archive?limit=5')).json['archived']).toMatchObject([{ id: c.id }]);
    expect((await ask('GET', '/archive/stats')).json).toMatchObject({ archived_total: 1 });
    expect((await ask('POST', `/archive/${c.id}/restore`)).json).toMatchObject({ restored: true, id: c.id });
    expect((await ask('POST', `/archive/none/restore`)).status).toBe(404);

    const one = await ask('POST', '/consolidate', { ids: [a.id, b.id], title: title(), summary: 'Both.' });
    expect([one.status, one.json['consolidated']]).toEqual([201, 2]);
    expect((await ask('GET', `/memories/${a.id}`)).status).toBe(404);

    await stored({ namespace: 'scratch' });
    expect((await ask('POST', '/forget', { namespace: 'scratch', dry_run: true })).json).toMatchObject({
      ...{ deleted: 0, would_delete: 1 },
    });
    expect((await ask('POST', '/forget', { namespace: 'scratch' })).json).toMatchObject({ deleted: 1, more: false });
    expect((await ask('POST', '/forget', {})).status).toBe(400);
    expect((await ask('DELETE', '/archive')).json).toMatchObject({ purged: 1 });
  });

  test('agents, messages and standards are memories with a name', async () => {
    const about = { agent_id: 'ai:bob', agent_type: 'reviewer', capabilities: ['vote'] };
    expect((await ask('POST', '/memory/agents', about)).status).toBe(201);
    expect((await ask('POST', '/memory/agents', about)).status).toBe(201);
    expect((await ask('GET', '/memory/agents')).json).toMatchObject({ count: 1, agents: [about] });
    const message = { target_agent_id: 'ai:bob', title: 'Look', payload: 'Please review.' };
    for (let i = 0; i < 2; i++) expect((await ask('POST', '/notify', message)).status).toBe(201);
    expect((await ask('GET', '/inbox?agent_id=ai:bob')).json).toMatchObject({ count: 2 });

    const standard = await ask('POST', '/namespaces/team%2Fops/standard', {
      standard: { governance: { write: 'any' } },
    });
    expect([standard.status, standard.json['namespace']]).toEqual([201, 'team/ops']);
    expect((await ask('GET', '/namespaces?namespace=team/ops')).json).toMatchObject({ governance: { write: 'any' } });
    const chain = await ask('GET', '/namespaces?namespace=team/ops/web&inherit=true');
    expect(chain.json['chain']).toEqual(['team/ops']);
    expect((await ask('DELETE', '/namespaces?namespace=team/ops')).json).toMatchObject({ cleared: true });
    expect((await ask('GET', '/namespaces/team%2Fops/standard')).status).toBe(404);
  });

  test('a policy that wants a yes: 202, nothing stored, and once it is given, carried out', async () => {
    await ask('POST', '/namespaces', { namespace: 'ruled', governance: { write: 'approve', approver: 'human' } });
    const asked = await ask('POST', '/memories', { title: 'Ruled', content: 'x', namespace: 'ruled' });
    expect([asked.status, asked.json['status']]).toEqual([202, 'pending']);
    const id = String(asked.json['pending_id']);
    expect((await ask('GET', '/pending?status=pending')).json).toMatchObject({ count: 1, pending: [{ id }] });
    const approved = await ask('POST', `/pending/${id}/approve`, undefined, { 'x-agent-id': 'ann' });
    expect(approved.json).toMatchObject({ approved: true, id, decided_by: 'ann', executed: true });
    const memory_id = String(approved.json['memory_id']);
    expect((await ask('GET', `/memories/${memory_id}`)).json).toMatchObject({ memory: { title: 'Ruled' } });
    expect((await ask('POST', `/pending/${id}/reject`)).status).toBe(403);
    expect((await ask('POST', `/pending/none/approve`)).status).toBe(404);
  });
});

describe('reading', () => {
  test('lists, searches and recalls; a limit is kept, a wrong number is 400', async () => {
    for (let i = 0; i < 3; i++)
      await stored({ title: `Walrus ${i}`, namespace: 'zoo', priority: 3 + i, tags: ['sea'] });
    const listed = await ask('GET', '/memories?namespace=zoo&limit=2');
    expect(listed.json['count']).toBe(2);
    expect((listed.json['memories'] as { priority: number }[]).map(({ priority }) => priority)).toEqual([5, 4]);
    expect((await ask('GET', '/memory/search?q=walrus&tags=sea')).json).toMatchObject({ count: 3, query: 'walrus' });
    const recalled = await ask('POST', '/recall', { context: 'which walrus', namespace: 'zoo', budget_tokens: 500 });
    expect(recalled.json).toMatchObject({ count: 3, mode: 'keyword', budget_tokens: 500 });
    expect((recalled.json['memories'] as { score: number }[])[0]?.score).toBeTypeOf('number');
    expect((await ask('GET', '/recall?context=walrus&limit=1')).json['count']).toBe(1);
    expect((await ask('GET', '/memories?limit=x')).status).toBe(400);
    expect((await ask('GET', '/memories?tier=golden')).status).toBe(400);
  });

  test('the beginning of an id is enough, unless two have it', async () => {
    const { id } = await stored();
    expect((await ask('GET', `/memories/${id.slice(0, 30)}`)).json).toMatchObject({ memory: { id } });
    expect((await ask('GET', `/memories/${id.slice(0, 2)}`)).status).toBe(400);
  });

  test('an export is what an import takes', async () => {
    const { id } = await stored({ title: 'Travels' });
    const exported = await ask('GET', '/export');
    const { memories, count } = exported.json as { memories: { id: string }[]; count: number };
    expect(memories.length).toBe(count);
    await ask('DELETE', `/memories/${id}`);
    const only = { memories: memories.filter((memory) => memory.id === id), links: [] };
    expect((await ask('POST', '/import', only)).json).toMatchObject({ imported: 0 });
    expect((await ask('POST', '/import', { ...only, revive: true })).json).toMatchObject({ imported: 1, errors: [] });
    expect((await ask('GET', `/memories/${id}`)).json).toMatchObject({ memory: { title: 'Travels' } });
  });

  test('figures, expiry and what the server can do', async () => {
    expect((await ask('GET', '/stats')).json['total']).toBeTypeOf('number');
    expect((await ask('POST', '/gc')).json).toEqual({ expired_deleted: 0 });
    expect((await ask('GET', '/capabilities')).json).toMatchObject({ server: 'syncline', write_quorum: 1 });
    expect((await ask('GET', '/contradictions?topic=walrus')).json).toMatchObject({ links: [] });
  });

  test('what says the same already, in whatever order of words', async () => {
    const { id } = await stored({ title: 'Freeze', content: 'No deploys on a Friday afternoon', namespace: 'dup/a' });
    const check = async (content: string, more: object = {}) =>
      (await ask('POST', '/check_duplicate', { title: 'Freeze', content, namespace: 'dup/a', ...more })).json;
    expect(await check('On a Friday afternoon: no deploys!')).toMatchObject({
      ...{ is_duplicate: true, threshold: 0.85, suggested_merge: id },
      nearest: { id, title: 'Freeze', namespace: 'dup/a', similarity: 1 },
    });
    expect(await check('No deploys on Monday')).toMatchObject({ is_duplicate: false, nearest: { id } });
    expect(await check('No deploys on Monday', { threshold: 0.1 })).toMatchObject({ threshold: 0.5 });
    const nothing = await check('walrus', { title: 'walrus' });
    expect(nothing).toMatchObject({ is_duplicate: false, candidates_scanned: 0, suggested_merge: null });
    // To look is no recall: nothing is counted.
    expect((await ask('GET', `/memories/${id}`)).json).toMatchObject({ memory: { access_count: 0 } });
    expect((await ask('POST', '/check_duplicate', { title: 'x' })).status).toBe(422);
  });

  test('namespaces as a tree, and what to begin a session with', async () => {
    await stored({ namespace: 'tax/web/ui', priority: 9, title: 'Colours' });
    await stored({ namespace: 'tax/web' });
    await stored({ namespace: 'tax/ops' });
    const { tree, total_count } = (await ask('GET', '/taxonomy?prefix=tax')).json;
    expect(total_count).toBe(3);
    const web = { namespace: 'tax/web', name: 'web', count: 1, subtree_count: 2 };
    expect(tree).toMatchObject({
      ...{ namespace: 'tax', count: 0, subtree_count: 3 },
      children: [
        { namespace: 'tax/ops', count: 1 },
        { ...web, children: [{ namespace: 'tax/web/ui', count: 1 }] },
      ],
    });
    expect((await ask('GET', '/taxonomy?prefix=tax&depth=1')).json).toMatchObject({
      tree: { children: [{}, { ...web, children: [] }] },
    });
    expect((await ask('POST', '/session/start', { namespace: 'tax/web/ui' })).json).toMatchObject({
      ...{ count: 1, mode: 'session_start' },
      memories: [{ title: 'Colours' }],
    });
  });

  test('a reader sees at least what the token of an earlier answer names', async () => {
    const made = await ask('POST', '/memories', { title: title(), content: 'x' });
    const token = String(made.headers['x-read-token']);
    expect((await ask('GET', '/stats', undefined, { 'x-read-token': token })).status).toBe(200);
    const ahead = token.replace(/\d+$/, '999999');
    const behind = await ask('GET', '/stats', undefined, { 'x-read-token': ahead });
    expect([behind.status, behind.json['code'], behind.headers['retry-after']]).toEqual([503, 'memory.behind', '1']);
    expect((await ask('GET', '/stats', undefined, { 'x-read-level': 'quorum' })).status).toBe(200);
    expect((await ask('GET', '/stats', undefined, { 'x-read-level': 'psychic' })).status).toBe(400);
    expect((await ask('GET', '/stats', undefined, { 'x-read-token': 'rubbish' })).status).toBe(400);
  });
});

describe('an Idempotency-Key', () => {
  test('gives the first answer again and writes nothing; with another body it is 422', async () => {
    const body = { title: title(), content: 'once' };
    const key = { 'idempotency-key': 'k-1' };
    const first = await ask('POST', '/memories', body, key);
    const again = await ask('POST', '/memories', body, key);
    expect([again.status, again.json['id']]).toEqual([201, first.json['id']]);
    expect([first.headers['idempotent-replayed'], again.headers['idempotent-replayed']]).toEqual([undefined, 'true']);
    const other = await ask('POST', '/memories', { ...body, content: 'twice' }, key);
    expect([other.status, other.json['code']]).toEqual([422, 'memory.idempotency_key_reused']);
    const someone = { ...key, authorization: `Bearer ${server.token.operate}` };
    expect((await ask('POST', '/memories', { title: title(), content: 'mine' }, someone)).status).toBe(201);
    expect((await ask('POST', '/memories', body, { 'idempotency-key': 'x'.repeat(201) })).status).toBe(400);
  });
});

describe('a quorum', () => {
  /** Three members of which only this one answers, until `others` do. */
  function three(others: string[]): Durability {
    const receipt = (operation: string) => {
      const on = ['aaaabbbbccccdddd', ...others];
      return { operation, durable_on: on.length, members: 3, on };
    };
    return { receipt, wait: async (operation) => receipt(operation) };
  }

  test('that is missed is 503 in the form of the original, with Retry-After and a receipt; the write stays', async () => {
    open.memories.replica.useDurability(three([]));
    const body = { title: title(), content: 'kept' };
    const missed = await ask('POST', '/memories', body, { 'x-write-quorum': '2', 'idempotency-key': 'q-1' });
    expect([missed.status, missed.headers['retry-after']]).toEqual([503, '2']);
    expect(missed.json).toMatchObject({ error: 'quorum_not_met', got: 1, needed: 2, reason: 'timeout' });
    const { receipt, result } = missed.json as { receipt: { operation: string }; result: { id: string } };
    expect((await ask('GET', `/memories/${result.id}`)).status).toBe(200);
    expect((await ask('GET', `/writes/${receipt.operation}`)).json).toMatchObject({ durable_on: 1, members: 3 });

    open.memories.replica.useDurability(three(['eeeeffffgggghhhh']));
    const again = await ask('POST', '/memories', body, { 'x-write-quorum': '2', 'idempotency-key': 'q-1' });
    expect([again.status, again.json['id'], again.json['quorum_acks']]).toEqual([201, result.id, 2]);
    expect((await ask('GET', `/writes/${receipt.operation}`)).json).toMatchObject({ durable_on: 2 });
    const bulk = await ask('POST', '/memories/bulk?write_quorum=3', [{ title: title(), content: 'x' }]);
    expect([bulk.status, bulk.json['created']]).toEqual([200, 1]);
    expect(bulk.json['errors']).toEqual(['quorum_not_met: 2 of 3 members, timeout']);
  });

  test('of more members than there are is unreachable at once; 1 is the default; others are 400', async () => {
    open.memories.replica.useDurability(three([]));
    const body = () => ({ title: title(), content: 'x' });
    const far = await ask('POST', '/memories', body(), { 'x-write-quorum': '4' });
    expect(far.json).toMatchObject({ error: 'quorum_not_met', needed: 4, reason: 'unreachable' });
    expect((await ask('POST', '/memories', body())).status).toBe(201);
    for (const wrong of ['0', 'all', '-1', '100'])
      expect((await ask('POST', '/memories', body(), { 'x-write-quorum': wrong })).status).toBe(400);
    const unknown = await ask('GET', '/writes/aaaabbbbccccdddd.1:999999');
    expect([unknown.status, unknown.json['code']]).toEqual([404, 'write_unknown']);
  });
});

describe('who may', () => {
  const body = { title: 'never', content: 'x' };

  test('every route wants a token; those that change something want more than reading or sending', async () => {
    for (const { method, path, needs } of MEMORY_ROUTES) {
      const to = path.replace('/api/v1', '').replace(/:\w+/g, 'x');
      const asked = method === 'GET' ? undefined : body;
      expect([path, (await ask(method, to, asked, { authorization: undefined })).status]).toEqual([path, 401]);
      const ingest = await ask(method, to, asked, { authorization: `Bearer ${server.token.ingest}` });
      expect([path, ingest.status, typeof ingest.json['error']]).toEqual([path, 403, 'string']);
      if (needs !== 'write') continue;
      const read = await ask(method, to, asked, { authorization: `Bearer ${server.token.read}` });
      expect([path, read.status]).toEqual([path, 403]);
    }
  });

  test('a token of another team is 403', async () => {
    const rival = server.tokens.create({ team_id: 'rival', member: 'eve', device: 'x', scopes: ['operate'] }).token;
    const answer = await ask('GET', '/memories', undefined, { authorization: `Bearer ${rival}` });
    expect([answer.status, answer.json['code']]).toEqual([403, 'team']);
  });

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', undefined])(
    'a body of type %s is 415: a page of another site can send no JSON (CVE-2025-66414)',
    async (type) => {
      const answer = await ask('POST', '/memories', JSON.stringify(body), { 'content-type': type });
      expect([answer.status, answer.json['code']]).toEqual([415, 'content_type']);
      expect((await ask('GET', '/memory/search?q=never')).json['count']).toBe(0);
    },
  );

  test('a foreign Host or Origin is 403, and no CORS header is sent', async () => {
    for (const headers of [{ host: 'evil.example' }, { origin: 'http://evil.example' }, { origin: 'null' }]) {
      const answer = await ask('POST', '/memories', body, headers);
      expect(answer.status).toBe(403);
      expect(Object.keys(answer.headers).filter((name) => name.startsWith('access-control'))).toEqual([]);
    }
  });

  test('a body of more than 2 MiB is 413', async () => {
    const answer = await ask('POST', '/memories', { ...body, content: 'x'.repeat(2 * 1024 * 1024) });
    expect([answer.status, answer.json['code']]).toEqual([413, 'too_large']);
  });

  test('the OpenAPI document has every route', async () => {
    const answer = await request(`${server.url}/openapi.json`, { headers: { authorization: `Bearer ${agent}` } });
    const { paths } = (await answer.body.json()) as { paths: Record<string, Record<string, unknown>> };
    for (const { method, path } of MEMORY_ROUTES)
      expect(paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()], `${method} ${path}`).toBeDefined();
  });

  test('a server that keeps no memories says 404', async () => {
    const bare = await startServer();
    try {
      const headers = { authorization: `Bearer ${bare.token.admin}` };
      const answer = await request(`${bare.url}/api/v1/memories`, { headers });
      expect([answer.statusCode, await answer.body.json()]).toMatchObject([404, { code: 'not_found' }]);
    } finally {
      await bare.close();
    }
  });
});

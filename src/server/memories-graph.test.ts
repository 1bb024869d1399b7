import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, TEAM, type TestServer } from '../../test/server/harness.ts';
import { openMemories, type OpenMemories } from '../../test/support/open-memories.ts';

let open: OpenMemories;
let server: TestServer;
let token: string;
beforeAll(async () => {
  open = await openMemories(TEAM);
  server = await startServer({ memory: open.served });
  token = server.tokens.create({ team_id: TEAM, member: 'ann', device: 'laptop', scopes: ['read', 'ingest'] }).token;
});
afterAll(async () => {
  await server.close();
  await open[Symbol.asyncDispose]();
});

type Json = Record<string, unknown>;

async function ask(method: 'GET' | 'POST', path: string, body?: object): Promise<{ status: number; json: Json }> {
  const answer = await request(`${server.url}/api/v1${path}`, {
    method,
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', 'x-agent-id': 'ann' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  return { status: answer.statusCode, json: (await answer.body.json()) as Json };
}

async function stored(title: string): Promise<string> {
  return (await ask('POST', '/memories', { title, content: title, namespace: 'graph' })).json['id'] as string;
}

const link = (source_id: string, target_id: string, more: Json = {}): ReturnType<typeof ask> =>
  ask('POST', '/links', { source_id, target_id, relation: 'related_to', ...more });

const rows = (json: Json, name: string): Json[] => json[name] as Json[];

describe('facts', () => {
  test('a timeline is in the order in which facts began to hold, within bounds', async () => {
    const [a, b, c, d] = [await stored('A'), await stored('B'), await stored('C'), await stored('D')];
    await link(a, c, { valid_from: '2026-03-01T00:00:00Z' });
    await link(a, b, { valid_from: '2026-01-01T00:00:00+00:00', valid_until: '2026-02-01T00:00:00Z' });
    await link(a, d);
    const { status, json } = await ask('GET', `/kg/timeline?source_id=${a}`);
    expect([status, json['source_id'], json['count']]).toEqual([200, a, 3]);
    expect(rows(json, 'events').map(({ title }) => title)).toEqual(['B', 'C', 'D']);
    expect(rows(json, 'events')[0]).toEqual({
      ...{ target_id: b, relation: 'related_to', title: 'B', target_namespace: 'graph', observed_by: 'ann' },
      ...{ valid_from: '2026-01-01T00:00:00+00:00', valid_until: '2026-02-01T00:00:00Z' },
    });
    const bounded = await ask(
      'GET',
      `/kg/timeline?source_id=${a}&since=2026-02-01T00:00:00Z&until=2026-03-01T00:00:00Z`,
    );
    expect(rows(bounded.json, 'events').map(({ title }) => title)).toEqual(['C']);
    expect((await ask('GET', `/kg/timeline?source_id=${a}&since=soon`)).status).toBe(400);
    expect((await ask('GET', '/kg/timeline')).status).toBe(400);
  });

  test('what is reached has its way and its distance; circles end; time and observer hold on the whole way', async () => {
    const [a, b, c, d] = [await stored('Q1'), await stored('Q2'), await stored('Q3'), await stored('Q4')];
    await link(a, b);
    await link(b, c, { valid_from: '2026-01-01T00:00:00Z', valid_until: '2026-02-01T00:00:00Z' });
    await link(c, a);
    await link(c, d);
    const near = await ask('POST', '/kg/query', { source_id: a });
    expect(near.json).toMatchObject({ source_id: a, max_depth: 1, count: 1, paths: [`${a}->${b}`] });
    const far = await ask('POST', '/kg/query', { source_id: a, max_depth: 5 });
    expect(rows(far.json, 'memories').map(({ title, depth }) => [title, depth])).toEqual([
      ['Q2', 1],
      ['Q3', 2],
      ['Q4', 3],
    ]);
    expect(far.json['paths']).toContain([a, b, c, d].join('->'));
    const now = new Date().toISOString();
    const today = await ask('POST', '/kg/query', { source_id: a, max_depth: 5, valid_at: now });
    expect(rows(today.json, 'memories').map(({ title }) => title)).toEqual(['Q2']);
    const nobody = await ask('POST', '/kg/query', { source_id: a, max_depth: 5, allowed_agents: [] });
    expect(nobody.json['count']).toBe(0);
    expect((await ask('POST', '/kg/query', { source_id: a, max_depth: 6 })).status).toBe(400);
  });

  test('a fact that no longer holds stays, with its past', async () => {
    const [a, b] = [await stored('I1'), await stored('I2')];
    await link(a, b, { valid_from: '2026-01-01T00:00:00Z' });
    const ends = { source_id: a, target_id: b, relation: 'related_to' };
    const until = '2026-06-01T00:00:00.000000000+00:00';
    const { status, json } = await ask('POST', '/kg/invalidate', { ...ends, valid_until: '2026-06-01T00:00:00Z' });
    expect([status, json]).toMatchObject([
      200,
      { found: true, ...ends, valid_until: until, previous_valid_until: null },
    ]);
    const again = await ask('POST', '/kg/invalidate', ends);
    expect(again.json).toMatchObject({ found: true, previous_valid_until: until });
    const { json: after } = await ask('GET', `/kg/timeline?source_id=${a}`);
    expect(rows(after, 'events')).toMatchObject([{ valid_from: '2026-01-01T00:00:00Z', observed_by: 'ann' }]);
    const unknown = await ask('POST', '/kg/invalidate', { ...ends, target_id: 'none' });
    expect([unknown.status, unknown.json]).toMatchObject([404, { found: false, target_id: 'none' }]);
  });
});

describe('entities', () => {
  test('are found by any of their names, and get more names when they are named again', async () => {
    const body = { canonical_name: 'Postgres', namespace: 'graph/things', aliases: ['PG', ' pg ', 'postgresql'] };
    const { status, json } = await ask('POST', '/entities', body);
    expect([status, json]).toMatchObject([
      201,
      { canonical_name: 'Postgres', aliases: ['PG', 'postgresql'], created: true },
    ]);
    const again = await ask('POST', '/entities', { ...body, aliases: ['the database'] });
    expect([again.status, again.json]).toMatchObject([
      200,
      { entity_id: json['entity_id'], aliases: ['PG', 'postgresql', 'the database'], created: false },
    ]);
    for (const name of ['pg', 'POSTGRES', 'The Database'])
      expect((await ask('GET', `/entities/by_alias?alias=${encodeURIComponent(name)}`)).json).toMatchObject({
        found: true,
        entity_id: json['entity_id'],
        namespace: 'graph/things',
      });
    const elsewhere = await ask('GET', '/entities/by_alias?alias=pg&namespace=elsewhere');
    expect(elsewhere.json).toEqual({
      found: false,
      entity_id: null,
      canonical_name: null,
      namespace: null,
      aliases: [],
    });
    expect((await ask('GET', `/memories/${json['entity_id'] as string}`)).json['memory']).toMatchObject({
      tier: 'long',
    });
  });

  test('a name that is the title of another memory is refused', async () => {
    await stored('Taken');
    const { status, json } = await ask('POST', '/entities', { canonical_name: 'Taken', namespace: 'graph' });
    expect([status, json['code']]).toEqual([409, 'CONFLICT']);
  });
});

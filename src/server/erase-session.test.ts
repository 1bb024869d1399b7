import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsBody, get, PLAIN_TOKEN, post, startServer, TEAM, type TestServer } from '../../test/server/harness.ts';
import { VirtualTime } from '../../test/support/virtual-time.ts';
import { openApi } from './routes/openapi.ts';
import { Removals } from './removals.ts';

const recorded: { verb: string; target: string; detail: object }[] = [];
let server: TestServer;
let ann: string;
let bob: string;

beforeAll(async () => {
  server = await startServer({ record: async (action) => void recorded.push(action) });
  ann = server.token.ingest;
  bob = server.tokens.create({ team_id: TEAM, member: 'bob', device: 'desk', scopes: ['ingest'] }).token;
});
afterAll(() => server.close());

const reader = { team_id: TEAM, time_zone: 'UTC', price_date: '2026-11-01' };
const ask = { since_ms: null, until_ms: null, project: null, agent: null, limit: null } as const;
const calls = (): number => server.store.report(reader, { ...ask, by: 'day' }).total.tool_calls;

/** Sends two events of a session, each with a call, as the member of that token; returns the session's hash. */
async function send(name: string, token: string, word = 'x'): Promise<string> {
  const session = `blake3:${name}`;
  const body = eventsBody(2, { workspace_hash: `blake3:work-${name}` }) as { events: Record<string, unknown>[] };
  body.events = body.events.map((event) => ({ ...event, session_id_hash: session, payload: { said: word } }));
  const answer = await post(server, '/v1/events', body, { authorization: `Bearer ${token}` });
  expect(answer.status).toBe(202);
  return session;
}

async function erase(hash: string, token: string, query = ''): Promise<{ status: number; body: unknown }> {
  const path = `/v1/sessions/${encodeURIComponent(hash)}${query}`;
  const headers = { authorization: `Bearer ${token}` };
  const answer = await request(`${server.url}${path}`, { method: 'DELETE', headers });
  return { status: answer.statusCode, body: await answer.body.json() };
}

describe('DELETE /v1/sessions/{session_id_hash}', () => {
  test('takes the session out of everything, once and again, and nothing of it comes in any more', async () => {
    const before = calls();
    const session = await send('mine', ann);
    expect(calls() - before).toBe(2);
    expect(await erase(session, ann)).toEqual({ status: 200, body: { result: 'erased' } });
    expect(calls() - before).toBe(0);
    expect(() => server.store.session(reader, session)).toThrow(expect.objectContaining({ code: 'session.unknown' }));
    expect(await erase(session, ann)).toEqual({ status: 200, body: { result: 'absent' } });
    // A late repeat, under a key of its own, is accepted and dropped.
    await send('mine', ann);
    expect(calls() - before).toBe(0);
    expect(await erase('blake3:never-came', ann)).toEqual({ status: 200, body: { result: 'absent' } });
    await send('never-came', ann);
    expect(calls() - before).toBe(0);
  });

  test("is refused for what another member sent, keeps out no other's, and is written down", async () => {
    const session = await send('of-bob', bob);
    const before = calls();
    expect(await erase(session, ann)).toMatchObject({ status: 409, body: { code: 'foreign_owner' } });
    expect(calls()).toBe(before);
    expect(await erase('blake3:anns-tombstone', ann)).toMatchObject({ status: 200 });
    await send('anns-tombstone', bob);
    expect(calls() - before).toBe(2);
    expect(recorded.slice(-2)).toEqual([
      expect.objectContaining({
        verb: 'erase telemetry',
        target: session,
        detail: { result: 'foreign', member: 'ann', device: 'laptop', token_id: expect.any(String) as string },
      }),
      expect.objectContaining({ target: 'blake3:anns-tombstone' }),
    ]);
  });

  test('needs a token of a member with the scope to send, of that very team', async () => {
    const session = await send('guarded', ann);
    expect(await erase(session, PLAIN_TOKEN)).toMatchObject({ status: 403, body: { code: 'no_member' } });
    expect(await erase(session, server.token.read)).toMatchObject({ status: 403, body: { code: 'forbidden' } });
    expect(await erase(session, ann, '?team_id=other')).toMatchObject({ status: 403, body: { code: 'team' } });
    expect(await erase(session, 'nobody')).toMatchObject({ status: 401 });
    expect(await erase('x'.repeat(201), ann)).toMatchObject({ status: 400, body: { code: 'session_id_hash' } });
    const other = server.tokens.create({ team_id: 'other', member: 'ann', device: 'd', scopes: ['ingest'] }).token;
    expect(await erase(session, other)).toEqual({ status: 200, body: { result: 'absent' } });
    expect(server.store.session(reader, session).tool_calls).toBe(2);
  });

  test('stands in the OpenAPI document with its answers', () => {
    const paths = openApi('1')['paths'] as Record<string, Record<string, { responses: object }>>;
    const operation = paths['/v1/sessions/{session_id_hash}']?.['delete'];
    expect(Object.keys(operation?.responses ?? {})).toEqual(['200', '400', '401', '403', '409', '429', '503', '507']);
  });
});

test('what was erased leaves the file, and whoever sends meanwhile is told to come back', async () => {
  const time = new VirtualTime();
  const scrubbing = Promise.withResolvers<void>();
  let scrubs = 0;
  const removals = new Removals({
    file: join(server.folder, 'scrub-due'),
    scrub: {
      sessions: async () => undefined,
      telemetry: async () => {
        scrubs++;
        await scrubbing.promise;
        guarded.store.scrub();
      },
    },
    ...{ clock: time, timers: time, report: () => undefined },
  });
  const guarded = await startServer({ removals });
  const over = new AbortController();
  const running = removals.run(over.signal);
  const holds = (): boolean =>
    readdirSync(guarded.folder).some((file) => readFileSync(join(guarded.folder, file)).includes('heliotrope'));
  try {
    const body = eventsBody(1, { workspace_hash: 'blake3:w' }) as { events: Record<string, unknown>[] };
    body.events = body.events.map((event) => ({ ...event, payload: { said: 'heliotrope' } }));
    const sent = (): ReturnType<typeof post> =>
      post(guarded, '/v1/events', body, { authorization: `Bearer ${guarded.token.ingest}` });
    expect((await sent()).status).toBe(202);
    expect(holds()).toBe(true);
    const path = `/v1/sessions/${encodeURIComponent(String(body.events[0]?.['session_id_hash']))}`;
    const headers = { authorization: `Bearer ${guarded.token.ingest}` };
    expect((await request(`${guarded.url}${path}`, { method: 'DELETE', headers })).statusCode).toBe(200);
    await time.until(() => scrubs === 1);
    expect(await sent()).toMatchObject({ status: 503, json: { code: 'busy' }, headers: { 'retry-after': '2' } });
    expect((await get(guarded, '/v1/health')).status).toBe(200);
    scrubbing.resolve();
    await time.settle();
    expect(holds()).toBe(false);
    expect((await sent()).json).toEqual({ received: 1, deduped: 1 });
    expect(removals.due()).toEqual([]);
  } finally {
    over.abort();
    await running;
    await guarded.close();
  }
});

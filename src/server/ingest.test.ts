import { randomUUID } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { eventsBody, get, post, startServer, type TestServer } from '../../test/server/harness.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ limits: { max_items: 600, max_encoded_body_bytes: 200_000, max_body_bytes: 900_000 } });
});
afterAll(() => server.close());

const reader = { team_id: 'acme', time_zone: 'UTC', price_date: '2026-11-01' };
const ask = { since_ms: null, until_ms: null, project: null, agent: null, limit: null } as const;
const calls = (): number => server.store.report(reader, { ...ask, by: 'day' }).total.tool_calls;

describe('the original client', () => {
  test('10 distinct keys are accepted, and each replay gets the first answer', async () => {
    const sent = Array.from({ length: 10 }, (_, i) => {
      const body = eventsBody(2, { workspace_hash: `blake3:ten-${i}` });
      return { key: randomUUID(), body };
    });
    const first = [];
    for (const { key, body } of sent)
      first.push(await post(server, '/v1/events', body, { 'x-kaizen-idempotency-key': key }));
    expect(first.map(({ status, text }) => [status, text])).toEqual(
      sent.map(() => [202, '{"received":2,"deduped":0}']),
    );
    for (const [i, { key, body }] of sent.entries()) {
      const replay = await post(server, '/v1/events', body, { 'x-kaizen-idempotency-key': key });
      expect([replay.status, replay.text]).toEqual([409, first[i]!.text]);
    }
  });

  test('events that came under another key are dropped and counted', async () => {
    const before = calls();
    const body = eventsBody(5, { workspace_hash: 'blake3:dup' });
    expect((await post(server, '/v1/events', body)).json).toEqual({ received: 5, deduped: 0 });
    expect((await post(server, '/v1/events', body)).json).toEqual({ received: 5, deduped: 5 });
    expect(calls() - before).toBe(5);
  });

  test('spans and a single session as the contract writes it', async () => {
    const span = {
      session_id_hash: 'blake3:s',
      span_id_hash: 'blake3:span',
      status: 'done',
      started_at_ms: null,
      ended_at_ms: null,
      lead_time_ms: null,
      tokens_in: null,
      tokens_out: null,
      reasoning_tokens: null,
      cost_usd_e6: null,
      path_hashes: ['blake3:p'],
    };
    const spans = { team_id: 'acme', workspace_hash: 'w', spans: [span] };
    expect((await post(server, '/v1/tool-spans', spans)).status).toBe(202);
    expect((await post(server, '/v1/tool-spans', spans)).json).toEqual({ received: 1, deduped: 1 });
    const session = {
      team_id: 'acme',
      workspace_hash: 'w',
      session_id_hash: 'blake3:s',
      agent: 'claude',
      model: 'm',
      started_at_ms: 1,
      ended_at_ms: null,
      status: 'running',
    };
    expect((await post(server, '/v1/sessions', session)).json).toEqual({ received: 1, deduped: 0 });
    const done = { ...session, ended_at_ms: 9, status: 'done' };
    expect((await post(server, '/v1/sessions', done)).json).toEqual({ received: 1, deduped: 1 });
    const { team_id, workspace_hash, ...bare } = done;
    const many = { team_id, workspace_hash, sessions: [bare, { ...bare, session_id_hash: 'blake3:t' }] };
    expect((await post(server, '/v1/sessions', many)).json).toEqual({ received: 2, deduped: 1 });
    expect(server.store.session(reader, 'blake3:s').status).toBe('done');
  });

  test('snapshots of a repository and facts of a workspace', async () => {
    const chunk = {
      snapshot_id_hash: 'blake3:snap',
      commit_hash: null,
      indexed_at_ms: 5,
      dirty: false,
      chunk_index: 0,
      chunk_total: 1,
      file_facts: [],
      edges: [{ from_hash: 'a', to_hash: 'b', kind: 'CALLS', weight: 2 }],
    };
    const snapshots = { team_id: 'acme', workspace_hash: 'w', snapshots: [chunk] };
    expect((await post(server, '/v1/repo-snapshots', snapshots)).json).toEqual({ received: 1, deduped: 0 });
    expect((await post(server, '/v1/repo-snapshots', snapshots)).json).toEqual({ received: 1, deduped: 1 });
    const facts = (skills: string[]) => ({
      team_id: 'acme',
      workspace_hash: 'w',
      facts: [{ skill_slugs: skills, rule_slugs: [] }],
    });
    expect((await post(server, '/v1/workspace-facts', facts(['a', 'b']))).json).toEqual({ received: 1, deduped: 0 });
    expect((await post(server, '/v1/workspace-facts', facts(['b', 'a']))).json).toEqual({ received: 1, deduped: 1 });
    expect((await post(server, '/v1/workspace-facts', facts(['c']))).json).toEqual({ received: 1, deduped: 0 });
    expect((await post(server, '/v1/workspace-facts', facts([1] as unknown as string[]))).status).toBe(400);
  });

  test('health needs no token and tells version and schema', async () => {
    expect(await get(server, '/v1/health')).toMatchObject({
      status: 200,
      json: { version: '0.1.0', schema_versions: [1] },
    });
  });
});

describe('idempotency', () => {
  test('one key with two bodies is refused and the second is not stored', async () => {
    const key = { 'x-syncline-idempotency-key': 'k-422' };
    await post(server, '/v1/events', eventsBody(1, { workspace_hash: 'one' }), key);
    const before = calls();
    const second = await post(server, '/v1/events', eventsBody(1, { workspace_hash: 'two' }), key);
    expect([second.status, second.json['code']]).toEqual([422, 'idempotency_key_reused']);
    expect(calls()).toBe(before);
  });

  test('the same body in another encoding is the same body', async () => {
    const key = { 'x-kaizen-idempotency-key': 'k-enc' };
    const body = JSON.stringify(eventsBody(1, { workspace_hash: 'enc' }));
    expect((await post(server, '/v1/events', body, key)).status).toBe(202);
    const zstd = await post(server, '/v1/events', zstdCompressSync(body), { ...key, 'content-encoding': 'zstd' });
    expect(zstd.status).toBe(409);
  });

  test('a refused body does not use its key up', async () => {
    const key = { 'x-kaizen-idempotency-key': 'k-refused' };
    const bad = eventsBody(2, { workspace_hash: 'refused', events: [{ kind: 'message' }] });
    expect((await post(server, '/v1/events', bad, key)).status).toBe(400);
    expect((await post(server, '/v1/events', eventsBody(2, { workspace_hash: 'refused' }), key)).status).toBe(202);
  });

  test('a missing key is named', async () => {
    const answer = await post(server, '/v1/events', eventsBody(1), { 'x-kaizen-idempotency-key': undefined });
    expect(answer).toMatchObject({ status: 400, json: { field: 'X-Syncline-Idempotency-Key' } });
  });
});

describe('refusals of the body', () => {
  test('a schema violation names every bad item, stores nothing and repeats no value', async () => {
    const before = calls();
    const body = eventsBody(3, { workspace_hash: 'schema' });
    const events = body['events'] as Record<string, unknown>[];
    events[1]!['ts_ms'] = 'sk-secret-value';
    events[2]!['tokens_in'] = 2 ** 32;
    delete events[2]!['payload'];
    const answer = await post(server, '/v1/events', body);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ code: 'schema', field: 'events.1.ts_ms' });
    expect(answer.json['message']).toBeTypeOf('string');
    expect(
      (answer.json['errors'] as { index: number; field: string; code: string }[]).map((e) => [
        e.index,
        e.field,
        e.code,
      ]),
    ).toEqual([
      [1, 'events.1.ts_ms', 'invalid_type'],
      [2, 'events.2.tokens_in', 'too_big'],
      [2, 'events.2.payload', 'required'],
    ]);
    expect(answer.text).not.toContain('sk-secret');
    expect(calls()).toBe(before);
  });

  test.each([
    ['garbage', '{"team_id": sk-secret', 'json'],
    ['no object', '[]', 'schema'],
    ['empty', '', 'json'],
    ['a fraction for an integer', JSON.stringify(eventsBody(1)).replace('"event_seq":0', '"event_seq":1.0'), 'schema'],
  ])('%s: 400', async (_name, body, code) => {
    const answer = await post(server, '/v1/events', body);
    expect([answer.status, answer.json['code']]).toEqual([400, code]);
    expect(answer.text).not.toContain('sk-secret');
  });

  test.each([
    ['bytes that are no gzip', Buffer.from('not gzip'), 'gzip', 400, 'encoding'],
    ['bytes that are no zstd', Buffer.from('not zstd'), 'zstd', 400, 'encoding'],
    ['bytes that are no UTF-8', Buffer.from([0x7b, 0xff, 0x7d]), 'identity', 400, 'encoding'],
    ['an encoding we do not take', Buffer.from('{}'), 'br', 415, 'content_encoding'],
    ['two encodings', Buffer.from('{}'), 'gzip, gzip', 415, 'content_encoding'],
  ])('%s', async (_name, body, encoding, status, code) => {
    const answer = await post(server, '/v1/events', body, { 'content-encoding': encoding });
    expect([answer.status, answer.json['code']]).toEqual([status, code]);
  });

  test('no encoding named is identity', async () => {
    const body = JSON.stringify(eventsBody(1, { workspace_hash: 'identity' }));
    expect((await post(server, '/v1/events', body, { 'content-encoding': undefined })).status).toBe(202);
  });

  test.each([undefined, 'text/plain', 'application/jsonp', 'multipart/form-data'])(
    'content type %s: 415',
    async (type) => {
      const answer = await post(server, '/v1/events', eventsBody(1), { 'content-type': type });
      expect([answer.status, answer.json['code']]).toEqual([415, 'content_type']);
    },
  );

  test('a schema version of the future is 426 and names ours', async () => {
    const answer = await post(server, '/v1/events', eventsBody(1), { 'x-syncline-schema-version': '2' });
    expect(answer).toMatchObject({ status: 426, json: { code: 'schema_version', schema_versions: [1] } });
    const own = await post(server, '/v1/events', eventsBody(1, { workspace_hash: 'v1' }), {
      'x-syncline-schema-version': '1',
    });
    expect(own.status).toBe(202);
  });

  test('each size limit is named with 413', async () => {
    const many = await post(server, '/v1/events', eventsBody(601));
    expect(many).toMatchObject({ status: 413, json: { limit: 'max_items', limits: { max_items: 600 } } });
    const wide = await post(server, '/v1/events', eventsBody(1, { note: 'x'.repeat(900_000) }));
    expect(wide).toMatchObject({ status: 413, json: { limit: 'max_body_bytes' } });
    const big = await post(server, '/v1/events', Buffer.alloc(200_001), { 'content-encoding': 'identity' });
    expect(big).toMatchObject({ status: 413, json: { limit: 'max_encoded_body_bytes' } });
  });

  test('an unknown kind of event is taken as it is', async () => {
    const body = eventsBody(1, { workspace_hash: 'kind' });
    (body['events'] as Record<string, unknown>[])[0]!['kind'] = 'brand_new';
    expect((await post(server, '/v1/events', body)).status).toBe(202);
  });
});

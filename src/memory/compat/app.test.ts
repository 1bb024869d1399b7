import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { CompatRig, type OurNode } from '../../../test/support/compat-rig.ts';
import { ann } from '../../../test/support/memory-member.ts';
import { KeyDirectory } from './key-directory.ts';
import { STRICT_POLICY } from './open-compat.ts';
import { signatureHeader } from './signature.ts';
import { signingKey } from './ed25519.ts';

const PUSH = '/api/v1/sync/push';
const SINCE = '/api/v1/sync/since';
const json = { 'content-type': 'application/json' };
const at = '2026-05-07T10:00:00.000000000+00:00';

let rig: CompatRig;
beforeEach(() => {
  rig = new CompatRig();
});
afterEach(() => rig.close());

async function answer(response: Response): Promise<[number, unknown]> {
  return [response.status, await response.json()];
}

function row(change: object = {}): Record<string, unknown> {
  return {
    ...{ id: randomUUID(), tier: 'mid', namespace: 'team', title: randomUUID(), content: 'content', tags: [] },
    ...{ priority: 5, confidence: 1, source: 'api', access_count: 0, created_at: at, updated_at: at },
    ...change,
  };
}

function push(node: OurNode, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const text =
    typeof body === 'string' ? body : JSON.stringify({ sender_agent_id: 'n1', memories: [], ...(body as object) });
  return fetch(node.listener.url + PUSH, { method: 'POST', headers: { ...json, ...headers }, body: text });
}

describe('the door', () => {
  test('wants the API key for everything but health, and never takes it from the query', async () => {
    const node = await rig.ours('a', { api_key: 'secret-key' });
    const get = (path: string, headers = {}): Promise<Response> => fetch(node.listener.url + path, { headers });
    expect(await answer(await get('/api/v1/health'))).toEqual([
      200,
      { status: 'ok', service: 'ai-memory', version: '0', embedder_ready: false, federation_enabled: true },
    ]);
    const refused = [401, { error: 'missing or invalid API key' }];
    expect(await answer(await get(SINCE))).toEqual(refused);
    expect(await answer(await get(`${SINCE}?api_key=secret-key`))).toEqual(refused);
    expect(await answer(await get(SINCE, { 'x-api-key': 'secret-keY' }))).toEqual(refused);
    expect(await answer(await push(node, {}))).toEqual(refused);
    expect((await get(`${SINCE}?peer=n1`, { 'x-api-key': 'secret-key' })).status).toBe(200);
    expect((await push(node, {}, { 'x-api-key': 'secret-key' })).status).toBe(200);
  });

  test('answers with the statuses of the wire', async () => {
    const node = await rig.ours('a');
    const url = node.listener.url;
    const status = async (path: string, init: RequestInit): Promise<number> => (await fetch(url + path, init)).status;
    const body = '{"sender_agent_id":"n1","memories":[]}';
    expect(await status(PUSH, { method: 'POST', body })).toBe(415);
    expect(
      await status(PUSH, { method: 'POST', headers: { 'content-type': 'application/json; charset=utf-8' }, body }),
    ).toBe(200);
    expect(await status(PUSH, { method: 'GET' })).toBe(405);
    expect(await status(SINCE, { method: 'DELETE' })).toBe(405);
    expect(await status('/api/v1/memories', { method: 'GET' })).toBe(404);
    expect(await status(`${SINCE}?peer=n1&since=garbage`, { method: 'GET' })).toBe(400);
    expect(await status(SINCE, { method: 'GET' })).toBe(403);
    expect((await push(node, {}, { 'x-peer-id': 'a b' })).status).toBe(400);
    expect((await push(node, {}, { 'x-agent-id': 'a b' })).status).toBe(400);
    expect((await push(node, { deletions: Array(1001).fill('x') })).status).toBe(400);
    expect((await push(node, Buffer.alloc(2 * 1024 * 1024 + 1, 32).toString())).status).toBe(413);
    expect((await push(node, `{"sender_agent_id":"n1","memories":[]}${' '.repeat(2 * 1024 * 1024 - 38)}`)).status).toBe(
      200,
    );
  });

  test('counts what came of each item, and skips one without the others', async () => {
    const node = await rig.ours('a');
    const good = row();
    const body = {
      memories: [good, row({ priority: 99 })],
      deletions: ['nobody'],
      archives: ['nobody'],
      restores: ['nobody'],
      links: [{ source_id: good['id'], target_id: good['id'] }],
      namespace_meta_clears: ['never-set'],
    };
    const [status, reply] = await answer(await push(node, body, { 'idempotency-key': 'x' }));
    expect(status).toBe(200);
    expect(reply).toMatchObject({
      ...{ applied: 1, deleted: 0, archived: 0, restored: 0, links_applied: 0, noop: 4, skipped: 2, dry_run: false },
      receiver_agent_id: 'syncline:a',
      receiver_clock: { entries: { n1: at } },
      skipped_items: [
        { list: 'memories', index: 1, reason: 'priority: is not a whole number from 1 to 10' },
        { list: 'links', index: 0, reason: 'target_id: is the source itself' },
      ],
      ids: [good['id'], 'nobody', 'nobody', 'nobody', 'never-set', 'skipped:2'],
    });
  });

  test('a dry run counts and writes nothing', async () => {
    const node = await rig.ours('a');
    const [, reply] = await answer(await push(node, { memories: [row(), row({ tier: 'x' })], dry_run: true }));
    expect(reply).toMatchObject({ applied: 0, noop: 1, skipped: 1, dry_run: true, receiver_clock: { entries: {} } });
    expect(await node.member.memories.count({})).toBe(0);
  });
});

describe('signed requests (T16)', () => {
  const body = Buffer.from(`{"sender_agent_id":"n1","memories":[${JSON.stringify(row({ title: 'Signed' }))}]}`);
  const seed = new Uint8Array(32).fill(7);
  const key = signingKey(seed);

  function signed(nonce: string): Record<string, string> {
    return {
      ...json,
      'x-peer-id': 'n1',
      'x-memory-nonce': nonce,
      'x-memory-sig': signatureHeader(key, { body }, nonce),
    };
  }

  async function enrolled(name: string, options: object = {}): Promise<OurNode> {
    const node = await rig.ours(name, { policy: STRICT_POLICY, ...options });
    new KeyDirectory(node.keys_folder).write('n1', seed);
    return node;
  }

  function send(node: OurNode, headers: Record<string, string>): Promise<Response> {
    return fetch(node.listener.url + PUSH, { method: 'POST', headers, body });
  }

  test('are taken once', async () => {
    const node = await enrolled('a');
    const headers = signed(randomUUID());
    expect((await send(node, headers)).status).toBe(200);
    expect(await answer(await send(node, headers))).toEqual([401, { error: 'x_memory_nonce_replay' }]);
  });

  test('one of ours that was captured does nothing at another node of ours, nor at the same', async () => {
    const [a, b] = [await enrolled('a'), await enrolled('b')];
    const captured: { url: string; init: RequestInit }[] = [];
    const relay = await rig.capturing(a.listener.url, captured);
    const c = await rig.ours('c');
    new KeyDirectory(a.keys_folder).write('syncline:c', seed);
    new KeyDirectory(b.keys_folder).write('syncline:c', seed);
    const delivery = rig.delivery(c, 'syncline:a', relay, { signing_key: key, receiver: 'syncline:a' });
    await c.member.store('From c');
    expect(await delivery.pass(AbortSignal.timeout(10_000))).toMatchObject({ accepted_items: 1 });
    const [request] = captured;
    const again = (node: OurNode): Promise<Response> => fetch(node.listener.url + PUSH, request!.init);
    expect(await answer(await again(a))).toEqual([401, { error: 'x_memory_nonce_replay' }]);
    expect(await answer(await again(b))).toEqual([401, { error: 'x_memory_receiver_mismatch' }]);
    rig.tick(3 * 3_600_000);
    expect((await again(b)).status).toBe(401);
    expect(await b.member.memories.count({})).toBe(0);
  });

  test('a pull is signed over its path and query', async () => {
    const node = await enrolled('a');
    const query = 'peer=n1&limit=5';
    const get = (asked: string): Promise<Response> => {
      const nonce = randomUUID();
      const header = signatureHeader(key, { path: SINCE, query }, nonce);
      const headers = { 'x-peer-id': 'n1', 'x-memory-nonce': nonce, 'x-memory-sig': header };
      return fetch(`${node.listener.url}${SINCE}?${asked}`, { headers });
    };
    expect((await get(query)).status).toBe(200);
    expect(await answer(await get(`${query}0`))).toEqual([401, { error: 'x_memory_sig_bad_signature' }]);
  });

  test('the body that arrived is what is verified: one byte more is another', async () => {
    const node = await enrolled('a');
    const changed = Buffer.concat([body, Buffer.from(' ')]);
    const reply = await fetch(node.listener.url + PUSH, {
      method: 'POST',
      headers: signed(randomUUID()),
      body: changed,
    });
    expect(await answer(reply)).toEqual([401, { error: 'x_memory_sig_bad_signature' }]);
  });
});

describe('what a peer may see and touch', () => {
  const attestation = { n1: { allowed_namespaces: ['team/**'] }, n2: {} };

  test('a pull shows the namespaces of its list, nothing private, and nothing without a list (D13)', async () => {
    const node = await rig.ours('a', { attestation, unlisted: null });
    await node.member.store('Out', { namespace: 'other' });
    await node.member.store('Mine', { namespace: 'team', scope: 'private' });
    await node.member.store('Says nothing', { namespace: 'team' });
    const inside = await node.member.store('In', { namespace: 'team/ops', scope: 'team' });
    const get = async (peer: string): Promise<unknown> =>
      (await fetch(`${node.listener.url}${SINCE}?peer=${peer}&limit=1`)).json();
    expect(await get('n1')).toMatchObject({
      ...{ count: 1, limit: 1, scope_status: 'scoped', memories: [{ id: inside }] },
      ...{ excluded_for_scope: 1, excluded_for_scope_private: 2 },
    });
    expect(await get('n2')).toMatchObject({ count: 0, memories: [], scope_status: 'no_allowlist_default_deny' });
    expect((await fetch(`${node.listener.url}${SINCE}?peer=n3`)).status).toBe(401);
  });

  test('a push stays within them on every list', async () => {
    const node = await rig.ours('a', { attestation });
    const out = await node.member.store('Out', { namespace: 'other' });
    const old = await node.member.store('Old', { namespace: 'other' });
    await node.member.memories.archive([old], 'done', ann);
    const inside = row({ namespace: 'team/ops' });
    const body = {
      memories: [inside, row({ namespace: 'other' }), row({ id: out, namespace: 'team', title: 'Taken over' })],
      deletions: [out],
      archives: [out],
      restores: [old],
      links: [{ source_id: inside['id'], target_id: out }],
      namespace_meta: [{ namespace: 'other', standard_id: inside['id'] }],
      namespace_meta_clears: ['other'],
    };
    expect(await (await push(node, body, { 'x-peer-id': 'n1' })).json()).toMatchObject({ applied: 1, skipped: 8 });
    expect((await node.member.memories.list({})).map(({ title }) => title).sort()).toEqual(
      ['Out', inside['title']].sort(),
    );
  });
});

test('pending actions and decisions, in any order, executed once, never opened again (D17, D18)', async () => {
  const node = await rig.ours('a');
  const { memories } = node.member;
  const doomed = await node.member.store('Doomed');
  const asked = (id: string, action_type: string, memory_id: string | null): object => ({
    ...{ id, action_type, memory_id, namespace: 'global', payload: { title: 'Wanted', content: 'x' } },
    ...{ requested_by: 'bob', requested_at: '2027-01-15T07:59:00Z', status: 'pending', approvals: [] },
  });
  await push(node, { pending_decisions: [{ id: 'p-1', approved: true, decider: 'eve' }] });
  expect(await memories.pendingAction('p-1')).toBeNull();
  await push(node, { pendings: [asked('p-1', 'delete', doomed)] });
  expect(await memories.pendingAction('p-1')).toMatchObject({
    status: 'approved',
    decided_by: 'eve',
    requested_by: 'bob',
  });
  expect(await memories.get(doomed)).toBeNull();
  expect(await (await push(node, { pendings: [asked('p-1', 'delete', doomed)] })).json()).toMatchObject({ skipped: 0 });
  expect(await memories.pendingAction('p-1')).toMatchObject({ status: 'approved' });
  // What an approved store made comes from its node as a memory of its own; here nothing is made a second time.
  await push(node, {
    pendings: [asked('p-2', 'store', null)],
    pending_decisions: [{ id: 'p-2', approved: true, decider: 'eve' }],
  });
  expect(await memories.pendingAction('p-2')).toMatchObject({ status: 'approved' });
  expect(await memories.count({})).toBe(0);
  await push(node, {
    pendings: [asked('p-3', 'store', null)],
    pending_decisions: [{ id: 'p-3', approved: false, decider: 'eve' }],
  });
  expect(await memories.pendingAction('p-3')).toMatchObject({ status: 'rejected', decided_by: 'eve' });
});

test('what somebody wrote into a pending action is masked like any other write (P3)', async () => {
  const node = await rig.ours('a');
  const secret = 'ghp_a7Kq2ZbX9mR4a7Kq2ZbX9mR4a7Kq2ZbX9mR4';
  const payload = { title: 'Wanted', content: `with ${secret}` };
  const asked = { ...{ id: 'p-1', action_type: 'store', memory_id: null, namespace: 'global', payload } };
  const rest = { requested_by: 'bob', requested_at: '2027-01-15T07:59:00Z', status: 'pending', approvals: [] };
  await push(node, { pendings: [{ ...asked, ...rest }] });
  const pending = JSON.stringify(await node.member.memories.pendingAction('p-1'));
  expect(pending).toContain('Wanted');
  expect(pending).not.toContain(secret);
});

describe('links that are signed', () => {
  const key = signingKey(new Uint8Array(32).fill(7));
  const ends = { source_id: 'a', target_id: 'b', relation: 'supersedes' };

  async function pushLink(enroll: boolean, observed_by: string, signature: number[]): Promise<unknown> {
    const node = await rig.ours(`x${enroll}`.toLowerCase());
    if (enroll) new KeyDirectory(join(node.keys_folder)).write('alice', new Uint8Array(32).fill(7));
    const link = { ...ends, created_at: at, observed_by, signature };
    const reply = (await (
      await push(node, { memories: [row({ id: 'a' }), row({ id: 'b' })], links: [link] })
    ).json()) as object;
    return { ...reply, links: await node.member.memories.links('a') };
  }

  it.each([
    ['by a known key', true, 'alice', false, { links_applied: 1, skipped: 0 }],
    ['by a known key, one bit off', true, 'alice', true, { links_applied: 0, skipped: 1, links: [] }],
    ['by an unknown key', false, 'alice', true, { links_applied: 1, skipped: 0 }],
  ])('%s', async (_, enroll, observed_by, flipped, reply) => {
    const { signLink } = await import('./link-signature.ts');
    const signature = [
      ...signLink(key, {
        src_id: 'a',
        dst_id: 'b',
        relation: 'supersedes',
        observed_by,
        valid_from: null,
        valid_until: null,
      }),
    ];
    if (flipped) signature[9]! ^= 1;
    expect(await pushLink(enroll, observed_by, signature)).toMatchObject(reply);
  });
});

test('no body, header or query makes the server fail or fall: every answer is one of the wire', async () => {
  const node = await rig.ours('a');
  const statuses = new Set([200, 400, 401, 403, 413, 415]);
  // An item that every list would take, with up to two of its fields changed into something else.
  const whole = {
    ...{ id: 'm-1', tier: 'mid', namespace: 'team', title: 'T', content: 'x', tags: ['x'], priority: 5, confidence: 1 },
    ...{ source: 'api', access_count: 0, created_at: at, updated_at: at, metadata: {}, standard_id: 'm-1' },
    ...{ source_id: 'm-1', target_id: 'm-2', relation: 'supersedes', parent_namespace: null, memory_id: 'm-1' },
    ...{ action_type: 'delete', payload: {}, requested_by: 'bob', requested_at: at, status: 'pending' },
    ...{ approved: true, decider: 'bob', model: 'm', dim: 1, vector: [1] },
  };
  const odd = fc.oneof(
    fc.constantFrom(
      '',
      ' ',
      '\u0000',
      '\ud800',
      '__proto__',
      '../x',
      '*',
      'a/b',
      'm-2',
      'm-3',
      'mail a@b.co',
      'store',
      'approved',
    ),
    fc.constantFrom(
      '0000-01-01T00:00:00Z',
      '9999-12-31T23:59:59Z',
      '1950-01-01T00:00:00Z',
      '2099-01-01T00:00:00.5Z',
      'nhi',
    ),
    fc.jsonValue({ maxDepth: 3 }),
    fc.double(),
  );
  const names = fc.constantFrom(
    ...Object.keys(whole),
    'expires_at',
    'last_accessed_at',
    'by',
    'born',
    'created_ms',
    'archived',
    '__proto__',
  );
  const item = fc.oneof(
    { weight: 6, arbitrary: fc.dictionary(names, odd, { maxKeys: 2 }).map((change) => ({ ...whole, ...change })) },
    { weight: 2, arbitrary: fc.constantFrom('m-1', 'm-2', 'team') },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  );
  const lists = [
    ...['memories', 'embeddings', 'deletions', 'archives', 'restores', 'links', 'pendings', 'pending_decisions'],
    ...['namespace_meta', 'namespace_meta_clears', 'signals'],
  ];
  const body = fc
    .dictionary(fc.constantFrom(...lists), fc.array(item, { maxLength: 4 }), { maxKeys: 6 })
    .chain((some) =>
      fc.record({
        some: fc.constant(some),
        sender: fc.constantFrom('n1', 'n1', 'n2', 'x y', 7),
        dry_run: fc.constantFrom(false, false, false, true, 'x'),
      }),
    )
    .map(({ some, sender, dry_run }) => JSON.stringify({ sender_agent_id: sender, memories: [], ...some, dry_run }));
  await fc.assert(
    fc.asyncProperty(fc.oneof({ weight: 6, arbitrary: body }, fc.string(), fc.json()), async (text) => {
      const reply = await push(node, text);
      expect(statuses).toContain(reply.status);
      await reply.json();
    }),
    { numRuns: 80 },
  );
  const headers = fc.constantFrom(
    'x-peer-id',
    'x-memory-sig',
    'x-memory-nonce',
    'x-agent-id',
    'idempotency-key',
    'content-type',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(headers, fc.stringMatching(/^[\x21-\x7e]{0,40}$/)),
      fc.webQueryParameters(),
      async (some, query) => {
        expect(statuses).toContain((await push(node, {}, some)).status);
        expect(statuses).toContain((await fetch(`${node.listener.url}${SINCE}?${query}`, { headers: some })).status);
      },
    ),
    { numRuns: 40 },
  );
  expect(node.defects).toEqual([]);
  // The fuzz reached the store, and what it left there is sound.
  expect(node.member.replica.vector()).not.toEqual({});
  await node.member.canonical();
}, 120_000);

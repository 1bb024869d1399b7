import { describe, expect, it, test } from 'vitest';
import { majority, readPushReply, writesNeeded } from './ack-rules.ts';
import { instantOfMilliseconds } from './instant.ts';
import { buildPush, expectedId, itemsOf, type Lane } from './push-lanes.ts';
import { readPushBody } from './push-body.ts';
import { PushTally } from './push-reply.ts';
import type { WireMemory } from './wire-memory.ts';

const at = instantOfMilliseconds(1_778_148_000_000);
const memory: WireMemory = {
  id: 'm-1',
  tier: 'mid',
  namespace: 'team',
  title: 'Title',
  content: 'Content',
  tags: [],
  priority: 5,
  confidence: 1,
  source: 'api',
  access_count: 0,
  created_at: at,
  updated_at: at,
  last_accessed_at: null,
  expires_at: null,
  metadata: {},
  extra: {},
};
const memory_text =
  '{"id":"m-1","tier":"mid","namespace":"team","title":"Title","content":"Content","tags":[],"priority":5,"confidence":1,"source":"api","access_count":0,"created_at":"2026-05-07T10:00:00.000000000+00:00","updated_at":"2026-05-07T10:00:00.000000000+00:00","metadata":{}}';
const envelope = { sender_agent_id: 'n1' };
const pending = {
  id: 'p-1',
  action_type: 'delete',
  namespace: 'team',
  payload: {},
  requested_by: 'bob',
  status: 'pending',
};
const link = { source_id: 'm-1', target_id: 'm-2', relation: 'supersedes', created_at: '2026-05-07T10:00:00Z' };

describe('the body of each broadcast (§4.6), and the name that a reply knows it by', () => {
  it.each<[Lane, string, string]>([
    [{ lane: 'store', memory }, `"memories":[${memory_text}]`, 'm-1'],
    [
      { lane: 'store', memory, embedding: { model: 'mini', vector: [0.6, 0.8] } },
      `"memories":[${memory_text}],"embeddings":[{"memory_id":"m-1","model":"mini","dim":2,"vector":[0.6,0.8]}]`,
      'm-1',
    ],
    [{ lane: 'delete', id: 'm-1' }, '"memories":[],"deletions":["m-1"]', 'm-1'],
    [{ lane: 'archive', id: 'm-1' }, '"memories":[],"archives":["m-1"]', 'm-1'],
    [{ lane: 'restore', id: 'm-1' }, '"memories":[],"restores":["m-1"]', 'm-1'],
    [
      { lane: 'link', link },
      '"memories":[],"links":[{"source_id":"m-1","target_id":"m-2","relation":"supersedes","created_at":"2026-05-07T10:00:00Z"}]',
      'm-1→m-2',
    ],
    [
      { lane: 'consolidate', memory, source_ids: ['a', 'b'] },
      `"memories":[${memory_text}],"deletions":["a","b"]`,
      'm-1',
    ],
    [{ lane: 'pending', pending }, `"memories":[],"pendings":[${JSON.stringify(pending)}]`, 'p-1'],
    [
      { lane: 'pending_decision', id: 'p-1', approved: false, decider: 'bob' },
      '"memories":[],"pending_decisions":[{"id":"p-1","approved":false,"decider":"bob"}]',
      'p-1',
    ],
    [
      {
        lane: 'namespace_meta',
        namespace: 'team',
        standard_id: 'm-1',
        parent_namespace: null,
        updated_at: '2026-05-07T10:00:00Z',
      },
      '"memories":[],"namespace_meta":[{"namespace":"team","standard_id":"m-1","updated_at":"2026-05-07T10:00:00Z"}]',
      'team',
    ],
    [
      { lane: 'namespace_meta_clear', namespaces: ['a', 'b'] },
      '"memories":[],"namespace_meta_clears":["a","b"]',
      'a,b',
    ],
  ])('$lane', (lane, lists, name) => {
    const body = buildPush(envelope, itemsOf(lane));
    expect(body).toBe(`{"sender_agent_id":"n1",${lists},"dry_run":false}`);
    expect(expectedId(lane)).toBe(name);
    const read = readPushBody(body);
    for (const items of Object.values(read.lists)) for (const item of items) expect(item).toHaveProperty('item');
  });
});

test('a store without a vector is the same, byte for byte, in both variants', () => {
  const plain = buildPush(envelope, itemsOf({ lane: 'store', memory }));
  expect(buildPush(envelope, itemsOf({ lane: 'store', memory, embedding: undefined }))).toBe(plain);
  expect(plain).not.toContain('embeddings');
});

test('a signature travels as 64 numbers', () => {
  const signature = new Uint8Array(64).fill(255);
  const body = buildPush(envelope, itemsOf({ lane: 'link', link: { ...link, signature } }));
  expect(readPushBody(body).lists.links).toMatchObject([{ item: { signature } }]);
});

test('our own bodies name their receiver and time, where a signature covers them', () => {
  const body = buildPush({ ...envelope, receiver: 'n2', sender_wall_clock: at }, {});
  expect(readPushBody(body)).toMatchObject({
    receiver: 'n2',
    sender_wall_clock: '2026-05-07T10:00:00.000000000+00:00',
  });
});

describe('rules of acknowledgement', () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [5, 3],
  ])('more than half of %i is %i', (members, needed) => expect(majority(members)).toBe(needed));

  it.each([
    [9, 3, { writes: 3, clamped: true }],
    [0, 3, { writes: 1, clamped: true }],
    [2, 3, { writes: 2, clamped: false }],
  ])('W = %i of %i', (wanted, members, needed) => expect(writesNeeded(wanted, members)).toEqual(needed));

  it.each<[number, string, object]>([
    [200, '{"applied":1,"skipped":0}', { outcome: 'ack' }],
    [200, 'not json', { outcome: 'ack' }],
    [204, '', { outcome: 'ack' }],
    [200, '{"ids":["m-1","other"]}', { outcome: 'ack' }],
    [200, '{"ids":[]}', { outcome: 'ack' }],
    [200, '{"ids":["other"]}', { outcome: 'id_drift' }],
    [200, '{"applied":0,"skipped":1}', { outcome: 'skipped', items: 1 }],
    [200, '{"unsupported_on_postgres":2}', { outcome: 'skipped', items: 2 }],
    [200, '{"skipped":"many","ids":7}', { outcome: 'ack' }],
    [413, '', { outcome: 'failed', status: 413 }],
    [302, '', { outcome: 'failed', status: 302 }],
  ])('%i %s', (status, body, outcome) => expect(readPushReply(status, body, ['m-1'])).toEqual(outcome));
});

test('an answer has every counter of the wire, and tells a baseline sender of a skipped item by the ids it checks', () => {
  const tally = new PushTally();
  tally.count('memories', 0, 'm-1', { result: 'effect' });
  tally.count('deletions', 0, 'm-2', { result: 'nothing' });
  const parts = { dry_run: false, agent_id: 'ours', clock: ['n1', at] as const, name_ids: true };
  expect(tally.body(parts)).toEqual({
    applied: 1,
    deleted: 0,
    archived: 0,
    restored: 0,
    links_applied: 0,
    pendings_applied: 0,
    pending_decisions_applied: 0,
    namespace_meta_applied: 0,
    namespace_meta_cleared: 0,
    noop: 1,
    skipped: 0,
    dry_run: false,
    receiver_agent_id: 'ours',
    receiver_clock: { entries: { n1: '2026-05-07T10:00:00.000000000+00:00' } },
    ids: ['m-1', 'm-2'],
  });
  tally.count('memories', 1, 'm-3', { result: 'skipped', reason: 'title: is empty' });
  const reply = JSON.stringify(tally.body(parts));
  expect(readPushReply(200, JSON.stringify({ ...JSON.parse(reply), skipped: 0 }), ['m-3'])).toEqual({
    outcome: 'id_drift',
  });
  expect(readPushReply(200, reply, ['m-3'])).toEqual({ outcome: 'skipped', items: 1 });
  expect(tally.body({ ...parts, name_ids: false })).not.toHaveProperty('ids');
});

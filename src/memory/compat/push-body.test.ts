import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { formatInstant } from './instant.ts';
import { readPushBody, type PushList } from './push-body.ts';
import { RequestRefused } from './refusal.ts';
import { formatWireMemory } from './wire-memory.ts';

/** The sample of the specification (§3.1). */
const memory = {
  id: '0b9c6a52-4a39-4f0e-9d7b-1c2f3a4b5c6d',
  tier: 'mid',
  namespace: 'team/ops',
  title: 'Rollback needs two approvals',
  content: 'Agreed in the Tuesday review.',
  tags: ['deploy'],
  priority: 6,
  confidence: 0.9,
  source: 'api',
  access_count: 0,
  created_at: '2026-05-07T10:00:00.123456789+00:00',
  updated_at: '2026-05-07T10:00:00.123456789+00:00',
  expires_at: '2026-05-14T10:00:00.123456789+00:00',
  metadata: { agent_id: 'alice', scope: 'team' },
};
const whole = {
  sender_agent_id: 'host:node-a',
  sender_clock: { entries: {} },
  memories: [memory],
  deletions: ['7c1d'],
  archives: [],
  restores: [],
  links: [{ source_id: '0b9c', target_id: '55aa', relation: 'supersedes', created_at: '2026-05-07T10:00:01+00:00' }],
  pendings: [],
  pending_decisions: [{ id: 'p-1', approved: true, decider: 'bob' }],
  namespace_meta: [
    { namespace: 'team/ops', standard_id: '9e0f', parent_namespace: 'team', updated_at: '2026-05-07T09:00:00+00:00' },
  ],
  namespace_meta_clears: ['team/old'],
  dry_run: false,
};

function read(body: unknown): ReturnType<typeof readPushBody> {
  return readPushBody(JSON.stringify(body));
}

/** The fate of the only item of a list: the item, or the reason why it is skipped. */
function only(list: PushList, item: unknown): unknown {
  const [first] = read({ ...whole, memories: [], [list]: [item] }).lists[list];
  return first && ('item' in first ? first.item : first.skipped);
}

function refusalOf(text: string): string {
  try {
    readPushBody(text);
    return 'taken';
  } catch (error) {
    if (!(error instanceof RequestRefused)) throw error;
    return `${error.status} ${error.message}`;
  }
}

test('the sample is read whole, and a memory is written as it came', () => {
  const body = read(whole);
  expect(body).toMatchObject({
    sender_agent_id: 'host:node-a',
    sender_wall_clock: null,
    receiver: null,
    dry_run: false,
  });
  const [first] = body.lists.memories;
  if (!first || !('item' in first)) throw new Error('skipped');
  expect(JSON.parse(formatWireMemory(first.item))).toEqual(memory);
  expect(body.lists.deletions).toEqual([{ item: '7c1d' }]);
  expect(body.lists.links).toMatchObject([{ item: { source_id: '0b9c', target_id: '55aa', relation: 'supersedes' } }]);
  expect(body.lists.pending_decisions).toEqual([{ item: { id: 'p-1', approved: true, decider: 'bob' } }]);
  expect(body.lists.namespace_meta).toEqual([
    { item: { namespace: 'team/ops', standard_id: '9e0f', parent_namespace: 'team' } },
  ]);
  expect(body.lists.namespace_meta_clears).toEqual([{ item: 'team/old' }]);
});

test('what newer releases added to a memory travels on; keys that nobody knows are ignored in the body (D23)', () => {
  const newer = {
    ...memory,
    memory_kind: 'claim',
    citations: [{ uri: 'x' }],
    version: 3,
    source: 'robot',
    entity_id: null,
  };
  const body = read({ ...whole, memories: [newer], signals: [1], checkpoints: 'any', sender_policy_seq: 4 });
  const [first] = body.lists.memories;
  if (!first || !('item' in first)) throw new Error('skipped');
  expect(first.item.extra).toEqual({ memory_kind: 'claim', citations: [{ uri: 'x' }], version: 3 });
  expect(JSON.parse(formatWireMemory(first.item))).toMatchObject({ memory_kind: 'claim', source: 'robot' });
});

it.each([
  ['2026-05-07T12:00:00+02:00', '2026-05-07T10:00:00.000000000+00:00'],
  ['2026-05-07T10:00:00.5Z', '2026-05-07T10:00:00.500000000+00:00'],
])('a time %s is kept as the instant that it is', (updated_at, kept) => {
  const [first] = read({ ...whole, memories: [{ ...memory, updated_at }] }).lists.memories;
  if (!first || !('item' in first)) throw new Error('skipped');
  expect(formatInstant(first.item.updated_at)).toBe(kept);
});

describe('an item that is not well formed is skipped by itself, with the field and without the value', () => {
  it.each<[PushList, unknown, string]>([
    ['memories', { ...memory, id: ' ' }, 'id'],
    ['memories', { ...memory, tier: 'Mid' }, 'tier'],
    ['memories', { ...memory, title: 'x'.repeat(513) }, 'title'],
    ['memories', { ...memory, content: '' }, 'content'],
    ['memories', { ...memory, content: 'x'.repeat(65_537) }, 'content'],
    ['memories', { ...memory, content: 'half \ud800 of one' }, 'content'],
    ['memories', { ...memory, priority: 11 }, 'priority'],
    ['memories', { ...memory, confidence: 1.5 }, 'confidence'],
    ['memories', { ...memory, access_count: -1 }, 'access_count'],
    ['memories', { ...memory, tags: 'deploy' }, 'tags'],
    ['memories', { ...memory, updated_at: 'yesterday' }, 'updated_at'],
    ['memories', { ...memory, expires_at: '' }, 'expires_at'],
    ['memories', { ...memory, metadata: [] }, 'metadata'],
    ['memories', { ...memory, namespace: '../up' }, 'namespace'],
    ['memories', { ...memory, note: 'x'.repeat(70_000) }, 'memory'],
    ['memories', null, 'memory'],
    ['deletions', 5, 'id'],
    ['archives', '', 'id'],
    ['restores', 'x'.repeat(129), 'id'],
    ['links', { source_id: 'a', target_id: 'a' }, 'target_id'],
    ['links', { source_id: 'a', target_id: 'b', signature: [1, 2] }, 'signature'],
    ['links', { source_id: 'a', target_id: 'b', signature: Array(64).fill(256) }, 'signature'],
    ['pendings', { id: 'p' }, 'action_type'],
    ['pending_decisions', { id: 'p', approved: 'yes', decider: 'bob' }, 'approved'],
    ['namespace_meta', { namespace: 'a', standard_id: 's', parent_namespace: 'a' }, 'parent_namespace'],
    ['namespace_meta_clears', 'a b', 'namespace'],
    ['embeddings', { memory_id: 'm', model: 'x', dim: 2, vector: [1] }, 'dim'],
    ['embeddings', { memory_id: 'm', model: 'x', dim: 1, vector: [1e300] }, 'vector'],
  ])('%s %j: %s', (list, item, field) => expect(only(list, item)).toMatch(new RegExp(`^${field}: `)));

  test('its neighbours are read', () => {
    const { lists } = read({ ...whole, memories: [{ ...memory, priority: 0 }, memory] });
    expect(lists.memories.map((read) => 'item' in read)).toEqual([false, true]);
  });
});

describe('a request that is refused whole', () => {
  const texts = (change: object): string => JSON.stringify({ ...whole, ...change });
  it.each([
    ['', '400 malformed sync_push body: not JSON'],
    ['{"sender_agent_id":"n1","memories":[]', '400 malformed sync_push body: not JSON'],
    ['[]', '400 malformed sync_push body: not an object'],
    ['null', '400 malformed sync_push body: not an object'],
    [texts({ sender_agent_id: undefined }), '400 malformed sync_push body: sender_agent_id is missing or no text'],
    [texts({ sender_agent_id: 'a b' }), '400 invalid sender_agent_id'],
    [texts({ sender_agent_id: 'x'.repeat(129) }), '400 invalid sender_agent_id'],
    [texts({ memories: undefined }), '400 malformed sync_push body: memories is missing'],
    [texts({ memories: {} }), '400 malformed sync_push body: memories is no list'],
    [texts({ dry_run: 'no' }), '400 malformed sync_push body: dry_run is neither true nor false'],
  ])('%s', (text, refusal) => expect(refusalOf(text)).toBe(refusal));

  it.each([
    ...(['memories', 'deletions', 'archives', 'restores', 'links', 'pendings', 'pending_decisions'] as const),
    ...(['namespace_meta', 'namespace_meta_clears', 'embeddings'] as const),
  ])('more than 1000 %s', (list) => {
    expect(refusalOf(texts({ [list]: Array(1001).fill('x') }))).toBe(
      `400 sync_push limited to 1000 ${list} per request`,
    );
    expect(refusalOf(texts({ [list]: Array(1000).fill('x') }))).toBe('taken');
  });
});

test('any body is read or refused as the wire says: nothing else is ever thrown', () => {
  const names = ['sender_agent_id', 'memories', 'links', 'deletions', 'pendings', 'embeddings', 'dry_run', '__proto__'];
  const near = fc.dictionary(fc.constantFrom(...names, ...Object.keys(memory)), fc.jsonValue({ maxDepth: 4 }));
  const bodies = fc.oneof(
    fc.string(),
    fc.jsonValue().map((value) => JSON.stringify(value)),
    near.map((value) => JSON.stringify(value)),
    fc
      .array(fc.oneof(near, fc.jsonValue(), fc.constant(memory)))
      .map((memories) => JSON.stringify({ ...whole, memories })),
    fc.constantFrom(1, 33, 100_000).map((deep) => `${'['.repeat(deep)}${']'.repeat(deep)}`),
    fc
      .constantFrom(1, 31, 32, 100_000)
      .map((deep) =>
        JSON.stringify(whole).replace('{"agent_id"', `{"deep":${'['.repeat(deep)}${']'.repeat(deep)},"agent_id"`),
      ),
  );
  fc.assert(
    fc.property(bodies, (text) => void refusalOf(text)),
    { numRuns: 150 },
  );
});

import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { BaselineMemoryPeer } from '../../../test/support/baseline-memory-peer.ts';
import { instantOfMilliseconds, type Instant } from './instant.ts';
import { editsOf, isBehind, joinedAtPeer, knownAfter, marksOf, type KnownRow } from './peer-rows.ts';
import { readWireMemory, type WireMemory } from './wire-memory.ts';
import { buildPush, itemsOf } from './push-lanes.ts';

const at = (second: number): Instant => instantOfMilliseconds(1_778_148_000_000 + second * 1000);

function row(change: Partial<WireMemory> = {}): WireMemory {
  return {
    id: 'm-1',
    tier: 'mid',
    namespace: 'team',
    title: 'Title',
    content: 'first',
    tags: [],
    priority: 5,
    confidence: 1,
    source: 'api',
    access_count: 0,
    created_at: at(0),
    updated_at: at(1),
    last_accessed_at: null,
    expires_at: null,
    metadata: {},
    extra: {},
    ...change,
  };
}

/** Both sides had `agreed` when they last spoke. */
function knownOf(agreed: WireMemory): KnownRow {
  return { theirs: marksOf(agreed), theirs_updated: agreed.updated_at, ours: marksOf(agreed), gone: null };
}

describe('what of a pushed row is an edit made at the peer', () => {
  const agreed = row();
  it.each<[string, WireMemory, WireMemory, KnownRow | null, string[]]>([
    ['an echo of what we sent', row(), row(), knownOf(agreed), []],
    ['an echo after we went on', row(), row({ content: 'ours', updated_at: at(9) }), knownOf(agreed), []],
    ['its edit', row({ content: 'theirs', updated_at: at(2) }), row(), knownOf(agreed), ['content']],
    [
      'its edit beside one of ours, though ours is newer',
      row({ content: 'theirs', updated_at: at(2) }),
      row({ tags: ['ours'], updated_at: at(3) }),
      knownOf(agreed),
      ['content'],
    ],
    [
      'both edited one field, its is newer',
      row({ content: 'theirs', updated_at: at(4) }),
      row({ content: 'ours', updated_at: at(3) }),
      knownOf(agreed),
      ['content'],
    ],
    [
      'both edited one field, ours is newer',
      row({ content: 'theirs', updated_at: at(2) }),
      row({ content: 'ours', updated_at: at(3) }),
      knownOf(agreed),
      [],
    ],
    ['an older row that was long on its way', row({ content: 'old', updated_at: at(1) }), row(), knownOf(agreed), []],
    ['nothing known, it is newer', row({ priority: 3, updated_at: at(2) }), row(), null, ['priority']],
    ['nothing known, ours is newer', row({ priority: 3, updated_at: at(0) }), row(), null, []],
    [
      'a priority that the peer would not lower is no edit (D6)',
      row({ priority: 8, content: 'theirs', updated_at: at(5) }),
      row({ priority: 2, updated_at: at(3) }),
      { ...knownOf(row({ priority: 8, updated_at: at(3) })), ours: marksOf(row({ priority: 2 })) },
      ['content'],
    ],
  ])('%s', (_, pushed, current, known, edits) => expect(editsOf(pushed, current, known)).toEqual(edits));
});

test('a mask or a shown title is agreement in other words: nothing goes back, and nothing comes again', () => {
  const pushed = row({ content: 'mail bob@example.com', title: 'Title' });
  const ours = row({ content: 'mail <REDACTED:email>', title: 'Title (2)' });
  const known = knownAfter(pushed, ours, ['content', 'title'], null);
  expect(known.ours).toEqual(marksOf(ours));
  expect(editsOf({ ...pushed, tags: ['x'], updated_at: at(5) }, ours, known)).toEqual(['tags']);
});

test('a field in which ours stayed another is still to be sent', () => {
  const current = row({ content: 'ours', updated_at: at(3) });
  const known = knownAfter(row({ content: 'theirs', updated_at: at(2) }), current, [], knownOf(row()));
  expect(known.ours).not.toEqual(marksOf(current));
});

test('a row from behind tells that the peer has something else: it is to be told again', () => {
  const known = knownOf(row({ content: 'sent', updated_at: at(9) }));
  const late = row({ content: 'late', updated_at: at(2) });
  expect(isBehind(late, known)).toBe(true);
  expect(knownAfter(late, row({ content: 'sent' }), [], known)).toMatchObject({ ours: null, theirs_updated: at(9) });
  expect(isBehind(row({ content: 'sent', updated_at: at(2) }), known)).toBe(false);
});

describe('what a peer has after it was sent a row, against the statement of the baseline', () => {
  let peer: BaselineMemoryPeer;
  let url: string;
  beforeAll(async () => {
    peer = new BaselineMemoryPeer({ name: 'host:old', now_ms: () => 0 });
    url = await peer.start();
  });
  afterAll(() => peer.stop());

  const fields = fc.record({
    tier: fc.constantFrom('short' as const, 'mid' as const, 'long' as const),
    content: fc.constantFrom('a', 'b'),
    tags: fc.constantFrom([], ['x']),
    priority: fc.integer({ min: 1, max: 10 }),
    confidence: fc.constantFrom(0, 0.5, 1),
    source: fc.constantFrom('api', 'cli'),
    expires_at: fc.constantFrom(null, at(100), at(200)),
    metadata: fc.constantFrom({}, { agent_id: 'alice', x: 1 }, { agent_id: 'bob', y: 2 }),
  });

  async function send(memory: WireMemory): Promise<void> {
    const body = buildPush({ sender_agent_id: 'n1' }, itemsOf({ lane: 'store', memory }));
    await fetch(`${url}/api/v1/sync/push`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  }

  test('is what we remember of it', async () => {
    let count = 0;
    await fc.assert(
      fc.asyncProperty(fields, fields, fc.integer({ min: 0, max: 3 }), async (first, second, later) => {
        const id = `m-${count++}`;
        const held = row({ id, title: id, ...first, expires_at: first.tier === 'long' ? null : first.expires_at });
        const sent = row({ id, title: id, ...second, updated_at: at(later) });
        await send(held);
        await send(sent);
        const has = marksOf(readWireMemory(peer.get(id)));
        // With equal times the id decides, which is the same one here: the peer keeps its own.
        expect(joinedAtPeer(marksOf(held), held.updated_at, marksOf(sent), sent.updated_at)).toEqual(has);
      }),
      { numRuns: 60 },
    );
  });
});

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AgentEvent, Usage } from './event.ts';
import { mergeByIdentity, mergeOccurrences } from './merge.ts';

const small = fc.integer({ min: 0, max: 3 });
const usage: fc.Arbitrary<Usage> = fc.record({
  input: small,
  output: small,
  reasoning: fc.constant(null),
  cache_read: small,
  cache_write_5m: small,
  cache_write_1h: small,
  web_searches: small,
  speed: fc.constant(null),
});

/** Few values for each field, so that occurrences tie and clash often. */
const occurrence: fc.Arbitrary<AgentEvent> = fc
  .record({
    identity: fc.constantFrom('a', 'b'),
    owner_rank: fc.constantFrom('1', '2', '3'),
    usage: fc.option(usage, { nil: null }),
    lines: small,
    text: fc.constantFrom('x', 'y'),
  })
  .map(({ identity, owner_rank, usage, lines, text }) => ({
    agent: 'claude',
    kind: 'message',
    source: 'tail',
    identity,
    session_id: `session of ${owner_rank}`,
    subagent_id: null,
    owner_rank,
    ts_ms: 0,
    ts_exact: true,
    cwd: null,
    git_branch: null,
    agent_version: null,
    model: 'claude-opus-5',
    tool: null,
    tool_call_id: null,
    usage,
    outcome: null,
    paths: [],
    facts: { lines },
    content: text,
  }));

const sameIdentity = occurrence.map((event) => ({ ...event, identity: 'a' }));

describe('mergeByIdentity', () => {
  it('is commutative, associative and idempotent', () => {
    fc.assert(
      fc.property(sameIdentity, sameIdentity, sameIdentity, (a, b, c) => {
        expect(mergeOccurrences(a, b)).toEqual(mergeOccurrences(b, a));
        expect(mergeOccurrences(mergeOccurrences(a, b), c)).toEqual(mergeOccurrences(a, mergeOccurrences(b, c)));
        expect(mergeOccurrences(a, a)).toEqual(a);
      }),
      { numRuns: 2000 },
    );
  });

  it('does not depend on order or repetition', () => {
    fc.assert(
      fc.property(fc.array(occurrence, { maxLength: 8 }), fc.array(fc.nat(7), { maxLength: 8 }), (events, again) => {
        const repeated = [...again.flatMap((index) => events[index] ?? []), ...[...events].reverse()];
        expect(Object.fromEntries(mergeByIdentity(repeated))).toEqual(Object.fromEntries(mergeByIdentity(events)));
      }),
    );
  });

  it('takes usage from the greatest output and the owner from the smallest rank', () => {
    const [event] = fc.sample(sameIdentity, 1);
    const figures = { ...fc.sample(usage, 1)[0]!, web_searches: 0 };
    const original = { ...event!, owner_rank: '1', session_id: 'original', usage: { ...figures, output: 9 } };
    const copy = { ...event!, owner_rank: '2', session_id: 'copy', usage: { ...figures, output: 159 } };
    const merged = mergeByIdentity([copy, original]).get('a')!;
    expect([merged.session_id, merged.usage?.output]).toEqual(['original', 159]);
  });
});

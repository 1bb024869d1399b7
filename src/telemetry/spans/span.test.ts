import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { rebuildSpans, SpanSet, spanTimes, type Span, type SpanEvent } from './span.ts';

const event = (own: Partial<SpanEvent> & Pick<SpanEvent, 'kind' | 'ts_ms'>): SpanEvent => ({
  seq: own.ts_ms,
  ts_exact: true,
  tool: 'Bash',
  call_id: null,
  outcome: null,
  path_hashes: [],
  ...own,
});

const byKey = (spans: Span[]): Span[] =>
  spans.map((span) => ({ ...span, opened: 0 })).sort((a, b) => (a.key < b.key ? -1 : 1));

const events = (call_ids: fc.Arbitrary<string | null>): fc.Arbitrary<SpanEvent[]> =>
  fc.array(
    fc.record({
      kind: fc.constantFrom('call', 'result', 'hook_start', 'hook_end'),
      ts_ms: fc.integer({ min: 0, max: 50 }),
      seq: fc.integer({ min: 0, max: 1000 }),
      ts_exact: fc.boolean(),
      tool: fc.constantFrom('Bash', 'Read', null),
      call_id: call_ids,
      outcome: fc.constantFrom('ok', 'failed', 'rejected', null),
      path_hashes: fc.subarray(['p1', 'p2', 'p3']),
    }),
    { maxLength: 30 },
  );

describe('incremental = rebuild', () => {
  test('in order, for agents with and without call ids, whatever the cuts between steps', () => {
    fc.assert(
      fc.property(events(fc.constantFrom('c1', 'c2', null)), fc.array(fc.nat(30)), (all, cuts) => {
        const ordered = [...all].sort((a, b) => a.ts_ms - b.ts_ms || a.seq - b.seq);
        let known: Span[] = [];
        let from = 0;
        for (const to of [...cuts.sort((a, b) => a - b), ordered.length]) {
          // Each step knows only what the step before it left.
          const set = new SpanSet(known);
          for (const each of ordered.slice(from, to)) set.fold(each);
          known = set.spans;
          from = Math.max(from, to);
        }
        expect(byKey(known)).toEqual(byKey(rebuildSpans(ordered)));
      }),
    );
  });

  test('with call ids, in any order and with repeats', () => {
    fc.assert(
      fc.property(
        events(fc.constantFrom('c1', 'c2', 'c3')).chain((all) =>
          fc.tuple(
            fc.constant(all),
            fc.shuffledSubarray([...all, ...all], { minLength: all.length * 2, maxLength: all.length * 2 }),
          ),
        ),
        ([all, shuffled]) => {
          const set = new SpanSet();
          for (const each of shuffled) set.fold(each);
          expect(byKey(set.spans)).toEqual(byKey(rebuildSpans(all)));
        },
      ),
    );
  });
});

describe('matching without call ids', () => {
  test('a result ends the newest open span of its tool, else the newest of any', () => {
    const spans = rebuildSpans([
      event({ kind: 'call', ts_ms: 1, tool: 'Bash' }),
      event({ kind: 'call', ts_ms: 2, tool: 'Read' }),
      event({ kind: 'result', ts_ms: 3, tool: 'Bash' }),
      event({ kind: 'result', ts_ms: 4, tool: null }),
    ]);
    expect(spans.map(({ tool, result_ms }) => ({ tool, result_ms }))).toEqual([
      { tool: 'Bash', result_ms: 3 },
      { tool: 'Read', result_ms: 4 },
    ]);
  });

  test('a call adopts the span that a hook opened', () => {
    const [span, ...others] = rebuildSpans([
      event({ kind: 'hook_start', ts_ms: 1 }),
      event({ kind: 'call', ts_ms: 2 }),
      event({ kind: 'result', ts_ms: 7 }),
      event({ kind: 'hook_end', ts_ms: 9 }),
    ]);
    expect(others).toEqual([]);
    expect(span && spanTimes(span)).toEqual({ status: 'done', started_at_ms: 1, ended_at_ms: 9, lead_time_ms: 8 });
  });

  test('a result without any call is ignored', () =>
    expect(rebuildSpans([event({ kind: 'result', ts_ms: 1 })])).toEqual([]));
});

describe('times', () => {
  const span = (...all: SpanEvent[]): Span => {
    const [only] = rebuildSpans(all);
    if (!only) throw new Error('no span');
    return only;
  };

  test('a call without a result is orphaned', () =>
    expect(spanTimes(span(event({ kind: 'call', ts_ms: 5, call_id: 'c' })))).toEqual({
      status: 'orphaned',
      started_at_ms: 5,
      ended_at_ms: null,
      lead_time_ms: null,
    }));

  test('no duration comes from a time that the transcript did not tell', () =>
    expect(
      spanTimes(
        span(
          event({ kind: 'call', ts_ms: 5, call_id: 'c', ts_exact: false }),
          event({ kind: 'result', ts_ms: 9, call_id: 'c' }),
        ),
      ),
    ).toMatchObject({ status: 'done', lead_time_ms: null }));

  test('a clock that stepped back gives 0, not less', () =>
    expect(
      spanTimes(
        span(event({ kind: 'result', ts_ms: 3, call_id: 'c' }), event({ kind: 'call', ts_ms: 5, call_id: 'c' })),
      ),
    ).toMatchObject({ lead_time_ms: 0 }));
});

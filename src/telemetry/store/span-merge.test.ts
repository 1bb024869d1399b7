import { expect, test } from 'vitest';
import { mergeSpans, spanContentOf, type SpanContent } from './span-merge.ts';

const owner = {
  owner_rank: null,
  session_id_hash: 's',
  workspace_hash: 'w',
  item: 'span',
  subagent_id_hash: null,
  member: 'ann',
  device: 'd',
};
const base = { session_id_hash: 's', span_id_hash: 'span', path_hashes: [] };

function merged(a: object, b: object): SpanContent {
  const record = (more: object) => ({ owner, content: spanContentOf({ ...base, status: 'orphaned', ...more }) });
  const result = mergeSpans(record(a), record(b)).content;
  expect(mergeSpans(record(b), record(a)).content).toEqual(result);
  return result;
}

test('what a hook saw begin and a transcript saw end is one finished span', () => {
  const hook = { started_at_ms: 100, tool: 'Bash', path_hashes: ['b', 'a'] };
  const transcript = {
    status: 'done',
    started_at_ms: 105,
    ended_at_ms: 300,
    lead_time_ms: 195,
    path_hashes: ['c', 'a'],
  };
  expect(merged(hook, transcript)).toMatchObject({
    status: 'done',
    tool: 'Bash',
    started_at_ms: 100,
    ended_at_ms: 300,
    lead_time_ms: 195,
    path_hashes: '["a","b","c"]',
  });
});

test('the lead time is that of a finished account, the known one of two', () => {
  expect(merged({ lead_time_ms: 900 }, { status: 'done', lead_time_ms: 5 }).lead_time_ms).toBe(5);
  expect(merged({ status: 'done' }, { status: 'done', lead_time_ms: 5 }).lead_time_ms).toBe(5);
});

test.each([
  [null, 'ok', 'ok'],
  ['ok', 'failed', 'failed'],
  ['failed', 'rejected', 'rejected'],
])('of outcomes %s and %s, %s', (a, b, outcome) => {
  expect(merged({ outcome: a }, { outcome: b }).outcome).toBe(outcome);
});

test('usage comes from one account, whole', () => {
  const small = { tokens_in: 500, tokens_out: 1, cost_usd_e6: 9 };
  const great = { tokens_in: 10, tokens_out: 2 };
  expect(merged(small, great)).toMatchObject({ tokens_in: 10, tokens_out: 2, cost_usd_e6: null });
});

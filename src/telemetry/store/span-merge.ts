import type { WireToolSpan } from '../wire/tool-span.ts';
import { compareTuples, earliest, knownText, latest } from './order.ts';
import { ownsBefore, type Owner } from './owner.ts';

/** What one account of a tool span says, apart from whose it is. */
export interface SpanContent {
  tool: string | null;
  tool_call_id: string | null;
  status: string;
  outcome: string | null;
  started_at_ms: number | null;
  ended_at_ms: number | null;
  lead_time_ms: number | null;
  tokens_in: number | null;
  tokens_out: number | null;
  reasoning_tokens: number | null;
  cost_usd_e6: number | null;
  /** JSON array, sorted. */
  path_hashes: string;
}

export interface SpanRecord {
  owner: Owner;
  content: SpanContent;
}

/** The stored form of what a sender said about a span. */
export function spanContentOf(span: WireToolSpan): SpanContent {
  return {
    tool: span.tool ?? null,
    tool_call_id: span.tool_call_id ?? null,
    status: span.status,
    outcome: span.outcome ?? null,
    started_at_ms: span.started_at_ms ?? null,
    ended_at_ms: span.ended_at_ms ?? null,
    lead_time_ms: span.lead_time_ms ?? null,
    tokens_in: span.tokens_in ?? null,
    tokens_out: span.tokens_out ?? null,
    reasoning_tokens: span.reasoning_tokens ?? null,
    cost_usd_e6: span.cost_usd_e6 ?? null,
    path_hashes: sortedJson(span.path_hashes),
  };
}

/**
 * Two accounts of one span become one, field by field: a hook sees the start, the transcript the end. Every field is
 * merged by an order of its own, so the result does not depend on which came first.
 */
export function mergeSpans(a: SpanRecord, b: SpanRecord): SpanRecord {
  return {
    owner: ownsBefore(b.owner, a.owner) ? b.owner : a.owner,
    content: mergeContent(a.content, b.content),
  };
}

function mergeContent(a: SpanContent, b: SpanContent): SpanContent {
  const usage = compareTuples(usageTuple(b), usageTuple(a)) > 0 ? b : a;
  const ending = compareTuples(endingTuple(b), endingTuple(a)) > 0 ? b : a;
  return {
    tool: knownText(a.tool, b.tool),
    tool_call_id: knownText(a.tool_call_id, b.tool_call_id),
    status: ending.status,
    lead_time_ms: ending.lead_time_ms,
    outcome: outcomeRank(b.outcome) > outcomeRank(a.outcome) ? b.outcome : a.outcome,
    started_at_ms: earliest(a.started_at_ms, b.started_at_ms),
    ended_at_ms: latest(a.ended_at_ms, b.ended_at_ms),
    tokens_in: usage.tokens_in,
    tokens_out: usage.tokens_out,
    reasoning_tokens: usage.reasoning_tokens,
    cost_usd_e6: usage.cost_usd_e6,
    path_hashes: a.path_hashes === b.path_hashes ? a.path_hashes : union(a.path_hashes, b.path_hashes),
  };
}

/** A finished account beats an orphaned one; of two finished ones, the one that knows how long it took. */
function endingTuple(content: SpanContent): (string | number | null)[] {
  return [STATUS_RANK.get(content.status) ?? 0, content.status, content.lead_time_ms];
}

const STATUS_RANK = new Map([
  ['done', 2],
  ['orphaned', 1],
]);

/** `rejected` beats `failed`: agents write a refusal by the user as an error, too, and only some say which it was. */
const OUTCOMES = [null, 'ok', 'failed', 'rejected'];

function outcomeRank(outcome: string | null): number {
  return OUTCOMES.indexOf(outcome);
}

function usageTuple(content: SpanContent): (string | number | null)[] {
  return [content.tokens_out, content.cost_usd_e6, content.tokens_in, content.reasoning_tokens];
}

function union(a: string, b: string): string {
  return sortedJson([...(JSON.parse(a) as string[]), ...(JSON.parse(b) as string[])]);
}

function sortedJson(hashes: string[]): string {
  return JSON.stringify([...new Set(hashes)].sort());
}

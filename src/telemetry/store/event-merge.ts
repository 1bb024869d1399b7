import type { WireEvent } from '../wire/event.ts';
import { compareTuples } from './order.ts';
import { ownsBefore, type Owner } from './owner.ts';

/** What one account of an event says, apart from whose it is. */
export interface EventContent {
  ts_ms: number;
  ts_exact: number | null;
  agent: string;
  model: string;
  kind: string;
  source: string;
  tool: string | null;
  tool_call_id: string | null;
  outcome: string | null;
  tokens_in: number | null;
  tokens_out: number | null;
  reasoning_tokens: number | null;
  cache_read_tokens: number | null;
  cache_write_5m_tokens: number | null;
  cache_write_1h_tokens: number | null;
  web_searches: number | null;
  cost_usd_e6: number | null;
  price_date: string | null;
  /** JSON text. */
  payload: string;
}

/** An event as it is stored, or as it arrived: both sides of a merge have this form. */
export interface EventRecord {
  owner: Owner;
  content: EventContent;
}

/** The stored form of what a sender said about an event. */
export function contentOf(event: WireEvent): EventContent {
  return {
    ts_ms: event.ts_ms,
    ts_exact: event.ts_exact === undefined || event.ts_exact === null ? null : Number(event.ts_exact),
    agent: event.agent,
    model: event.model,
    kind: event.kind,
    source: event.source,
    tool: event.tool ?? null,
    tool_call_id: event.tool_call_id ?? null,
    outcome: event.outcome ?? null,
    tokens_in: event.tokens_in ?? null,
    tokens_out: event.tokens_out ?? null,
    reasoning_tokens: event.reasoning_tokens ?? null,
    cache_read_tokens: event.cache_read_tokens ?? null,
    cache_write_5m_tokens: event.cache_write_5m_tokens ?? null,
    cache_write_1h_tokens: event.cache_write_1h_tokens ?? null,
    web_searches: event.web_searches ?? null,
    cost_usd_e6: event.cost_usd_e6 ?? null,
    price_date: event.price_date ?? null,
    payload: JSON.stringify(event.payload),
  };
}

/**
 * Two accounts of one event become one. The content is that of the account with the greatest output count, whole (R4:
 * the first record of a response is often a placeholder, and mixing fields of two would price a response that never
 * was); the owner is the session of the smallest rank. Independent of which came first.
 */
export function mergeEvents(a: EventRecord, b: EventRecord): EventRecord {
  return {
    owner: ownsBefore(b.owner, a.owner) ? b.owner : a.owner,
    content: compareTuples(fullness(b.content), fullness(a.content)) > 0 ? b.content : a.content,
  };
}

/** Orders accounts of one event: output, then a price and the newer one, then the other counts, then time and text. */
function fullness(content: EventContent): (string | number | null)[] {
  return [
    content.tokens_out,
    content.cost_usd_e6 === null ? 0 : 1,
    content.price_date,
    content.cost_usd_e6,
    content.tokens_in,
    content.reasoning_tokens,
    content.cache_read_tokens,
    content.cache_write_5m_tokens,
    content.cache_write_1h_tokens,
    content.web_searches,
    content.outcome === null ? 0 : 1,
    content.ts_exact,
    -content.ts_ms,
    content.agent,
    content.model,
    content.kind,
    content.source,
    content.tool,
    content.tool_call_id,
    content.outcome,
    content.payload,
  ];
}

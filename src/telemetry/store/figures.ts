/** The figures of one group of events and spans. Null = nothing of the group says, never zero (R4). */
export interface Figures {
  /** Distinct sessions that own an event of the group. */
  sessions: number;
  tokens_in: number | null;
  tokens_out: number | null;
  cache_read_tokens: number | null;
  /** Both durations together. */
  cache_write_tokens: number | null;
  cost_usd: number | null;
  tool_calls: number;
  tool_failures: number;
}

/** One row of the aggregate over events. */
export interface EventFigures {
  sessions: number;
  tokens_in: number | null;
  tokens_out: number | null;
  cache_read_tokens: number | null;
  cache_write_5m_tokens: number | null;
  cache_write_1h_tokens: number | null;
  cost_usd_e6: number | null;
  tool_calls: number;
  tool_failures: number;
  price_date: string | null;
  unpriced_responses: number;
}

/** What spans add to it: calls of which no event tells. */
export interface SpanFigures {
  tool_calls: number;
  tool_failures: number;
}

/**
 * Aggregates over `event e`. A call that hook and transcript both recorded is one call, told by its id within its
 * session; events without a call id stand for themselves.
 */
export const EVENT_FIGURES = `count(DISTINCT e.session_key) AS sessions,
  sum(e.tokens_in) AS tokens_in, sum(e.tokens_out) AS tokens_out,
  sum(e.cache_read_tokens) AS cache_read_tokens,
  sum(e.cache_write_5m_tokens) AS cache_write_5m_tokens, sum(e.cache_write_1h_tokens) AS cache_write_1h_tokens,
  sum(e.cost_usd_e6) AS cost_usd_e6, max(e.price_date) AS price_date,
  count(CASE WHEN e.tokens_out IS NOT NULL AND e.cost_usd_e6 IS NULL THEN 1 END) AS unpriced_responses,
  count(DISTINCT CASE WHEN e.kind = 'tool_call'
    THEN coalesce(e.session_key || ' ' || e.tool_call_id, e.event_key) END) AS tool_calls,
  count(DISTINCT CASE WHEN e.kind = 'tool_result' AND e.outcome = 'failed'
    THEN coalesce(e.session_key || ' ' || e.tool_call_id, e.event_key) END) AS tool_failures`;

/**
 * Aggregates over `tool_span t`. A span counts as a call only where no event does: by call id, or, for spans that carry
 * none (the original client's), when its session has no tool calls among its events at all.
 */
export const SPAN_FIGURES = `
  count(CASE WHEN ${unlessEvent("c.kind = 'tool_call'")} THEN 1 END) AS tool_calls,
  count(CASE WHEN t.outcome = 'failed' AND ${unlessEvent("c.kind = 'tool_result' AND c.outcome = 'failed'")}
    THEN 1 END) AS tool_failures`;

/** The two cases stand apart: joined by OR they would scan all calls of the session for every span. */
function unlessEvent(condition: string): string {
  const exists = (more: string): string =>
    `NOT EXISTS (SELECT 1 FROM event c WHERE c.team_id = t.team_id AND c.session_key = t.session_key AND ${condition}${more})`;
  return `CASE WHEN t.tool_call_id IS NULL THEN ${exists('')} ELSE ${exists(' AND c.tool_call_id = t.tool_call_id')} END`;
}

/** Joins both aggregates of one group; either may be missing. */
export function combineFigures(events: EventFigures | undefined, spans: SpanFigures | undefined): Figures {
  const cost_usd_e6 = events?.cost_usd_e6 ?? null;
  return {
    sessions: events?.sessions ?? 0,
    tokens_in: events?.tokens_in ?? null,
    tokens_out: events?.tokens_out ?? null,
    cache_read_tokens: events?.cache_read_tokens ?? null,
    cache_write_tokens: addKnown(events?.cache_write_5m_tokens ?? null, events?.cache_write_1h_tokens ?? null),
    cost_usd: cost_usd_e6 === null ? null : cost_usd_e6 / 1e6,
    tool_calls: (events?.tool_calls ?? 0) + (spans?.tool_calls ?? 0),
    tool_failures: (events?.tool_failures ?? 0) + (spans?.tool_failures ?? 0),
  };
}

function addKnown(a: number | null, b: number | null): number | null {
  return a === null || b === null ? (a ?? b) : a + b;
}

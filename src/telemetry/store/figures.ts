/** The figures of one group of usage. Null = nothing of the group says, never zero (R4). */
export interface Figures {
  /** Distinct sessions that own an event of the group. */
  sessions: number;
  tokens_in: number | null;
  tokens_out: number | null;
  cache_read_tokens: number | null;
  /** Both durations together. */
  cache_write_tokens: number | null;
  /** List price. */
  cost_usd: number | null;
  tool_calls: number;
  tool_failures: number;
}

/** One row of the aggregate. */
export interface FigureColumns extends Omit<Figures, 'cost_usd'> {
  cost_usd_e6: number | null;
  /** Newest price table among the group's prices. */
  price_date: string | null;
  /** Responses with tokens and no price. */
  unpriced_responses: number;
}

/**
 * Aggregates over `usage u JOIN session s`. Spans without a call id (the original client's) cannot be told from the
 * calls among a session's events, so they count only where there are none.
 */
export const FIGURES = `count(DISTINCT CASE WHEN u.events > 0 THEN u.session_key END) AS sessions,
  ${sumIfKnown('tokens_in', 'tokens_in_known')} AS tokens_in,
  ${sumIfKnown('tokens_out', 'tokens_out_known')} AS tokens_out,
  ${sumIfKnown('cache_read', 'cache_read_known')} AS cache_read_tokens,
  ${sumIfKnown('cache_write', 'cache_write_known')} AS cache_write_tokens,
  ${sumIfKnown('cost_usd_e6', 'cost_known')} AS cost_usd_e6,
  nullif(max(u.price_date), '') AS price_date,
  coalesce(sum(u.unpriced), 0) AS unpriced_responses,
  coalesce(sum(u.calls + CASE WHEN s.call_events = 0 THEN u.span_calls ELSE 0 END), 0) AS tool_calls,
  coalesce(sum(u.failures + CASE WHEN s.call_events = 0 THEN u.span_failures ELSE 0 END), 0) AS tool_failures`;

function sumIfKnown(sum: string, count: string): string {
  return `CASE WHEN sum(u.${count}) > 0 THEN sum(u.${sum}) END`;
}

export function figuresOfColumns(row: FigureColumns): Figures {
  return {
    sessions: row.sessions,
    tokens_in: row.tokens_in,
    tokens_out: row.tokens_out,
    cache_read_tokens: row.cache_read_tokens,
    cache_write_tokens: row.cache_write_tokens,
    cost_usd: dollars(row.cost_usd_e6),
    tool_calls: row.tool_calls,
    tool_failures: row.tool_failures,
  };
}

/** Micro-dollars as dollars; unknown stays unknown. */
export function dollars(usd_e6: number | null): number | null {
  return usd_e6 === null ? null : usd_e6 / 1e6;
}

/** Whether the group shows anything at all. */
export function isEmpty(figures: Figures): boolean {
  return figures.sessions === 0 && figures.tool_calls === 0 && figures.tool_failures === 0;
}

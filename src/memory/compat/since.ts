import { isAgentId } from './push-body.ts';
import { parseInstant, formatInstant, type Instant } from './instant.ts';
import { RequestRefused } from './refusal.ts';
import { formatWireMemory, type WireMemory } from './wire-memory.ts';

/** Rows of one page of `GET /api/v1/sync/since` when the caller does not say, and at most (§3.2). */
export const DEFAULT_LIMIT = 500;
export const MAX_LIMIT = 10_000;

/** A page ends before it has more. Old callers take any page for what it is, and ask again from its last row. */
export const MAX_PAGE_BYTES = 4 * 1024 * 1024;

export interface SinceQuery {
  /** Null: from the beginning. */
  since: Instant | null;
  limit: number;
  /** Who asks; null when it does not say, or says no id. */
  peer: string | null;
}

/** @throws RequestRefused 400 when `since` is no time or `limit` no number */
export function readSinceQuery(query: URLSearchParams): SinceQuery {
  const text = query.get('since') ?? '';
  // A client that forgets to encode `+` sends a blank in its place.
  const since = text === '' ? null : parseInstant(text.replace(/ (\d{2}:\d{2})$/, '+$1'));
  if (text !== '' && since === null) throw new RequestRefused(400, 'invalid since: expected an RFC 3339 time');
  const peer = query.get('peer');
  return { since, limit: readLimit(query.get('limit')), peer: peer !== null && isAgentId(peer) ? peer : null };
}

function readLimit(text: string | null): number {
  if (text === null || text === '') return DEFAULT_LIMIT;
  if (!/^\d{1,15}$/.test(text)) throw new RequestRefused(400, 'invalid limit: expected a whole number');
  return Math.min(Math.max(1, Number(text)), MAX_LIMIT);
}

/** What a peer may see, as 0.7 names it. */
export type ScopeStatus = 'scoped' | 'legacy_bypass' | 'no_allowlist_default_deny';

export interface SincePage {
  query: SinceQuery;
  /** With `updated_at` as it is served (`served-order.ts`), ascending and all different. */
  memories: readonly WireMemory[];
  scope_status: ScopeStatus;
  /** Rows that were passed over because the peer may not see their namespace, or because they are private. */
  excluded_for_scope: number;
  excluded_for_scope_private: number;
  /** Up to where rows were looked at; null when there was none. */
  examined: Instant | null;
}

/** The answer as text, with the diagnostic echo of the original (`updated_since`, `earliest_…`, `latest_…`). */
export function formatSincePage(page: SincePage): string {
  const { query, memories } = page;
  const head = JSON.stringify({
    count: memories.length,
    limit: query.limit,
    updated_since: query.since === null ? null : formatInstant(query.since),
    earliest_updated_at: timeOrNull(memories[0]?.updated_at),
    latest_updated_at: timeOrNull(memories.at(-1)?.updated_at),
    excluded_for_scope: page.excluded_for_scope,
    excluded_for_scope_private: page.excluded_for_scope_private,
    scope_status: page.scope_status,
    next_since: timeOrNull(page.examined ?? query.since ?? undefined),
  });
  return `${head.slice(0, -1)},"memories":[${memories.map(formatWireMemory).join(',')}]}`;
}

function timeOrNull(instant: Instant | undefined): string | null {
  return instant === undefined ? null : formatInstant(instant);
}

import type { AgentEvent, Usage } from './event.ts';

/**
 * One event for each identity, whatever copies of it were read, in whatever order and how often (R4): usage is that of
 * the occurrence with the greatest output, session and rank are those of the smallest `owner_rank`. Commutative,
 * associative and idempotent, so that a store may merge one event at a time; the SQL of the store does the same.
 */
export function mergeByIdentity(events: Iterable<AgentEvent>): Map<string, AgentEvent> {
  const merged = new Map<string, AgentEvent>();
  for (const event of events) {
    const known = merged.get(event.identity);
    merged.set(event.identity, known === undefined ? event : mergeOccurrences(known, event));
  }
  return merged;
}

/** Two occurrences of one event. */
export function mergeOccurrences(a: AgentEvent, b: AgentEvent): AgentEvent {
  const owner = compareOwner(a, b) <= 0 ? a : b;
  const fuller = compareUsage(a.usage, b.usage) >= 0 ? a.usage : b.usage;
  const web_searches = Math.max(a.usage?.web_searches ?? 0, b.usage?.web_searches ?? 0);
  return { ...owner, usage: fuller === null ? null : { ...fuller, web_searches } };
}

/** The owner first; of several occurrences in one file the one that tells most, then any fixed order. */
function compareOwner(a: AgentEvent, b: AgentEvent): number {
  return (
    compareText(a.owner_rank, b.owner_rank) ||
    linesOf(b) - linesOf(a) ||
    compareText(canonical(withoutUsage(b)), canonical(withoutUsage(a)))
  );
}

/** Of how many lines of the transcript a response was made. */
function linesOf(event: AgentEvent): number {
  const { lines } = event.facts;
  return typeof lines === 'number' ? lines : 0;
}

function compareUsage(a: Usage | null, b: Usage | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  return a.output - b.output || compareText(usageText(a), usageText(b));
}

/** Searches are merged on their own and must not decide which figures win. */
function usageText(usage: Usage): string {
  return canonical({ ...usage, web_searches: 0 });
}

/** Merged usage may stem from another occurrence, so it must not decide between owners. */
function withoutUsage(event: AgentEvent): AgentEvent {
  return { ...event, usage: null };
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}

/** JSON with sorted keys: equal for equal values. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([x], [y]) => compareText(x, y)))
      : inner,
  );
}

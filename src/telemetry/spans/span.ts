/**
 * Tool spans (telemetry specification §2.3): a tool call from its start to its end, joined from transcript lines and
 * hooks. Pure: `foldSpan` over a session's events in order gives what `rebuildSpans` gives over all of them, and with
 * call ids any order gives the same.
 */

export type SpanEventKind = 'call' | 'result' | 'hook_start' | 'hook_end';
export type SpanOutcome = 'ok' | 'failed' | 'rejected';

export interface SpanEvent {
  kind: SpanEventKind;
  /** Order within the session for events of one time. */
  seq: number;
  ts_ms: number;
  /** False where the time was not in the source; then no duration is computed from it. */
  ts_exact: boolean;
  tool: string | null;
  /** Joins the events of one call; agents without call ids leave it null. */
  call_id: string | null;
  outcome: SpanOutcome | null;
  path_hashes: readonly string[];
}

export interface Span {
  /** The call id, or `<seq>:<ts>` of the event that opened it. */
  key: string;
  /** Order in which spans were opened; the newest match wins. */
  opened: number;
  tool: string | null;
  call_id: string | null;
  has_call: boolean;
  call_ms: number | null;
  call_exact: boolean;
  result_ms: number | null;
  result_exact: boolean;
  hook_start_ms: number | null;
  hook_end_ms: number | null;
  outcome: SpanOutcome | null;
  path_hashes: string[];
}

export interface SpanTimes {
  status: 'done' | 'orphaned';
  started_at_ms: number | null;
  ended_at_ms: number | null;
  lead_time_ms: number | null;
}

/** The spans of a session while they are built. */
export class SpanSet {
  readonly #spans = new Map<string, Span>();

  constructor(known: Iterable<Span> = []) {
    for (const span of known) this.#spans.set(span.key, span);
  }

  get spans(): Span[] {
    return [...this.#spans.values()];
  }

  /** Applies one event; returns the span it changed, or null when it matches none (a result without a call). */
  fold(event: SpanEvent): Span | null {
    const span = this.#match(event) ?? (event.kind === 'result' && event.call_id === null ? null : this.#open(event));
    if (!span) return null;
    const changed = withEvent(span, event);
    this.#spans.set(changed.key, changed);
    return changed;
  }

  #match(event: SpanEvent): Span | undefined {
    if (event.call_id !== null) return this.#spans.get(event.call_id);
    const newest = [...this.#spans.values()].filter(isOpen).sort((a, b) => b.opened - a.opened);
    if (event.kind === 'result' || event.kind === 'hook_end') {
      const ended = event.kind === 'result' ? unended : unhooked;
      return newest.find((span) => span.tool === event.tool && ended(span)) ?? newest.find(ended);
    }
    const lacks = event.kind === 'call' ? (span: Span) => !span.has_call : (span: Span) => span.hook_start_ms === null;
    return newest.find((span) => span.tool === event.tool && span.call_id === null && lacks(span));
  }

  #open(event: SpanEvent): Span {
    return {
      key: event.call_id ?? `${event.seq}:${event.ts_ms}`,
      opened: this.#spans.size,
      tool: null,
      call_id: event.call_id,
      has_call: false,
      call_ms: null,
      call_exact: true,
      result_ms: null,
      result_exact: true,
      hook_start_ms: null,
      hook_end_ms: null,
      outcome: null,
      path_hashes: [],
    };
  }
}

const isOpen = (span: Span): boolean => span.call_id === null && (unended(span) || unhooked(span));
const unended = (span: Span): boolean => span.result_ms === null;
const unhooked = (span: Span): boolean => span.hook_end_ms === null;

/** Joins an event into a span so that neither order nor repetition matters. */
function withEvent(span: Span, event: SpanEvent): Span {
  const next: Span = {
    ...span,
    tool: smallest(span.tool, event.tool),
    outcome: worst(span.outcome, event.outcome),
    path_hashes: joined(span.path_hashes, event.path_hashes),
  };
  switch (event.kind) {
    case 'call':
      next.has_call = true;
      next.call_exact = span.call_exact && event.ts_exact;
      next.call_ms = earliest(span.call_ms, event.ts_ms);
      break;
    case 'result':
      next.result_exact = span.result_exact && event.ts_exact;
      next.result_ms = earliest(span.result_ms, event.ts_ms);
      break;
    case 'hook_start':
      next.hook_start_ms = earliest(span.hook_start_ms, event.ts_ms);
      break;
    case 'hook_end':
      next.hook_end_ms = earliest(span.hook_end_ms, event.ts_ms);
  }
  return next;
}

/** Each once, sorted. */
function joined(a: string[], b: readonly string[]): string[] {
  return b.length === 0 ? a : [...new Set([...a, ...b])].sort();
}

function earliest(a: number | null, b: number): number {
  return a === null ? b : Math.min(a, b);
}

/** Two names of one call do not happen; if they do, the choice must not depend on order. */
function smallest(a: string | null, b: string | null): string | null {
  if (a === null || b === null) return a ?? b;
  return a < b ? a : b;
}

const SEVERITY: Record<SpanOutcome, number> = { ok: 0, failed: 1, rejected: 2 };

function worst(a: SpanOutcome | null, b: SpanOutcome | null): SpanOutcome | null {
  if (a === null || b === null) return a ?? b;
  return SEVERITY[a] >= SEVERITY[b] ? a : b;
}

/**
 * Start, end, status and duration. Hook times are the agent's own moments and win; a duration from transcript times
 * needs both to be exact.
 */
export function spanTimes(span: Span): SpanTimes {
  const started_at_ms = span.hook_start_ms ?? span.call_ms;
  const ended_at_ms = span.hook_end_ms ?? span.result_ms;
  return {
    status: started_at_ms !== null && ended_at_ms !== null ? 'done' : 'orphaned',
    started_at_ms,
    ended_at_ms,
    lead_time_ms: leadTime(span),
  };
}

function leadTime(span: Span): number | null {
  if (span.hook_start_ms !== null && span.hook_end_ms !== null)
    return Math.max(0, span.hook_end_ms - span.hook_start_ms);
  if (span.call_ms === null || span.result_ms === null || !span.call_exact || !span.result_exact) return null;
  return Math.max(0, span.result_ms - span.call_ms);
}

/** All spans of a session from all its events, whatever order they are given in. */
export function rebuildSpans(events: readonly SpanEvent[]): Span[] {
  const set = new SpanSet();
  for (const event of [...events].sort((a, b) => a.ts_ms - b.ts_ms || a.seq - b.seq)) set.fold(event);
  return set.spans;
}

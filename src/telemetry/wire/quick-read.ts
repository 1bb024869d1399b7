import type { WireEvent } from './event.ts';
import { MAX_HASHES, MAX_TEXT } from './scalars.ts';
import type { WireToolSpan } from './tool-span.ts';

/**
 * Whether a value is an event that `wireEvent` accepts. The schema is the authority: what is refused here is given to it,
 * so a check may be too strict, never too lenient (a property test compares the two). It makes a copy of every item and
 * took a third of storing them. Unknown fields stay where they are, unread.
 */
export function isPlainEvent(value: unknown): value is WireEvent {
  if (typeof value !== 'object' || value === null) return false;
  const event = value as Readonly<Record<keyof WireEvent, unknown>>;
  return (
    isText(event.session_id_hash) &&
    isUnsigned(event.event_seq) &&
    isUnsigned(event.ts_ms) &&
    isText(event.agent) &&
    isText(event.model) &&
    isText(event.kind) &&
    isText(event.source) &&
    isTextOrNone(event.tool) &&
    isTextOrNone(event.tool_call_id) &&
    isU32OrNone(event.tokens_in) &&
    isU32OrNone(event.tokens_out) &&
    isU32OrNone(event.reasoning_tokens) &&
    isIntegerOrNone(event.cost_usd_e6) &&
    event.payload !== undefined &&
    isTextOrNone(event.origin_id_hash) &&
    isTextOrNone(event.owner_rank) &&
    isTextOrNone(event.subagent_id_hash) &&
    isOutcomeOrNone(event.outcome) &&
    isU32OrNone(event.cache_read_tokens) &&
    isU32OrNone(event.cache_write_5m_tokens) &&
    isU32OrNone(event.cache_write_1h_tokens) &&
    isU32OrNone(event.web_searches) &&
    isTextOrNone(event.price_date) &&
    isFlagOrNone(event.ts_exact)
  );
}

/** The same of a tool span and `wireToolSpan`. */
export function isPlainToolSpan(value: unknown): value is WireToolSpan {
  if (typeof value !== 'object' || value === null) return false;
  const span = value as Readonly<Record<keyof WireToolSpan, unknown>>;
  return (
    isText(span.session_id_hash) &&
    isText(span.span_id_hash) &&
    isTextOrNone(span.tool) &&
    isText(span.status) &&
    isUnsignedOrNone(span.started_at_ms) &&
    isUnsignedOrNone(span.ended_at_ms) &&
    isUnsignedOrNone(span.lead_time_ms) &&
    isU32OrNone(span.tokens_in) &&
    isU32OrNone(span.tokens_out) &&
    isU32OrNone(span.reasoning_tokens) &&
    isIntegerOrNone(span.cost_usd_e6) &&
    Array.isArray(span.path_hashes) &&
    span.path_hashes.length <= MAX_HASHES &&
    span.path_hashes.every(isText) &&
    isTextOrNone(span.origin_id_hash) &&
    isTextOrNone(span.owner_rank) &&
    isTextOrNone(span.subagent_id_hash) &&
    isTextOrNone(span.tool_call_id) &&
    isOutcomeOrNone(span.outcome)
  );
}

/** The fields of a body that all kinds have. */
export function isPlainEnvelope(
  value: object,
): value is { team_id: string; workspace_hash: string; project_name?: string | null } {
  const { team_id, workspace_hash, project_name } = value as Record<string, unknown>;
  return isText(team_id) && isText(workspace_hash) && isTextOrNone(project_name);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length <= MAX_TEXT;
}

function isTextOrNone(value: unknown): boolean {
  return value === undefined || value === null || isText(value);
}

function isUnsigned(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function isUnsignedOrNone(value: unknown): boolean {
  return value === undefined || value === null || isUnsigned(value);
}

function isU32OrNone(value: unknown): boolean {
  return value === undefined || value === null || (isUnsigned(value) && (value as number) <= 0xffff_ffff);
}

function isIntegerOrNone(value: unknown): boolean {
  return value === undefined || value === null || Number.isSafeInteger(value);
}

function isFlagOrNone(value: unknown): boolean {
  return value === undefined || value === null || typeof value === 'boolean';
}

function isOutcomeOrNone(value: unknown): boolean {
  return value === undefined || value === null || value === 'ok' || value === 'failed' || value === 'rejected';
}

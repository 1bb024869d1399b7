import type { AgentEvent } from '../../agents/event.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import { spanTimes, type Span, type SpanEvent } from '../spans/span.ts';
import type { WireToolSpan } from '../wire/tool-span.ts';
import type { LocatedEvent } from './event-item.ts';

/** The names of a span on the wire. */
export interface SpanNames {
  span_id_hash: string;
  /** The same for every copy of the call in other sessions; null where the call's id is not unique in the world. */
  origin_id_hash: string | null;
  owner_rank: string;
  subagent_id_hash: string | null;
}

/** A span as capture keeps it: what the builder knows, and what the wire needs besides. */
export interface CapturedSpan extends Span, SpanNames {}

/** One event with a part in a span, hashed. */
export interface SpanInput {
  source_id: number;
  /** Its place in the source. */
  cursor: string;
  /** Hash of the session. */
  session: string;
  event: SpanEvent;
  names: SpanNames;
  /** The partition that the span's item goes to. */
  partition_id: number;
}

/** Whether an event of a transcript has a part in a span. */
export function hasSpan({ kind }: AgentEvent): boolean {
  return kind === 'tool_call' || kind === 'tool_result';
}

/** The event of a transcript as the span builder sees it; null when it has no part in a span. */
export function spanEvent({ event, ids, context }: LocatedEvent, hashing: Hashing): SpanEvent | null {
  if (!hasSpan(event)) return null;
  return {
    kind: event.kind === 'tool_call' ? 'call' : 'result',
    seq: ids.seq,
    ts_ms: event.ts_ms,
    ts_exact: event.ts_exact,
    tool: event.tool === null ? null : context.redactor.redactText(event.tool),
    call_id: ids.call,
    outcome: event.outcome,
    path_hashes: event.paths.map((path) => hashing.pathHash(context.salt.bytes, path)),
  };
}

/**
 * The hashes that name a span on the wire (telemetry specification §2.3: `v1:<bytes of session id>:<session id>:<span>`),
 * so that equal call ids of two sessions do not collide. `key` stands for the call id where there is none.
 */
export function spanNames({ event, ids, context }: LocatedEvent, key: string, hashing: Hashing): SpanNames {
  const { bytes } = context.salt;
  const span_id = event.tool_call_id ?? key;
  const persisted = `v1:${Buffer.byteLength(event.session_id)}:${event.session_id}:${span_id}`;
  return {
    span_id_hash: hashing.hashWithSalt(bytes, persisted),
    origin_id_hash: isUniqueCall(event) ? originOfCall(event.tool_call_id ?? '', bytes, hashing) : null,
    subagent_id_hash: ids.subagent,
    owner_rank: event.owner_rank,
  };
}

/** Hash of a call id that is unique in the world, for transcripts and hooks alike. */
export function originOfCall(call_id: string, salt: Uint8Array, hashing: Hashing): string {
  return hashing.hashWithSalt(salt, `span:${call_id}`);
}

/**
 * Whether the call's id is unique in the world, so that its copies in other sessions can be told: then it alone ends the
 * event's identity. A gateway's `call_1` is scoped by its response there.
 */
function isUniqueCall({ identity, tool_call_id }: AgentEvent): boolean {
  return tool_call_id !== null && identity.endsWith(`:${tool_call_id}`);
}

/** A span in wire form. Usage belongs to a response, never to a call (R4): the token fields are null. */
export function spanItem(span: CapturedSpan, session_id_hash: string): string {
  const item: WireToolSpan = {
    session_id_hash,
    span_id_hash: span.span_id_hash,
    tool: span.tool ?? undefined,
    ...spanTimes(span),
    tokens_in: null,
    tokens_out: null,
    reasoning_tokens: null,
    cost_usd_e6: null,
    path_hashes: span.path_hashes,
    origin_id_hash: span.origin_id_hash ?? undefined,
    owner_rank: span.origin_id_hash === null ? undefined : span.owner_rank,
    subagent_id_hash: span.subagent_id_hash ?? undefined,
    tool_call_id: span.call_id ?? undefined,
    outcome: span.outcome ?? undefined,
  };
  return JSON.stringify(item);
}

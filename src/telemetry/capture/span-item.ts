import type { AgentEvent } from '../../agents/event.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import { spanTimes, type Span, type SpanEvent } from '../spans/span.ts';
import type { WireToolSpan } from '../wire/tool-span.ts';
import type { WorkspaceContext } from './workspace-context.ts';

/** A span as capture keeps it: what the builder knows, and what the wire needs besides. */
export interface CapturedSpan extends Span {
  span_id_hash: string;
  origin_id_hash: string | null;
  owner_rank: string;
  subagent_id_hash: string | null;
}

/** The event as the span builder sees it; null when it has no part in a span. Ids and paths are hashed already. */
export function spanEvent(event: AgentEvent, context: WorkspaceContext, hashing: Hashing): SpanEvent | null {
  const kind = spanEventKind(event);
  if (!kind) return null;
  return {
    kind,
    seq: hashing.hash52(event.identity),
    ts_ms: event.ts_ms,
    ts_exact: event.ts_exact,
    tool: event.tool === null ? null : context.redactor.redactText(event.tool),
    call_id: event.tool_call_id === null ? null : hashing.hashWithSalt(context.salt.bytes, event.tool_call_id),
    outcome: event.outcome,
    path_hashes: event.paths.map((path) => hashing.pathHash(context.salt.bytes, path)),
  };
}

function spanEventKind(event: AgentEvent): SpanEvent['kind'] | null {
  if (event.kind === 'tool_call') return 'call';
  if (event.kind === 'tool_result') return 'result';
  if (event.kind !== 'hook') return null;
  const name = event.facts['event'];
  if (name === 'PreToolUse') return 'hook_start';
  if (name === 'PostToolUse' || name === 'PostToolUseFailure') return 'hook_end';
  return null;
}

/**
 * The hashes that name a span on the wire (telemetry specification §2.3: `v1:<bytes of session id>:<session id>:<span>`),
 * so that equal call ids of two sessions do not collide. `call` is the native id, or the builder's key without one.
 */
export function spanIdentity(
  event: AgentEvent,
  key: string,
  context: WorkspaceContext,
  hashing: Hashing,
): Pick<CapturedSpan, 'span_id_hash' | 'origin_id_hash' | 'subagent_id_hash'> {
  const { bytes } = context.salt;
  const span_id = event.tool_call_id ?? key;
  const persisted = `v1:${Buffer.byteLength(event.session_id)}:${event.session_id}:${span_id}`;
  return {
    span_id_hash: hashing.hashWithSalt(bytes, persisted),
    origin_id_hash: isUniqueCall(event) ? hashing.hashWithSalt(bytes, `span:${event.tool_call_id}`) : null,
    subagent_id_hash: event.subagent_id === null ? null : hashing.hashWithSalt(bytes, event.subagent_id),
  };
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

import type { JsonValue } from '../../agents/event.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import type { SpoolRecord } from '../hooks/record.ts';
import type { SpanEvent } from '../spans/span.ts';
import type { WireEvent } from '../wire/event.ts';
import { originOfCall, type SpanNames } from './span-item.ts';
import type { WorkspaceContext } from './workspace-context.ts';

/** A spool record with the session that it names. */
export type SessionRecord = SpoolRecord & { session: string };

/**
 * A hook event in wire form: kind `hook`, a kind of its own beside what the transcript tells of the same call. `position`
 * is its place in the spool, which tells apart two equal hooks of one millisecond.
 */
export function hookItem(
  record: SessionRecord,
  position: string,
  { salt }: WorkspaceContext,
  hashing: Hashing,
): string {
  const { session, event, tool, tool_call_id, ts_ms } = record;
  const payload: Record<string, JsonValue> = { event, ...record.facts, payload_bytes: record.payload_bytes };
  if (record.truncated) payload['truncated'] = true;
  if (record.content !== null) payload['content'] = record.content;
  const item: WireEvent = {
    session_id_hash: session,
    event_seq: hashing.hash52(`hook ${session} ${event} ${tool_call_id ?? ''} ${ts_ms} ${position}`),
    ts_ms,
    agent: record.agent,
    model: 'unknown',
    kind: 'hook',
    source: 'hook',
    tool: tool ?? undefined,
    tool_call_id: tool_call_id === null ? undefined : hashing.hashWithSalt(salt.bytes, tool_call_id),
    payload,
    subagent_id_hash: record.subagent ?? undefined,
  };
  return JSON.stringify(item);
}

/** Whether the agent says that the whole session is over, not one of its subagents. */
export function endsSession({ event, subagent }: SpoolRecord): boolean {
  return subagent === null && (event === 'SessionEnd' || event === 'sessionEnd');
}

const SPAN_EVENTS: Readonly<Record<string, SpanEvent['kind']>> = {
  PreToolUse: 'hook_start',
  PostToolUse: 'hook_end',
  PostToolUseFailure: 'hook_end',
};

/** The hook's part in a span; null for one that has none. */
export function hookSpan(
  record: SessionRecord,
  { salt }: WorkspaceContext,
  hashing: Hashing,
): { event: SpanEvent; names: SpanNames } | null {
  const kind = SPAN_EVENTS[record.event];
  const { tool_call_id: call } = record;
  if (kind === undefined || call === null) return null;
  const unique = call.startsWith('toolu_') || call.startsWith('srvtoolu_');
  return {
    event: {
      kind,
      seq: 0,
      ts_ms: record.ts_ms,
      ts_exact: true,
      tool: record.tool,
      call_id: hashing.hashWithSalt(salt.bytes, call),
      outcome: record.event === 'PostToolUseFailure' ? 'failed' : null,
      path_hashes: [],
    },
    names: {
      // Only the transcript knows the native session id; until it tells, the session's hash stands for it.
      span_id_hash: hashing.hashWithSalt(salt.bytes, `v1:${record.session.length}:${record.session}:${call}`),
      origin_id_hash: unique ? originOfCall(call, salt.bytes, hashing) : null,
      // A hook runs in the session that makes the call, never in a copy: nobody had it earlier.
      owner_rank: '0',
      subagent_id_hash: record.subagent,
    },
  };
}

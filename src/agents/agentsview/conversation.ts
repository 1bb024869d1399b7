/** agentsview's sessions and messages in the one shape that all readers give (`conversation.ts` of the agents' room). */
import type {
  ConversationHead,
  ConversationMessage,
  ConversationPresence,
  ConversationSegment,
  ConversationToolCall,
  ConversationUsage,
} from '../conversation.ts';
import { separateContent } from './content-markers.ts';
import type { AgentsviewMessage } from './message.ts';
import type { MessageSegment } from './messages.ts';
import type { Presence } from './presence.ts';
import type { AgentsviewSession } from './session.ts';
import type { ToolCall, ToolResultEvent } from './tool-call.ts';

/** The head of a session; its native id is agentsview's, which is the agent's own for Claude (§2.3). */
export function headOf(session: AgentsviewSession): ConversationHead {
  return {
    native_id: session.id,
    agent_session_id: agentSessionId(session),
    agent: session.agent,
    agent_version: session.source_version,
    machine: session.machine || null,
    project_label: session.project.split(/[/\\]/).findLast((part) => part !== '') ?? '',
    cwd: session.place.cwd,
    git_branch: session.place.git_branch,
    repository: session.place.repository,
    title: session.display_name ?? session.session_name,
    first_message: session.first_message,
    started_at_ms: timeOf(session.started_at),
    ended_at_ms: timeOf(session.ended_at),
    parent_native_id: session.parent_session_id,
    relationship: relationshipOf(session.relationship_type),
    termination_status: session.termination_status,
    is_automated: session.is_automated,
    is_truncated: session.is_truncated,
    // agentsview says 0 where the agent told no count.
    total_output_tokens: session.total_output_tokens || null,
    peak_context_tokens: session.peak_context_tokens || null,
    starred_at_ms: session.starred_at === null ? null : (timeOf(session.starred_at) ?? 0),
    pins: session.pins.map(({ ordinal, note, created_at }) => ({ ordinal, note, created_at_ms: timeOf(created_at) })),
    presence: presenceOf(session.presence),
  };
}

export function conversationSegmentOf({ index, messages }: MessageSegment): ConversationSegment {
  return { index, messages: messages.map(conversationMessageOf) };
}

/** One message without what its other fields tell. */
export function conversationMessageOf(message: AgentsviewMessage): ConversationMessage {
  const { content, thinking } = separateContent(message);
  return {
    ordinal: message.ordinal,
    role: message.role,
    content,
    thinking,
    timestamp_ms: timeOf(message.timestamp),
    model: message.model,
    is_system: message.is_system,
    is_sidechain: message.is_sidechain,
    is_compact_boundary: message.is_compact_boundary,
    source_uuid: message.source_uuid,
    usage: usageOf(message),
    tool_calls: message.tool_calls.map(toolCallOf),
    cut_bytes: message.cut_bytes,
  };
}

/** Agents whose sessions telemetry knows, by agentsview's prefix of their ids; Claude's have none. */
const PREFIXES: Readonly<Record<string, string>> = { claude: '', codex: 'codex:', cursor: 'cursor:' };

/**
 * Before 0.23 the agent's own id is not told apart. It is agentsview's without prefix then; a subagent of Claude speaks
 * under its parent's.
 */
function agentSessionId(session: AgentsviewSession): string | null {
  if (session.source_session_id !== null) return session.source_session_id;
  const prefix = PREFIXES[session.agent];
  const id = session.id.slice(session.id.indexOf('~') + 1);
  if (prefix === undefined || !id.startsWith(prefix)) return null;
  if (session.relationship_type === 'subagent' && session.agent === 'claude') return session.parent_session_id;
  return id.slice(prefix.length);
}

function relationshipOf(type: string): ConversationHead['relationship'] {
  return type === 'continuation' || type === 'fork' || type === 'subagent' ? type : '';
}

function presenceOf(presence: Presence): ConversationPresence {
  switch (presence.kind) {
    case 'present':
      return { kind: 'present' };
    case 'trashed':
      return { kind: 'trashed', since_ms: timeOf(presence.since) ?? 0 };
    case 'source_missing':
      return { kind: 'source_gone', since_ms: timeOf(presence.since) ?? 0 };
  }
}

function toolCallOf(call: ToolCall): ConversationToolCall {
  const { events } = call.result;
  const last = events.at(-1);
  const result = events.length > 0 ? events.map(({ content }) => content).join('\n') : call.result.content;
  return {
    index: call.index,
    tool_use_id: call.tool_use_id,
    tool_name: call.tool_name,
    category: call.category || 'Other',
    input_json: call.input_json,
    skill_name: call.skill_name,
    file_path: call.file_path ?? pathOf(call),
    subagent_native_id:
      call.subagent_session_id ??
      events.findLast((event) => event.subagent_session_id !== null)?.subagent_session_id ??
      null,
    result,
    result_bytes: result === null ? call.result.length || null : Buffer.byteLength(result),
    is_error: last !== undefined && isFailure(last),
    result_at_ms: timeOf(last?.timestamp ?? null),
  };
}

/** agentsview tells a failure only by the status of an event; a call without events did not fail as far as it knows. */
function isFailure(event: ToolResultEvent): boolean {
  return /^(error|errored|failed|failure)$/i.test(event.status);
}

const FILE_CATEGORIES: ReadonlySet<string> = new Set(['Read', 'Edit', 'Write']);

/** Before 0.35 the path stands in the input alone. */
function pathOf({ category, input_json }: ToolCall): string | null {
  if (input_json === null || !FILE_CATEGORIES.has(category)) return null;
  const input = objectOf(input_json);
  const named = ['file_path', 'path', 'filePath', 'file', 'notebook_path'].map((name) => input[name]);
  return named.find((path): path is string => typeof path === 'string' && path !== '') ?? null;
}

function usageOf(message: AgentsviewMessage): ConversationUsage | null {
  const told = message.token_usage === null ? {} : objectOf(message.token_usage);
  const usage = {
    input_tokens: countOf(told['input_tokens']),
    output_tokens: countOf(told['output_tokens']) ?? (message.output_tokens || null),
    cache_read_tokens: countOf(told['cache_read_input_tokens']),
    cache_write_tokens: countOf(told['cache_creation_input_tokens']),
    context_tokens: message.context_tokens || null,
  };
  return Object.values(usage).some((count) => count !== null) ? usage : null;
}

/** What is no JSON object says nothing: a text that was cut, a raw patch. */
function objectOf(json: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(json);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

function countOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null;
}

/** Epoch ms of agentsview's RFC 3339; one without a zone is UTC. Null for what is no time. */
function timeOf(text: string | null): number | null {
  if (text === null || text === '') return null;
  const zoned = /(?:Z|[+-]\d\d:?\d\d)$/i.test(text) ? text : `${text.replace(' ', 'T')}Z`;
  const ms = Date.parse(zoned);
  return Number.isFinite(ms) ? ms : null;
}

/**
 * The JSON of the reading API, `/api/v1/*`: field for field what the original's clients read (sessions specification §8.2),
 * and our own fields beside them. Times are RFC 3339 in UTC or null.
 */
import type { ConversationMessage, ConversationToolCall } from '../../agents/conversation.ts';
import type { GitLink, SearchHit, SessionSummary, SessionTreeNode } from '../store/session-store.ts';

type Json = Record<string, unknown>;

export function sessionJson(session: SessionSummary): Json {
  return {
    org_id: session.team_id,
    id: session.key,
    user_id: session.member,
    user_name: session.member,
    project_id: session.project_hash ?? '',
    project_name: session.project,
    project_path: '',
    machine: session.device,
    agent_type: session.agent,
    first_message: session.first_message ?? '',
    started_at: timeJson(session.started_at_ms),
    ended_at: timeJson(session.ended_at_ms),
    message_count: session.message_count,
    user_message_count: session.user_message_count,
    parent_session_id: session.parent_key ?? '',
    relationship_type: session.relationship,
    source_created_at: timeJson(session.started_at_ms) ?? '',
    display_name: session.title ?? '',
    total_output_tokens: session.total_output_tokens ?? 0,
    peak_context_tokens: session.peak_context_tokens ?? 0,
    commit_count: session.commits + session.pull_requests,
    // Ours.
    native_id: session.native_id,
    session_hash: session.session_hash,
    models: session.models,
    git_branch: session.git_branch,
    status: session.termination_status,
    presence: session.presence.kind,
    source_gone_since: session.presence.kind === 'source_gone' ? timeJson(session.presence.since_ms) : null,
    redactions: session.redactions,
    arriving: session.arriving,
    stored_at: timeJson(session.stored_at_ms),
  };
}

export function messageJson(session_id: string, message: ConversationMessage): Json {
  const { ordinal, role, content, thinking, model, usage, tool_calls } = message;
  return {
    session_id,
    ordinal,
    role,
    content,
    timestamp: timeJson(message.timestamp_ms),
    has_thinking: thinking !== null,
    has_tool_use: tool_calls.length > 0,
    content_length: content.length,
    model: model ?? '',
    token_usage: usage === null ? '' : JSON.stringify(usage),
    context_tokens: usage?.context_tokens ?? 0,
    output_tokens: usage?.output_tokens ?? 0,
    tool_calls: tool_calls.map((call) => toolCallJson(session_id, ordinal, call)),
    // Ours.
    thinking,
    is_system: message.is_system,
    is_compact_boundary: message.is_compact_boundary,
    cut_bytes: message.cut_bytes,
  };
}

function toolCallJson(session_id: string, message_ordinal: number, call: ConversationToolCall): Json {
  return {
    message_ordinal,
    session_id,
    tool_name: call.tool_name,
    tool_category: call.category,
    tool_use_id: call.tool_use_id ?? '',
    input_json: call.input_json ?? '',
    skill_name: call.skill_name ?? '',
    result_content_length: call.result_bytes,
    result_content: call.result ?? '',
    subagent_session_id: call.subagent_native_id ?? '',
    // Ours.
    index: call.index,
    is_error: call.is_error,
    file_path: call.file_path,
  };
}

export function linkJson(link: GitLink, session: Pick<SessionSummary, 'team_id' | 'member'>): Json {
  return {
    org_id: session.team_id,
    session_id: link.key,
    user_id: session.member,
    message_ordinal: link.ordinal,
    commit_sha: link.sha ?? '',
    pr_url: link.url ?? '',
    link_type: link.kind === 'pull_request' ? 'pr' : link.kind,
    confidence: link.confidence,
    // Ours.
    repository: link.repository,
    branch: link.branch,
    asserted_at_ms: link.asserted_at_ms ?? null,
  };
}

/** A link with what a list shows of its session. */
export function linkedJson({ link, session }: { link: GitLink; session: SessionSummary }): Json {
  return {
    ...linkJson(link, session),
    user_name: session.member,
    project_id: session.project_hash ?? '',
    project_name: session.project,
    agent_type: session.agent,
    started_at: timeJson(session.started_at_ms),
    first_message: session.first_message ?? '',
  };
}

export function hitJson({ session, ordinal, scope, role, snippet, highlights, copies }: SearchHit): Json {
  return {
    session_id: session.key,
    ordinal: ordinal ?? 0,
    role: scope === 'tool_input' || scope === 'tool_output' ? 'tool' : role,
    user_id: session.member,
    user_name: session.member,
    project_name: session.project,
    agent_type: session.agent,
    started_at: timeJson(session.started_at_ms),
    first_message: session.first_message ?? '',
    snippet,
    // UTF-16 offsets, as a browser counts them; the original gave bytes and marked the wrong letters.
    highlights,
    // Ours.
    scope,
    copies,
    title: session.title,
  };
}

export function treeJson({ session, children }: SessionTreeNode): Json {
  return { session: sessionJson(session), children: children.map(treeJson) };
}

export function timeJson(time_ms: number | null): string | null {
  return time_ms === null ? null : new Date(time_ms).toISOString();
}

/**
 * What was said in one session, in one shape for all agents and readers. Raw: it stays in memory, and whatever rests or
 * leaves is masked first (design §5 rule 9). The same shape holds masked messages on their way to a store.
 */

/** Ordinals of one segment: the unit in which conversations are compared and sent (design §4, session_link). */
export const SEGMENT_ORDINALS = 64;

/**
 * Whether the source still has the session (R12).
 *
 * `source_gone`: its file or row vanished, which is no deletion; it stays and is marked. `trashed`: a person put it into
 * the agent viewer's trash: hidden, and back when restored. `deleted`: a person removed it for good.
 */
export type ConversationPresence =
  | { kind: 'present' }
  | { kind: 'source_gone'; since_ms: number }
  | { kind: 'trashed'; since_ms: number }
  | { kind: 'deleted'; since_ms: number };

/** What is known of a session beside its messages. Null: unknown, or not told by its source. */
export interface ConversationHead {
  /** The agent's own id of the session, or the viewer's where it prefixes it. */
  native_id: string;
  /** The id under which telemetry knows the session (R20); null when the source tells only its own. */
  agent_session_id: string | null;
  /** The wire's agent name where it has one (`claude`, `codex`, `cursor`), else the viewer's (`gemini`, …). */
  agent: string;
  agent_version: string | null;
  machine: string | null;
  /** A label such as a folder's name, never a path. */
  project_label: string;
  cwd: string | null;
  git_branch: string | null;
  /** `host/owner/repository`, without credentials; null: found from `cwd`. */
  repository: string | null;
  /** What a person named it, else what the agent did. */
  title: string | null;
  first_message: string | null;
  started_at_ms: number | null;
  ended_at_ms: number | null;
  /** Native id of the session it continues, was forked from, or works for. */
  parent_native_id: string | null;
  relationship: '' | 'continuation' | 'fork' | 'subagent';
  /** `awaiting_user`, `clean`, `tool_call_pending`, `truncated`; null: unknown. */
  termination_status: string | null;
  is_automated: boolean;
  is_truncated: boolean;
  total_output_tokens: number | null;
  peak_context_tokens: number | null;
  starred_at_ms: number | null;
  pins: ConversationPin[];
  presence: ConversationPresence;
}

/** A message that a person pinned. */
export interface ConversationPin {
  ordinal: number;
  note: string | null;
  created_at_ms: number | null;
}

/** One message. `ordinal` is its place: from 0, ascending, gaps allowed, not stable across re-parses. */
export interface ConversationMessage {
  ordinal: number;
  /** `user`, `assistant`, `system`, `tool`. */
  role: string;
  /** What was said, as text; without thinking, tool inputs and tool outputs. */
  content: string;
  thinking: string | null;
  timestamp_ms: number | null;
  model: string | null;
  /** Written by the agent's program, not by a person or a model. */
  is_system: boolean;
  is_sidechain: boolean;
  is_compact_boundary: boolean;
  /** The same in every copy that forks and resumes make (R25); null where the agent gives none. */
  source_uuid: string | null;
  usage: ConversationUsage | null;
  tool_calls: ConversationToolCall[];
  /** UTF-8 bytes cut from its texts by the reader's limit; 0 = whole. */
  cut_bytes: number;
}

/** Tokens of the response that this message ends; shown, never summed up to cost (telemetry does that). */
export interface ConversationUsage {
  input_tokens: number | null;
  output_tokens: number | null;
  cache_read_tokens: number | null;
  cache_write_tokens: number | null;
  /** Tokens the model had before it. */
  context_tokens: number | null;
}

export interface ConversationToolCall {
  /** Its place within the message, from 0: what tells calls without `tool_use_id` apart (E11). */
  index: number;
  tool_use_id: string | null;
  /** The agent's own name of the tool. */
  tool_name: string;
  /** `Read`, `Edit`, `Write`, `Bash`, `Grep`, `Glob`, `Task`, `Tool`, `Other`: shells of every agent are `Bash`. */
  category: string;
  /** JSON text as the agent gave it. */
  input_json: string | null;
  skill_name: string | null;
  file_path: string | null;
  /** Native id of the subagent's session that it started. */
  subagent_native_id: string | null;
  /** Null: no result yet, or the source keeps results of that category to itself (then `result_bytes` tells its size). */
  result: string | null;
  result_bytes: number | null;
  is_error: boolean;
  /** Epoch ms of the result. */
  result_at_ms: number | null;
}

/** The messages with ordinals from `64 × index` on, below `64 × (index + 1)`; at least one. */
export interface ConversationSegment {
  index: number;
  messages: ConversationMessage[];
}

/**
 * The tables and columns of agentsview that are read, each with the first release that has it (sessions specification
 * §2.2 to §2.5). Columns of the same release share a line. What the specification dates only to "later" stands under
 * the release of its neighbours; nothing relies on these dates but the words of `doctor`, since every column is probed.
 */
const SESSIONS = {
  '0.8': ['id', 'project', 'machine', 'agent', 'first_message', 'started_at', 'ended_at', 'message_count'],
  '0.10': [
    ...['user_message_count', 'file_path', 'file_size', 'file_mtime', 'file_hash', 'parent_session_id'],
    ...['relationship_type', 'created_at'],
  ],
  '0.11': ['display_name', 'deleted_at'],
  '0.14': ['total_output_tokens', 'peak_context_tokens'],
  '0.16': ['local_modified_at'],
  '0.18': ['is_automated'],
  '0.23': ['cwd', 'git_branch', 'source_session_id', 'source_version', 'data_version', 'is_truncated'],
  '0.27': ['termination_status'],
  '0.33': ['session_name'],
  '0.34.2': ['next_ordinal'],
  '0.38': ['transcript_revision'],
  '0.39': ['sync_marker', 'deletion_cause', 'agent_label', 'entrypoint'],
  '0.40': ['session_kind'],
  // After the releases that the specification saw: the cause moves to a column of its own, `deleted_at` stays null.
  '0.42': ['source_missing_at'],
} as const;

const MESSAGES = {
  '0.8': ['id', 'session_id', 'ordinal', 'role', 'content', 'timestamp', 'has_thinking', 'has_tool_use'],
  '0.10': ['content_length'],
  '0.14': ['is_system', 'model', 'token_usage', 'context_tokens', 'output_tokens'],
  '0.23': [
    ...['thinking_text', 'claude_message_id', 'claude_request_id', 'source_type', 'source_subtype', 'source_uuid'],
    ...['source_parent_uuid', 'is_sidechain', 'is_compact_boundary'],
  ],
  '0.40': ['prompt_source'],
} as const;

const TOOL_CALLS = {
  '0.8': ['id', 'message_id', 'session_id', 'tool_name', 'category'],
  '0.10': [
    ...['tool_use_id', 'input_json', 'skill_name', 'result_content_length', 'result_content'],
    'subagent_session_id',
  ],
  '0.35': ['file_path', 'call_index'],
} as const;

const TOOL_RESULT_EVENTS = {
  '0.17': [
    ...['id', 'session_id', 'tool_call_message_ordinal', 'call_index', 'tool_use_id', 'agent_id'],
    ...['subagent_session_id', 'source', 'status', 'content', 'content_length', 'timestamp', 'event_index'],
  ],
} as const;

/** By table, then by release. */
export const KNOWN_COLUMNS = {
  sessions: SESSIONS,
  messages: MESSAGES,
  tool_calls: TOOL_CALLS,
  tool_result_events: TOOL_RESULT_EVENTS,
  starred_sessions: { '0.11': ['session_id', 'created_at'] },
  pinned_messages: { '0.11': ['session_id', 'message_id', 'ordinal', 'note', 'created_at'] },
  excluded_sessions: { '0.11': ['id', 'created_at'] },
  archive_metadata: { '0.37.1': ['key', 'value'] },
  session_project_identity_snapshots: {
    '0.38': ['session_id', 'root_path', 'git_remote', 'git_branch', 'normalized_remote', 'worktree_name'],
  },
  session_deletion_changes: { '0.39': ['session_id', 'project', 'revision', 'deleted'] },
} as const;

type Known = typeof KNOWN_COLUMNS;
type ValuesOf<T> = T[keyof T];
export type Table = keyof Known;
/** A column of `T` that this reader knows; it may still be missing in a given file. */
export type Column<T extends Table> = Extract<
  ValuesOf<{ [R in keyof Known[T]]: Known[T][R] }>,
  readonly string[]
>[number];

/** Without these there is no conversation to read; every release has them. */
export const REQUIRED_COLUMNS: { readonly [T in Table]?: readonly Column<T>[] } = {
  sessions: ['id'],
  messages: ['id', 'session_id', 'ordinal', 'role', 'content'],
};

/** Newest `PRAGMA user_version` whose meaning the specification tells (§2.2). Newer files are read, and said to be newer. */
export const NEWEST_KNOWN_DATA_VERSION = 90;

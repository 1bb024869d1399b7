import type { JsonValue } from '../../redaction/json.ts';

/** A hook's stdin, taken apart: a JSON object of the agent's own making. */
export type Payload = Readonly<Record<string, JsonValue>>;

export type HookAgent = 'claude' | 'codex' | 'cursor';

/** Events whose facts we know (agents specification §§3.3, 4.7, 5.4); of any other only name and size are kept. */
const KNOWN_EVENTS = new Set(
  `SessionStart Setup UserPromptSubmit UserPromptExpansion PreToolUse PermissionRequest PermissionDenied PostToolUse
  PostToolUseFailure PostToolBatch Notification SubagentStart SubagentStop Stop StopFailure PreCompact PostCompact
  SessionEnd TaskCreated TaskCompleted TeammateIdle InstructionsLoaded ConfigChange CwdChanged FileChanged
  WorktreeRemove Elicitation ElicitationResult Interrupt
  sessionStart sessionEnd beforeSubmitPrompt preToolUse postToolUse postToolUseFailure beforeShellExecution
  afterShellExecution beforeMCPExecution afterMCPExecution beforeReadFile afterFileEdit afterAgentResponse
  afterAgentThought subagentStart subagentStop preCompact stop`.split(/\s+/),
);

/** Members whose value is a word out of a list, a number or a flag. `reason` and `error` can be prose: then they go. */
const FACTS = new Set(
  `permission_mode source reason trigger notification_type is_interrupt stop_hook_active model agent_type memory_type
  load_reason effort duration_ms duration composer_mode is_background_agent status final_status failure_type loop_count
  input_tokens output_tokens cache_read_tokens cache_write_tokens context_usage_percent context_tokens
  context_window_size message_count subagent_type cursor_version mcp_server_name error`.split(/\s+/),
);

/** Members that say what was said or done. Their sizes are facts; they themselves are kept only when asked for. */
const CONTENT = new Set(
  `prompt tool_input tool_response tool_output message title error error_message error_details reason
  last_assistant_message custom_instructions compact_summary command output result_json text task task_subject
  task_description edits content file_path command_name command_args permission_suggestions attachments request
  response old_cwd new_cwd worktree_path url`.split(/\s+/),
);

/** A word of an enumeration or an id: no blanks, no path, no sentence. */
const WORD = /^[A-Za-z0-9][A-Za-z0-9_.:[\]@+-]{0,99}$/;

/**
 * Whose hook this is. Cursor runs the hooks of Claude's settings files and Codex takes the same form, so the installed
 * `--agent` is only the last word (agents specification, pitfall 33).
 */
export function agentOf(payload: Payload, declared: HookAgent): HookAgent {
  const transcript = textOf(payload['transcript_path']).replaceAll('\\', '/');
  if ('cursor_version' in payload || 'conversation_id' in payload || transcript.includes('/.cursor/')) return 'cursor';
  if ('turn_id' in payload || transcript.includes('/.codex/')) return 'codex';
  return /^(?:gpt-|o\d|codex)/.test(textOf(payload['model'])) ? 'codex' : declared;
}

/** The event's own name; `unknown` when there is none or it is no name. */
export function eventOf(payload: Payload): string {
  const event = wordOf(payload['hook_event_name']);
  return event ?? 'unknown';
}

export const isKnownEvent = (event: string): boolean => KNOWN_EVENTS.has(event);

/** Native session id: `conversation_id` is Cursor's name for it, on all events. */
export function sessionIdOf(payload: Payload): string | null {
  return textOf(payload['conversation_id']) || textOf(payload['session_id']) || null;
}

/** Working directory, or the first workspace folder of Cursor. */
export function cwdOf(payload: Payload): string | null {
  const roots = payload['workspace_roots'];
  return textOf(payload['cwd']) || (Array.isArray(roots) ? textOf(roots[0]) : '') || null;
}

export function toolOf(payload: Payload): string | null {
  return wordOf(payload['tool_name']);
}

export function toolCallIdOf(payload: Payload): string | null {
  return wordOf(payload['tool_use_id']);
}

/** What leaves without content: words of enumerations, numbers, flags, and the size of every member with content. */
export function factsOf(payload: Payload): Record<string, string | number | boolean> {
  const facts: Record<string, string | number | boolean> = {};
  for (const [key, value] of Object.entries(payload)) {
    const fact = FACTS.has(key) ? factOf(value) : null;
    if (fact !== null) facts[key] = fact;
    else if (CONTENT.has(key)) facts[`${key}_bytes`] = sizeOf(value);
  }
  return facts;
}

/** The members with content, not yet redacted. */
export function contentOf(payload: Payload): Record<string, JsonValue> {
  return Object.fromEntries(
    Object.entries(payload).filter(([key, value]) => CONTENT.has(key) && !(FACTS.has(key) && factOf(value) !== null)),
  );
}

function factOf(value: JsonValue): string | number | boolean | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return typeof value === 'boolean' ? value : wordOf(value);
}

function wordOf(value: JsonValue | undefined): string | null {
  return typeof value === 'string' && WORD.test(value) ? value : null;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}

function sizeOf(value: JsonValue): number {
  return Buffer.byteLength(typeof value === 'string' ? value : JSON.stringify(value));
}

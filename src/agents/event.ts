/**
 * What a coding agent did, in one shape for all agents. A source (one folder per agent under `src/agents/`) turns an
 * agent's own files into these; `telemetry` hashes, redacts and journals them. Raw here: nothing of this type is ever
 * written to disk or sent.
 */

/** Agent names are the wire's (telemetry specification §2.4). */
export type AgentName = 'claude' | 'codex' | 'cursor';

export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };

/** Token counts of one model response (R4). Every part is priced on its own; none contains another. */
export interface Usage {
  /** Uncached input tokens only. */
  input: number;
  /** Output tokens, thinking included. */
  output: number;
  /** The part of `output` that was reasoning, where the agent says so. */
  reasoning: number | null;
  cache_read: number;
  cache_write_5m: number;
  cache_write_1h: number;
  /** Server-side web searches, which cost by request. */
  web_searches: number;
  /** `fast` has a price of its own; null = standard. */
  speed: string | null;
}

/**
 * - `tool_call` / `tool_result`: one per tool-use block and one per result block.
 * - `message`: one per model response (carries `usage`, `model`), or one per prompt of the user (`facts.role = 'user'`).
 * - `error`: an API error or synthetic response. `lifecycle`: compaction, interruption, session facts. `hook`: a hook payload.
 */
export type EventKind = 'tool_call' | 'tool_result' | 'message' | 'error' | 'lifecycle' | 'hook';

export type ToolOutcome = 'ok' | 'failed' | 'rejected';

export interface AgentEvent {
  agent: AgentName;
  kind: EventKind;
  source: 'tail' | 'hook';
  /**
   * The event's identity: the same for every copy of it (fork, resume, rescan, rebuilt database), different for every
   * other event. `event_seq` is 52 bits of its hash (design §5 rule 2), never a counter.
   */
  identity: string;
  /** Native id of the session this occurrence stands in; a subagent's events carry its parent's. */
  session_id: string;
  /** Native id of the subagent whose file this occurrence stands in. */
  subagent_id: string | null;
  /**
   * Orders the sessions that hold copies of this event: the smallest had it first and owns it (agents specification
   * §2.8). Made only of the content up to this line and the file's birth, so it depends on no scan order.
   */
  owner_rank: string;
  /** Epoch milliseconds. */
  ts_ms: number;
  /** False where the line has no time of its own. */
  ts_exact: boolean;
  /** Working directory of the line, raw; the workspace comes from it (R21). */
  cwd: string | null;
  git_branch: string | null;
  agent_version: string | null;
  /** The model that made the response, the call or the call that a result answers; null on anything else (`<synthetic>` is none). */
  model: string | null;
  tool: string | null;
  tool_call_id: string | null;
  usage: Usage | null;
  /** Of a `tool_result`. */
  outcome: ToolOutcome | null;
  /** Paths found in a tool's input or result by the keys of telemetry specification §2.3; sent only as hashes. */
  paths: string[];
  /** Facts without content: enumerations, counts, sizes in bytes, flags. Always leave. */
  facts: Record<string, string | number | boolean>;
  /** What was said or done: prompt text, tool input, tool output. Dropped unless `telemetry.content = "redacted"`. */
  content: JsonValue;
}

/** A session as its files describe it so far. Fields only grow or get later; null = not known yet. */
export interface AgentSession {
  agent: AgentName;
  session_id: string;
  /** The session this one continues or was forked from, when the file names it. */
  parent_session_id: string | null;
  cwd: string | null;
  git_branch: string | null;
  agent_version: string | null;
  /** Model of the latest response. */
  model: string | null;
  title: string | null;
  started_at_ms: number | null;
  /** Time of the last line seen; a session of a transcript is `ended` only by what its agent says. */
  last_at_ms: number | null;
}

/**
 * Everything a person can ask of or do to a running Syncline, as one interface. The daemon implements it over its open
 * databases; the command line reaches it through the daemon's loopback API when one runs, and otherwise opens the data
 * directory itself under the lock. Every verb that changes something is recorded as an operator action.
 */
import type { ItemError } from '../engine/ordered/destination.ts';
import type { ReplicationStatus } from '../memory/replication/replication-status.ts';
import type { ErasableMemory } from '../memory/memories.ts';
import type { MemoryVerbs } from './memory-verbs.ts';
import type { SessionVerbs, SessionsSourceStatus } from './session-verbs.ts';

export type StreamName = 'telemetry' | 'sessions' | 'memory' | 'records';

/** What waits on purpose (`sessions.hold`), and when the first of it leaves; epoch ms. */
export interface OnHold {
  items: number;
  until_ms: number;
}

export interface DestinationStatus {
  destination: string;
  stream: StreamName;
  state: 'active' | 'paused' | 'draining' | 'removed';
  circuit: 'closed' | 'open' | 'half-open';
  /** When an open circuit is tried again; epoch ms. */
  circuit_until_ms: number | null;
  /** Since when nothing could be delivered; null while deliveries succeed. R4.21: offline is a state, not an error. */
  offline_since_ms: number | null;
  /** Without what is on hold. */
  waiting: number;
  on_hold: OnHold | null;
  /** When the oldest waiting item was observed, epoch ms. */
  oldest_waiting_ms: number | null;
  open_batches: number;
  acknowledged: number;
  dead_letters: number;
  held: { partition: string; class: string; since_ms: number; message: string }[];
  last_success_ms: number | null;
  last_error: { at_ms: number; code: string; message: string } | null;
  insecure: boolean;
}

export interface SourceStatus {
  agent: string;
  name: string;
  path: string;
  exists: boolean;
  sessions: number;
  projects: number;
  files: number;
  bytes: number;
  read_bytes: number;
  skipped: Record<string, number>;
  note: string | null;
}

export interface StatusReport {
  schema: 'syncline.status/1';
  version: string;
  running: boolean;
  pid: number | null;
  started_ms: number | null;
  url: string | null;
  home: string;
  /** True when no destination but the local store is configured: nothing can leave. */
  nothing_leaves: boolean;
  sources: SourceStatus[];
  destinations: DestinationStatus[];
  /** Conversations kept here; null where none are kept. */
  conversations: {
    sources: SessionsSourceStatus[];
    sessions: number;
    messages: number;
    /** Secrets removed before anything was stored, by rule. */
    removed: Record<string, number>;
    last_stored_ms: number | null;
  } | null;
  /** Memories kept here; null where none are kept. */
  memory: {
    memories: number;
    archived: number;
    pending: number;
    operations: number;
    size_bytes: number;
    /** Members that a write waits for, this one included, unless a request says otherwise. */
    write_quorum: number;
    /** Rows that do not match their checksum, as far as they were looked at. */
    damaged: number;
    /** How far the other machines that share this memory have got; null where it is shared with none. */
    peers: ReplicationStatus | null;
  } | null;
  loops: { name: string; state: string; last_error: string | null; since_ms: number }[];
  spool: { bytes: number; cap_bytes: number; dropped: number };
  storage: { bytes: number; cap_bytes: number; full: boolean };
  /** Secrets removed before anything was stored, by rule. */
  removed: Record<string, number>;
  counters: Record<string, Record<string, number>>;
  today: { cost_usd: number | null; sessions: number; tool_calls: number; tool_failures: number } | null;
  warnings: string[];
}

export interface DeadLetterRow {
  dead_letter_id: string;
  stream: StreamName;
  destination: string | null;
  partition: string;
  offset: number;
  /** Of a keyed stream: what it holds until it is retried or discarded; null for the rest. */
  key: string | null;
  class: string;
  code: string;
  /** Redacted. */
  message: string;
  attempts: number;
  state: 'open' | 'retried' | 'discarded' | 'superseded';
  at_ms: number;
}

export interface DeadLetterFilter {
  stream?: StreamName;
  destination?: string;
  state?: DeadLetterRow['state'];
  ids?: string[];
  limit?: number;
}

export interface TokenRow {
  token_id: string;
  team_id: string;
  member: string;
  device: string;
  scopes: string[];
  created_ms: number;
  last_used_ms: number | null;
  revoked_ms: number | null;
}

export interface ReportQuery {
  by: 'day' | 'project' | 'model' | 'agent' | 'tool' | 'session';
  since_ms: number | null;
  until_ms: number | null;
  project: string | null;
  agent: string | null;
  limit: number | null;
}

/** One line of `telemetry report`. Null = unknown, never zero (R4). */
export interface ReportRow {
  /** The value of the grouping key (project name, day, …); in JSON it stands under the name of the key itself. */
  key: string;
  sessions: number;
  tokens_in: number | null;
  tokens_out: number | null;
  cache_read_tokens: number | null;
  cache_write_tokens: number | null;
  cost_usd: number | null;
  tool_calls: number;
  tool_failures: number;
}

export interface Report {
  by: ReportQuery['by'];
  rows: ReportRow[];
  total: Omit<ReportRow, 'key'>;
  /** Date of the list prices; every money figure is list price (R4). */
  price_date: string;
  /** Responses without a price (unknown model, fast mode). */
  unpriced_responses: number;
}

export interface SessionRow {
  session: string;
  agent: string;
  project: string;
  model: string | null;
  started_ms: number | null;
  last_ms: number | null;
  status: string;
  tool_calls: number;
  tool_failures: number;
  tokens_in: number | null;
  tokens_out: number | null;
  cost_usd: number | null;
}

export interface SessionDetail extends SessionRow {
  events: {
    at_ms: number;
    kind: string;
    tool: string | null;
    outcome: string | null;
    tokens_out: number | null;
    cost_usd: number | null;
  }[];
  subagents: { subagent: string; tokens_in: number | null; tokens_out: number | null; cost_usd: number | null }[];
}

export interface PreviewBatch {
  stream: StreamName;
  destination: string;
  path: string;
  items: number;
  bytes: number;
  /** The exact body that would be sent. */
  body: string;
}

export interface FlushResult {
  /** The time was over, or a journal full, before all that is new was read: more may be there than `remaining` says. */
  unread: boolean;
  /** Conversations that could not be read; they are set aside and tried again. */
  unreadable: number;
  delivered: number;
  remaining: number;
  dead_letters: number;
  /** What waits on purpose does not remain. */
  destinations: {
    destination: string;
    stream: StreamName;
    remaining: number;
    reason: string | null;
    on_hold: OnHold | null;
  }[];
}

export interface ImportResult {
  files: number;
  sessions: number;
  new_entries: number;
  skipped: Record<string, number>;
}

/** What to erase: exactly one of `session`, `project`, `before_ms`, `match`, `memory` and `namespace` is there. */
export interface EraseQuery {
  /** Key, the beginning of one, or the agent's own id. */
  session: string | null;
  /** Glob over a project's name (`github.com/acme/web`). */
  project: string | null;
  /** Sessions that began before this, epoch ms; those without a time are not among them. */
  before_ms: number | null;
  /** Sessions in whose kept texts this piece of text stands, as it is; the case of letters does not count. */
  match: string | null;
  /** One memory: its id or the beginning of it. */
  memory?: string | null;
  /** All memories of a namespace, and of those below it. */
  namespace?: string | null;
  /** Wait for the destinations to confirm, at most `timeout_ms`. */
  everywhere: boolean;
  timeout_ms: number;
  /** Only count. */
  dry_run: boolean;
}

/** What became of erased sessions at one destination besides this machine's stores. */
export interface ErasedAt {
  destination: string;
  stream: StreamName;
  /**
   * `done`: confirmed; `queued`: asked for, not confirmed yet; `cannot`: by its nature, it has no way to delete; `failed`: it
   * has one, but will not or cannot be asked.
   */
  state: 'done' | 'queued' | 'cannot' | 'failed';
  /** Sessions of which something was or may be there. */
  sessions: number;
  /** Of those, the ones not confirmed yet. */
  waiting: number;
  reason: string | null;
}

/** One session of an erasure; nothing that was said in it, its title neither. */
export interface ErasedSession {
  /** Of its conversation; null: there is telemetry alone. */
  key: string | null;
  /** The agent's own id; null: nothing here knows it. */
  native_id: string | null;
  agent: string | null;
  project: string | null;
  started_at_ms: number | null;
  messages: number;
  /** With `match`: messages in which the text stands; 0: in what surrounds them, in its subagents, or in telemetry. */
  matches: number | null;
}

export interface ErasedMemories {
  memories: ErasableMemory[];
  /** Members that have deleted them too, this one included, of how many; null: nothing had to be deleted any more. */
  gone_on: number | null;
  members: number | null;
  /** Memories whose former texts the log of this machine keeps until every member has deleted them. */
  log_keeps: number;
}

export interface EraseResult {
  dry_run: boolean;
  /** Conversations that were not erased before; subagents count as such. */
  conversations: number;
  messages: number;
  /** Sessions of telemetry in the local store. */
  telemetry_sessions: number;
  /** What is meant, subagents with those they worked for; newest first. */
  sessions: ErasedSession[];
  /** Where something of them went; a dry run tells what would be asked. */
  destinations: ErasedAt[];
  /** Where the query was about memories, too. */
  memory?: ErasedMemories;
}

export interface Operator extends SessionVerbs, MemoryVerbs {
  status(): Promise<StatusReport>;
  report(query: ReportQuery): Promise<Report>;
  sessions(query: {
    since_ms: number | null;
    project: string | null;
    agent: string | null;
    limit: number;
  }): Promise<SessionRow[]>;
  /** @throws SynclineError `session.unknown` */
  session(id: string): Promise<SessionDetail>;
  preview(query: {
    stream: StreamName | null;
    project: string | null;
    session: string | null;
    limit: number;
  }): Promise<PreviewBatch[]>;
  flush(query: { stream: StreamName | null; timeout_ms: number }): Promise<FlushResult>;
  /**
   * Erases sessions of every stream here, and has every destination that can do it asked to (R11). Does it again for sessions
   * that were erased before.
   * @throws SynclineError `session.unknown`, `sessions.ambiguous`, UsageError, StaleError `storage.readers`
   */
  erase(query: EraseQuery): Promise<EraseResult>;
  /** Reads transcripts below `path` (or the agent's own places when null) into the journal now. */
  importTranscripts(query: { path: string | null; agent: string }): Promise<ImportResult>;
  deadLetters(filter: DeadLetterFilter): Promise<DeadLetterRow[]>;
  /** One dead letter with its redacted payload and the destination's own item error. */
  deadLetter(id: string): Promise<DeadLetterRow & { payload: string | null; item_error: ItemError | null }>;
  retryDeadLetters(filter: DeadLetterFilter): Promise<{ retried: number; superseded: number }>;
  discardDeadLetters(filter: DeadLetterFilter): Promise<{ discarded: number }>;
  pause(query: {
    stream: StreamName | null;
    destination: string | null;
    for_ms: number | null;
  }): Promise<{ paused: string[] }>;
  resume(query: { stream: StreamName | null; destination: string | null }): Promise<{ resumed: string[] }>;
  /** The token's text is returned once and stored only hashed. */
  createToken(query: {
    team_id: string | null;
    member: string;
    device: string;
    scopes: string[];
  }): Promise<TokenRow & { token: string }>;
  tokens(): Promise<TokenRow[]>;
  revokeToken(token_id: string): Promise<TokenRow>;
  /** A link with a one-time key for the local console. */
  openLink(page: string | null): Promise<{ url: string }>;
  /** Asks the daemon to end gracefully; resolves when it has agreed. */
  stop(): Promise<{ pid: number }>;
}

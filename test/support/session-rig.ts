import { SEGMENT_ORDINALS, type ConversationHead, type ConversationMessage } from '../../src/agents/conversation.ts';
import type { KeyedOutcome, SendContext } from '../../src/engine/keyed/destination.ts';
import type { Task } from '../../src/engine/keyed/store.ts';
import type { FlowWrite } from '../../src/engine/transaction.ts';
import { StaleError } from '../../src/platform/errors.ts';
import { loadHashing } from '../../src/redaction/hashing.ts';
import type { SessionState } from '../../src/sessions/capture/known-sessions.ts';
import { maskMessage } from '../../src/sessions/masking/mask-message.ts';
import { createMasker, type Masker } from '../../src/sessions/masking/masker.ts';
import type { CataloguedSession } from '../../src/sessions/delivery/session-catalogue.ts';
import { SessionChoices } from '../../src/sessions/delivery/session-choices.ts';
import { SessionDestination } from '../../src/sessions/delivery/session-destination.ts';
import { SessionHolds } from '../../src/sessions/delivery/session-holds.ts';
import { SessionLinks } from '../../src/sessions/delivery/session-links.ts';
import { migrateSessionTables } from '../../src/sessions/flow-tables.ts';
import { SessionProjects } from '../../src/sessions/delivery/session-project.ts';
import { KEEP_ALL, type SharingPolicy } from '../../src/sessions/delivery/sharing.ts';
import type { PassLimits } from '../../src/sessions/delivery/upload-pass.ts';
import type { TranscriptWriter } from '../../src/sessions/store/session-store.ts';
import { Database } from '../../src/storage/sqlite/database.ts';
import { MemoryTranscriptWriter } from './memory-transcript-writer.ts';

export const NOW_MS = 1_800_000_000_000;
export const KEY = 'c0ffee'.padEnd(32, '0');
export const OWNER = 'laptop/1';
const ROOT = '/home/ada/shop';
const REPOSITORY = 'github.com/acme/shop';
const hashing = await loadHashing();
const salt = new Uint8Array(32).fill(5);

export function head(over: Partial<ConversationHead> = {}): ConversationHead {
  return {
    native_id: 'native-1',
    agent_session_id: 'native-1',
    agent: 'claude',
    agent_version: '2.0.1',
    machine: null,
    project_label: 'shop',
    cwd: `${ROOT}/web`,
    git_branch: 'main',
    repository: null,
    title: 'A title',
    first_message: 'hello',
    started_at_ms: NOW_MS - 3_600_000,
    ended_at_ms: NOW_MS - 60_000,
    parent_native_id: null,
    relationship: '',
    termination_status: 'clean',
    is_automated: false,
    is_truncated: false,
    total_output_tokens: null,
    peak_context_tokens: null,
    starred_at_ms: null,
    pins: [],
    presence: { kind: 'present' },
    ...over,
  };
}

export function message(
  ordinal: number,
  content: string,
  over: Partial<ConversationMessage> = {},
): ConversationMessage {
  return {
    ordinal,
    role: ordinal % 2 === 0 ? 'user' : 'assistant',
    content,
    thinking: null,
    timestamp_ms: NOW_MS - 3_600_000 + ordinal * 1_000,
    model: ordinal % 2 === 0 ? null : 'opus',
    is_system: false,
    is_sidechain: false,
    is_compact_boundary: false,
    source_uuid: null,
    usage: null,
    tool_calls: [],
    cut_bytes: 0,
    ...over,
  };
}

/** A message with a call whose result may come later. */
export function callMessage(ordinal: number, result: string | null, at_ms: number | null = null): ConversationMessage {
  const call = {
    index: 0,
    tool_use_id: `call-${ordinal}`,
    tool_name: 'Bash',
    category: 'Bash',
    input_json: `{"command":"cat ${ROOT}/a.ts"}`,
    skill_name: null,
    file_path: `${ROOT}/a.ts`,
    subagent_native_id: null,
    result,
    result_bytes: result?.length ?? null,
    is_error: false,
    result_at_ms: at_ms,
  };
  return message(ordinal, 'Running it.', { tool_calls: [call] });
}

/** Where a process may die, or a request may fail, in one attempt. */
export type Fault = 'reading' | 'after_first_segment' | 'proceed' | 'lost_request' | 'lost_answer' | 'settle';

export interface RigOptions {
  db?: Database;
  sharing?: SharingPolicy;
  limits?: PassLimits;
  tags?: boolean;
  writer?: TranscriptWriter;
  names?: boolean;
  is_local?: boolean;
}

/**
 * One session between a source that a test changes and a store, with the real destination, links and tables between
 * them. Stands in for the engine: it claims, commits a settlement's writes in one transaction, or dies before.
 */
export class SessionRig {
  readonly db: Database;
  readonly store: MemoryTranscriptWriter;
  readonly choices: SessionChoices;
  readonly projects: SessionProjects;
  readonly options: RigOptions;
  destination: SessionDestination;
  now_ms = NOW_MS;
  monotonic_ms = 0;
  head: ConversationHead | null = head();
  messages: ConversationMessage[] = [];
  state: SessionState = 'present';
  since_ms = NOW_MS - 60_000;
  repository_shares: boolean | null = true;
  captures = true;
  /** Agents' ids of sessions that were started to be private. */
  private = new Set<string>();
  reads = 0;
  segments_read = 0;
  /** Where the last reading began. */
  read_from = 0;
  failures: string[] = [];
  read_error: Error | null = null;
  /** Called before each reading, to change the source between the passes of one attempt. */
  onRead: () => void = () => undefined;
  #tags: boolean;
  #fault: Fault | null = null;
  #fences = 0;
  #died = false;

  constructor(options: RigOptions = {}) {
    this.options = options;
    this.#tags = options.tags ?? true;
    this.store = options.writer instanceof MemoryTranscriptWriter ? options.writer : new MemoryTranscriptWriter();
    this.db = options.db ?? new Database(':memory:');
    migrateSessionTables(this.db, 0);
    this.choices = new SessionChoices(this.db);
    this.projects = new SessionProjects({
      db: this.db,
      workspaceOf: (cwd) =>
        this.repository_shares === null
          ? { identity: cwd, kind: 'path', name: 'web', root: cwd }
          : { identity: REPOSITORY, kind: 'remote', name: 'shop', root: ROOT },
      repositoryShares: () => this.repository_shares,
      checkoutOf: (root) => `digest of ${root}`,
      folderOf: (checkout) => checkout.replace('digest of ', ''),
      captures: () => this.captures,
    });
    this.destination = this.open();
  }

  /** The destination as a new process makes it; what was in memory is gone. */
  open(): SessionDestination {
    const { sharing = KEEP_ALL, limits, names = true, is_local = true } = this.options;
    const context = { hashing, salt, device_id: 'device', member: 'ada', device: 'laptop', names, is_local };
    return (this.destination = new SessionDestination({
      id: 'local',
      writer: this.options.writer ?? this.store,
      team_id: 'acme',
      owner: OWNER,
      secret: new Uint8Array(32).fill(9),
      context,
      tags: this.#tags,
      sharing,
      catalogue: {
        find: () => (this.head === null && this.state === 'present' ? null : this.#known()),
        noteFailure: (_key, { code }) => void this.failures.push(code),
        noteRead: () => undefined,
      },
      links: new SessionLinks(this.db),
      choices: this.choices,
      projects: this.projects,
      holds: new SessionHolds(this.db),
      sealed: (folder) => new TextEncoder().encode(`sealed ${folder.length}`),
      isPrivate: (id) => this.private.has(id),
      clock: { now_ms: () => this.now_ms, monotonic_ms: () => this.monotonic_ms },
      ...(limits ? { limits } : {}),
    }));
  }

  /** Other rules: what was masked before is masked again. */
  changeRules(): void {
    this.#tags = !this.#tags;
    this.open();
  }

  #known(): CataloguedSession {
    return {
      native_id: 'native-1',
      archive: 'claude',
      state: this.state,
      since_ms: this.since_ms,
      source: {
        read: async (_native_id, _archive, visit, signal, first_index = 0) => {
          this.reads++;
          this.read_from = first_index;
          this.onRead();
          await Promise.resolve();
          if (this.#takes('reading') || this.read_error) throw this.read_error ?? new Died();
          if (this.head === null) return null;
          const told = this.head;
          for (const segment of segmentsOf(this.messages)) {
            signal.throwIfAborted();
            if (segment.index < first_index) continue;
            this.segments_read++;
            if (!visit(segment, told)) break;
            if (this.#takes('after_first_segment')) throw new Died();
          }
          return { head: told, cut_bytes: 0 };
        },
      },
    };
  }

  #takes(fault: Fault): boolean {
    if (this.#fault !== fault) return false;
    this.#fault = null;
    this.#died = true;
    return true;
  }

  /** One attempt; null when the process died in it (and a new one begins). */
  async attempt(fault: Fault | null = null, timeout_ms = 60_000): Promise<KeyedOutcome | null> {
    this.#fault = fault;
    this.#died = false;
    if (fault === 'lost_request' || fault === 'lost_answer')
      this.store.fault = { when: fault === 'lost_request' ? 'before' : 'after', error: new Died() };
    const task = { destination_id: 'local', key: KEY, fence: ++this.#fences } as Task;
    const context: SendContext = {
      signal: new AbortController().signal,
      timeout_ms,
      proceed: (_task, writes = []) => {
        if (this.#takes('proceed')) throw new Died();
        this.#commit(writes);
        return Promise.resolve(true);
      },
      proceedAll: () => Promise.reject(new Error('a transcript is sent by itself')),
    };
    try {
      const outcome = await this.destination.send(task, context);
      // Whatever the code made of an error: a process that died settles nothing.
      if (this.#takes('settle') || this.#died) throw new Died();
      this.#commit(outcome.writes ?? []);
      return outcome;
    } catch (error) {
      if (!(error instanceof Died)) throw error;
      this.open();
      return null;
    } finally {
      this.#fault = null;
      this.store.fault = null;
    }
  }

  /** Attempts until nothing is left to do, letting the time pass that an outcome asks for. Returns the requests it took. */
  async deliver(): Promise<number> {
    const before = this.store.requests;
    for (let i = 0; i < 200; i++) {
      const outcome = await this.attempt();
      if (outcome?.kind === 'done' || outcome?.kind === 'nothing') return this.store.requests - before;
      if (outcome?.kind === 'later') this.now_ms = Math.max(this.now_ms + 1, outcome.until_ms);
      else if (outcome) throw new Error(`the attempt ended with ${outcome.kind}: ${JSON.stringify(outcome)}`);
    }
    throw new Error('it never came to an end');
  }

  #commit(writes: readonly FlowWrite[]): void {
    this.db.transaction(() => {
      for (const { sql, parameters, expect_rows } of writes) {
        const rows = this.db.run(sql, ...parameters);
        if (expect_rows !== undefined && rows !== expect_rows) throw new StaleError('link', 'the link moved');
      }
    });
  }

  masker(): Masker {
    return createMasker({ hashing, salt, workspace: REPOSITORY, root: ROOT, tags: this.#tags });
  }

  /** S1: what the store must have, by masking alone. */
  expected(messages = this.messages): ConversationMessage[] {
    const masker = this.masker();
    return messages.map((one) => maskMessage(masker, one, new Map()));
  }
}

/** The process was killed here. */
export class Died extends Error {}

export function segmentsOf(
  messages: readonly ConversationMessage[],
): { index: number; messages: ConversationMessage[] }[] {
  const groups = Map.groupBy(messages, ({ ordinal }) => Math.floor(ordinal / SEGMENT_ORDINALS));
  return [...groups].sort(([a], [b]) => a - b).map(([index, list]) => ({ index, messages: list }));
}

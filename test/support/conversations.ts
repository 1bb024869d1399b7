/**
 * Believable Claude Code transcripts from a seed, with the truth about them (agents specification §2): responses over
 * several lines with growing output counts, parallel tool calls whose results arrive in any order, failed, refused and
 * unanswered calls, subagents with files of their own, forks that copy a whole conversation, rewinds, compactions,
 * synthetic errors, and lines that say nothing.
 *
 * The truth is written down while the lines are, from what the lines were made for; no reader of ours has a part in it.
 */
import type { Random } from '../../src/platform/random.ts';

export interface TrueEvent {
  kind: 'message' | 'tool_call' | 'tool_result' | 'error' | 'lifecycle';
  session: string;
  subagent: string | null;
  tool: string | null;
  outcome: 'ok' | 'failed' | 'rejected' | null;
  /** Null where no model answered. */
  usage: TrueUsage | null;
}

export interface TrueUsage {
  tokens_in: number;
  tokens_out: number;
  cache_read_tokens: number;
  cache_write_5m_tokens: number;
  cache_write_1h_tokens: number;
}

export interface Truth {
  /** By identity: what every copy of the event has in common. */
  events: Map<string, TrueEvent>;
  /** Outcome of each call by its id; null = never answered. */
  calls: Map<string, TrueEvent['outcome']>;
  sessions: Set<string>;
}

/** Lines in the order in which they are written; a file exists from its first line on. */
export interface Written {
  file: string;
  text: string;
}

export interface ConversationOptions {
  random: Random;
  /** Tells the conversations of one machine apart from another's. */
  prefix: string;
  /** Working directory of each conversation, in turn. */
  cwds: readonly string[];
  conversations: number;
  turns: number;
  /** Time of the first line; each line is some seconds later, within `span_ms`. */
  start_ms: number;
  span_ms: number;
  /** Put into prompts, tool inputs and outputs, in turn. */
  texts?: readonly string[];
  words?: readonly string[];
}

const TOOLS = ['Bash', 'Read', 'Edit', 'Grep', 'Write'] as const;
const MODELS = ['claude-opus-5', 'claude-sonnet-5', 'claude-haiku-4-5'] as const;
const WORDS = ['Füge', 'den', 'Test', 'hinzu', 'fix', 'the', 'flaky', 'build', '直して', 'naïve', '🙂', 'parser'];

/** Writes `conversations` sessions with their subagents and forks. Equal seeds write equal bytes. */
export function writeConversations(options: ConversationOptions): { lines: Written[]; truth: Truth } {
  const truth: Truth = { events: new Map(), calls: new Map(), sessions: new Set() };
  const made = new Maker(options, truth);
  const open: Conversation[] = [];
  for (let i = 0; i < options.conversations; i++) open.push(made.begin(i));
  // Round robin over sessions, so that files grow side by side as those of several agents do.
  for (let turn = 0; turn < options.turns; turn++) {
    for (const conversation of [...open]) {
      conversation.turn();
      if (turn === Math.floor(options.turns / 2) && open.length < options.conversations + 2)
        open.push(conversation.fork());
    }
  }
  for (const conversation of open) conversation.close();
  return { lines: made.lines, truth };
}

class Maker {
  readonly lines: Written[] = [];
  readonly truth: Truth;
  readonly options: ConversationOptions;
  #count = 0;
  #texts = 0;
  #now_ms: number;

  constructor(options: ConversationOptions, truth: Truth) {
    this.options = options;
    this.truth = truth;
    this.#now_ms = options.start_ms;
  }

  begin(index: number): Conversation {
    const cwd = this.options.cwds[index % this.options.cwds.length] ?? '/';
    return new Conversation(this, this.session(), cwd, []);
  }

  /** Ids count up, so that a fork's is greater than its original's. */
  session(): string {
    const id = this.id('session');
    this.truth.sessions.add(id);
    return id;
  }

  id(kind: string): string {
    return `${kind}-${this.options.prefix}-${String(this.#count++).padStart(6, '0')}`;
  }

  /** Uniform over 0 … `bound - 1`. */
  pick(bound: number): number {
    return Math.floor(this.options.random.unit() * bound);
  }

  one<T>(of: readonly T[]): T {
    return of[this.pick(of.length)]!;
  }

  text(words: number): string {
    const { texts } = this.options;
    const planted = texts && texts.length > 0 ? ` ${texts[this.#texts++ % texts.length]} ` : '';
    return (
      Array.from({ length: 1 + this.pick(words) }, () => this.one(this.options.words ?? WORDS)).join(' ') + planted
    );
  }

  /** A time not before the last one. */
  time(): string {
    const { start_ms, span_ms } = this.options;
    this.#now_ms = Math.min(start_ms + span_ms, this.#now_ms + 1 + this.pick(50));
    return new Date(this.#now_ms).toISOString();
  }

  event(identity: string, event: Partial<TrueEvent> & Pick<TrueEvent, 'kind' | 'session'>): void {
    const full: TrueEvent = { subagent: null, tool: null, outcome: null, usage: null, ...event };
    if (!this.truth.events.has(identity)) this.truth.events.set(identity, full);
  }
}

type Fields = Record<string, unknown>;

interface Call {
  id: string;
  tool: string;
  parent: string;
}

class Conversation {
  readonly #made: Maker;
  readonly #session: string;
  readonly #cwd: string;
  readonly #file: string;
  /** Lines of the uuid chain so far: what a fork copies. */
  readonly #chain: Fields[] = [];
  readonly #subagent: string | null;
  #last: string | null = null;
  #context = 500;

  constructor(made: Maker, session: string, cwd: string, copied: readonly Fields[], subagent: string | null = null) {
    this.#made = made;
    this.#session = session;
    this.#cwd = cwd;
    this.#subagent = subagent;
    const folder = cwd.replaceAll(/[^A-Za-z0-9]/g, '-');
    this.#file =
      subagent === null ? `${folder}/${session}.jsonl` : `${folder}/${session}/subagents/agent-${subagent}.jsonl`;
    for (const line of copied) this.#append({ ...line, sessionId: session });
  }

  /** A new file with everything said so far and nothing of its own. */
  fork(): Conversation {
    return new Conversation(this.#made, this.#made.session(), this.#cwd, this.#chain);
  }

  /** Something typed and everything it leads to. */
  turn(): void {
    const made = this.#made;
    this.#prompt();
    if (made.pick(4) === 0) this.#silence();
    for (let responses = 1 + made.pick(3); responses > 0; responses--) {
      const calls = this.#response(responses > 1 || made.pick(2) === 0);
      this.#results(calls);
    }
    if (made.pick(6) === 0) this.#compaction();
    if (made.pick(8) === 0) this.#apiError();
  }

  /** The last line: everything before it is final, and every answer has arrived. */
  close(): void {
    this.#prompt();
  }

  #prompt(): void {
    const uuid = this.#say({ type: 'user', message: { role: 'user', content: this.#made.text(12) } });
    if (this.#subagent === null) this.#made.event(`claude:prompt:${uuid}`, { kind: 'message', session: this.#session });
  }

  /** Lines that say nothing, one of them never copied by a fork. */
  #silence(): void {
    this.#append({ type: 'file-history-snapshot', messageId: 'm', snapshot: { trackedFileBackups: {} } }, false);
    this.#say({ type: 'attachment', attachment: { type: 'task_reminder', content: [] } });
    this.#say({ type: 'user', isMeta: true, message: { role: 'user', content: 'injected' } });
  }

  /** One response over several lines, with its calls; the output count grows from a placeholder to the true figure. */
  #response(with_calls: boolean): Call[] {
    const made = this.#made;
    const id = `msg_${made.id('r')}`;
    const model = this.#subagent === null ? made.one(MODELS) : 'claude-haiku-4-5';
    const final = 20 + made.pick(4000);
    const usage = { tokens_in: 1 + made.pick(30), cache_read_tokens: this.#context };
    const writes = { cache_write_5m_tokens: made.pick(900), cache_write_1h_tokens: made.pick(2) * made.pick(500) };
    this.#context += writes.cache_write_5m_tokens;
    const blocks: Fields[] = [{ type: 'thinking', thinking: '', signature: 'c2ln' }];
    if (made.pick(2) === 0) blocks.push({ type: 'text', text: made.text(40) });
    const calls: Call[] = [];
    for (let i = with_calls ? 1 + made.pick(3) : 0; i > 0; i--) {
      const tool = this.#subagent === null && made.pick(6) === 0 ? 'Agent' : made.one(TOOLS);
      const call = { id: `toolu_${made.id('t')}`, tool, parent: '' };
      calls.push(call);
      blocks.push({ type: 'tool_use', id: call.id, name: tool, input: this.#input(tool) });
    }
    blocks.forEach((block, i) => {
      const last = i === blocks.length - 1;
      const message = {
        id,
        type: 'message',
        role: 'assistant',
        model,
        content: [block],
        stop_reason: last ? (calls.length > 0 ? 'tool_use' : 'end_turn') : null,
        usage: {
          input_tokens: usage.tokens_in,
          output_tokens: last ? final : 1 + made.pick(8),
          cache_read_input_tokens: usage.cache_read_tokens,
          cache_creation_input_tokens: writes.cache_write_5m_tokens + writes.cache_write_1h_tokens,
          cache_creation: {
            ephemeral_5m_input_tokens: writes.cache_write_5m_tokens,
            ephemeral_1h_input_tokens: writes.cache_write_1h_tokens,
          },
        },
      };
      const uuid = this.#say({ type: 'assistant', requestId: `req_${id}`, message });
      const call = calls.find((candidate) => candidate.id === block['id']);
      if (call) call.parent = uuid;
    });
    const owner = { session: this.#session, subagent: this.#subagent };
    made.event(`claude:message:${id}`, {
      kind: 'message',
      ...owner,
      usage: { ...usage, ...writes, tokens_out: final },
    });
    for (const { id: call_id, tool } of calls) {
      made.event(`claude:tool_use:${call_id}`, { kind: 'tool_call', ...owner, tool });
      made.truth.calls.set(call_id, null);
    }
    return calls;
  }

  #input(tool: string): Fields {
    const made = this.#made;
    if (tool === 'Bash') return { command: `npm test -- ${made.text(6)}`, description: 'run the tests' };
    if (tool === 'Agent') return { prompt: made.text(20), subagent_type: 'general-purpose' };
    return { file_path: `${this.#cwd}/src/${made.one(['a', 'b', 'c'])}.ts`, old_string: made.text(10) };
  }

  /** Answers in any order, parallel calls as siblings of each other; one in ten is never answered. */
  #results(calls: readonly Call[]): void {
    const made = this.#made;
    const open = [...calls];
    while (open.length > 0) {
      const [call] = open.splice(made.pick(open.length), 1);
      if (!call || made.pick(10) === 0) continue;
      const outcome = made.one(['ok', 'ok', 'ok', 'failed', 'rejected'] as const);
      const said = outcome === 'rejected' ? 'User rejected tool use' : made.text(30);
      const detail = call.tool === 'Agent' ? this.#subagentRun() : outcome === 'rejected' ? said : { stdout: said };
      const block = { type: 'tool_result', tool_use_id: call.id, content: said, is_error: outcome !== 'ok' };
      this.#say({
        type: 'user',
        parentUuid: call.parent,
        message: { role: 'user', content: [block] },
        toolUseResult: detail,
      });
      const { tool } = call;
      const owner = { session: this.#session, subagent: this.#subagent };
      made.event(`claude:tool_result:${call.id}`, { kind: 'tool_result', ...owner, tool, outcome });
      made.truth.calls.set(call.id, outcome);
    }
  }

  /** A subagent's whole life in a file of its own; its usage is nowhere else, though the result repeats it. */
  #subagentRun(): Fields {
    const subagent = this.#made.id('a').replaceAll('-', '');
    const run = new Conversation(this.#made, this.#session, this.#cwd, [], subagent);
    run.#prompt();
    run.#results(run.#response(true));
    run.#response(false);
    return { status: 'completed', agentId: subagent, totalTokens: 123_456, content: [] };
  }

  #compaction(): void {
    const boundary = { type: 'system', subtype: 'compact_boundary', parentUuid: null, logicalParentUuid: this.#last };
    const uuid = this.#say({ ...boundary, compactMetadata: { trigger: 'auto', preTokens: 150_000 } });
    this.#made.event(`claude:compaction:${uuid}`, { kind: 'lifecycle', session: this.#session });
    this.#say({ type: 'user', isCompactSummary: true, message: { role: 'user', content: this.#made.text(30) } });
  }

  #apiError(): void {
    const message = { id: this.#made.id('e'), role: 'assistant', model: '<synthetic>', content: [], usage: {} };
    const uuid = this.#say({ type: 'assistant', isApiErrorMessage: true, apiErrorStatus: 529, message });
    this.#made.event(`claude:error:${uuid}`, { kind: 'error', session: this.#session });
  }

  /** Appends a line of the uuid chain and returns its uuid. */
  #say(fields: Fields): string {
    const uuid = this.#made.id('u');
    const sidechain = this.#subagent === null ? {} : { agentId: this.#subagent };
    this.#append({
      parentUuid: this.#last,
      isSidechain: this.#subagent !== null,
      userType: 'external',
      cwd: this.#cwd,
      sessionId: this.#session,
      version: '2.1.233',
      gitBranch: 'main',
      ...sidechain,
      ...fields,
      uuid,
      timestamp: this.#made.time(),
    });
    this.#last = uuid;
    return uuid;
  }

  #append(line: Fields, in_chain = true): void {
    if (in_chain) this.#chain.push(line);
    this.#made.lines.push({ file: this.#file, text: `${JSON.stringify(line)}\n` });
  }
}

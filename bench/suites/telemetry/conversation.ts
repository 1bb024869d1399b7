import type { Draw } from './words.ts';

type Fields = Record<string, unknown>;

const MODELS = ['claude-opus-5', 'claude-sonnet-5', 'claude-haiku-4-5'] as const;
const TOOLS = ['Bash', 'Bash', 'Read', 'Read', 'Edit', 'Grep', 'Glob', 'Write'] as const;

export interface ConversationPlace {
  cwd: string;
  began_ms: number;
  /** The conversation it was forked from: its lines come first, with their own ids. */
  copied: Conversation | null;
  /** Of a subagent: its parent's session. */
  parent_session_id?: string;
}

/** One transcript file while it is made, line by line as Claude Code 2.1 writes them. */
export class Conversation {
  readonly session_id: string;
  readonly agent_id: string | null;
  readonly subagents: Conversation[] = [];
  now_ms: number;
  readonly #draw: Draw;
  readonly #place: ConversationPlace;
  readonly #model: string;
  readonly #lines: string[] = [];
  #last_uuid: string | null = null;

  constructor(draw: Draw, place: ConversationPlace) {
    this.#draw = draw;
    this.#place = place;
    this.session_id = place.parent_session_id ?? draw.uuid();
    this.agent_id = place.parent_session_id === undefined ? null : draw.hex(17);
    this.now_ms = place.began_ms;
    this.#model = draw.one(MODELS);
    if (place.copied !== null) this.#copy(place.copied);
  }

  /** A fork keeps the uuids and ids of what it copies and writes its own session into each line. */
  #copy(original: Conversation): void {
    const chain = original.#lines.filter((line) => line.includes('"uuid"'));
    this.#lines.push(...chain.map((line) => line.replaceAll(original.session_id, this.session_id)));
  }

  text(): string {
    return `${this.#lines.join('\n')}\n`;
  }

  /** A prompt and the agent's work on it: a few responses, each with tool calls and their results. */
  addTurn(): void {
    const draw = this.#draw;
    this.#chain('user', { message: { role: 'user', content: draw.prose(draw.size(180)) }, promptSource: 'typed' });
    for (let round = draw.integer(1, 8); round > 0; round--) this.#respond(draw.chance(0.2) ? 2 : 1);
    this.#respond(0);
    if (this.agent_id === null && draw.chance(0.3))
      this.#bookkeeping({ type: 'file-history-snapshot', messageId: draw.uuid(), snapshot: { files: draw.code(600) } });
    if (this.agent_id === null && draw.chance(0.04)) this.#delegate();
  }

  /** One response of the model: each block on a line of its own with the usage so far, then the results of its calls. */
  #respond(calls: number): void {
    const draw = this.#draw;
    const message_id = `msg_01${draw.hex(20)}`;
    const texts = calls === 0 || draw.chance(0.4) ? [{ type: 'text', text: draw.prose(draw.size(300)) }] : [];
    const thinking = draw.chance(0.3)
      ? [{ type: 'thinking', thinking: draw.prose(draw.size(400)), signature: draw.hex(400) }]
      : [];
    const uses = Array.from({ length: calls }, () => this.#toolUse());
    const blocks = [...thinking, ...texts, ...uses];
    const usage = this.#usage();
    for (const [i, block] of blocks.entries()) {
      const last = i === blocks.length - 1;
      const stop_reason = last ? (calls > 0 ? 'tool_use' : 'end_turn') : null;
      this.#chain('assistant', {
        message: {
          model: this.#model,
          id: message_id,
          type: 'message',
          role: 'assistant',
          content: [block],
          stop_reason,
          stop_sequence: null,
          usage: { ...usage, output_tokens: last ? usage.output_tokens : 3 },
        },
        requestId: `req_01${draw.hex(20)}`,
      });
    }
    for (const use of uses) this.#answer(use);
  }

  #toolUse(): { type: 'tool_use'; id: string; name: string; input: Fields } {
    const draw = this.#draw;
    const name = draw.one(TOOLS);
    const file_path = `${this.#place.cwd}/src/${draw.one(['cart', 'order', 'user', 'query'])}-${draw.integer(1, 80)}.ts`;
    const input: Fields =
      name === 'Bash'
        ? { command: `npm run ${draw.prose(40)}`, description: draw.prose(30) }
        : name === 'Edit'
          ? { file_path, old_string: draw.code(draw.size(200)), new_string: draw.code(draw.size(220)) }
          : name === 'Write'
            ? { file_path, content: draw.code(draw.size(900)) }
            : name === 'Read'
              ? { file_path }
              : { pattern: draw.prose(12), path: this.#place.cwd };
    return { type: 'tool_use', id: `toolu_01${draw.hex(20)}`, name, input };
  }

  #answer({ id, name }: { id: string; name: string }): void {
    const draw = this.#draw;
    const output = draw.code(draw.size(900));
    const is_error = draw.chance(0.06);
    this.#chain('user', {
      message: { role: 'user', content: [{ type: 'tool_result', tool_use_id: id, content: output, is_error }] },
      // The agent keeps its own form of the result beside the one that the model saw.
      toolUseResult: name === 'Bash' ? { stdout: output, stderr: '', interrupted: false } : { content: output },
      sourceToolAssistantUUID: this.#last_uuid,
    });
  }

  /** A subagent's whole work, in a file of its own; the parent sees a call and its result. */
  #delegate(): void {
    const { cwd } = this.#place;
    const place = { cwd, began_ms: this.now_ms, copied: null, parent_session_id: this.session_id };
    const subagent = new Conversation(this.#draw, place);
    for (let turn = this.#draw.integer(1, 3); turn > 0; turn--) subagent.addTurn();
    this.subagents.push(subagent);
    this.now_ms = subagent.now_ms;
  }

  #usage(): Fields & { output_tokens: number } {
    const draw = this.#draw;
    return {
      input_tokens: draw.integer(1, 40),
      cache_creation_input_tokens: 2000,
      cache_read_input_tokens: draw.integer(10_000, 150_000),
      cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 2000 },
      output_tokens: draw.size(250),
      service_tier: 'standard',
      server_tool_use: { web_search_requests: 0, web_fetch_requests: 0 },
    };
  }

  #chain(type: string, fields: Fields): void {
    const uuid = this.#draw.uuid();
    this.now_ms += this.#draw.integer(200, 9000);
    const { agent_id } = this;
    this.#lines.push(
      JSON.stringify({
        parentUuid: this.#last_uuid,
        isSidechain: agent_id !== null,
        userType: 'external',
        cwd: this.#place.cwd,
        sessionId: this.session_id,
        version: '2.1.233',
        gitBranch: 'main',
        ...(agent_id === null ? {} : { agentId: agent_id }),
        type,
        ...fields,
        uuid,
        timestamp: new Date(this.now_ms).toISOString(),
      }),
    );
    this.#last_uuid = uuid;
  }

  #bookkeeping(fields: Fields): void {
    this.#lines.push(JSON.stringify(fields));
  }
}

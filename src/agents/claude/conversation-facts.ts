import type { TranscriptFile } from '../source.ts';
import { stringField } from './field.ts';
import type { ChainLine } from './line.ts';
import { isFromProgram } from './said-line.ts';
import { renamedTo } from './system-line.ts';

/** What all lines of a session together say about it, also those of abandoned branches. */
export class ConversationFacts {
  readonly #session_id: string;
  /** A user or assistant line was seen; a file of titles alone is no session (§2.1). */
  talked = false;
  cwd: string | null = null;
  git_branch: string | null = null;
  agent_version: string | null = null;
  started_at_ms: number | null = null;
  ended_at_ms: number | null = null;
  /** The session whose lines stand copied at the beginning, under its own id: an older resume (§2.8). */
  continued_session_id: string | null = null;
  /** Prompts that a program wrote, and those of anybody else. */
  readonly prompts = { program: 0, person: 0 };
  #own_lines = false;
  #last_uuid: string | null = null;
  #custom_title: string | null = null;
  #ai_title: string | null = null;
  #summary: string | null = null;

  constructor(file: TranscriptFile) {
    this.#session_id = file.session_id;
  }

  /** What a person named it, else what the agent did, else the summary that ends at this session's own lines. */
  get title(): string | null {
    return this.#custom_title ?? this.#ai_title ?? this.#summary;
  }

  noteChainLine(line: ChainLine): void {
    if (line.type === 'user' || line.type === 'assistant') this.talked = true;
    if (line.ts_ms !== null) {
      this.started_at_ms = Math.min(this.started_at_ms ?? line.ts_ms, line.ts_ms);
      this.ended_at_ms = Math.max(this.ended_at_ms ?? line.ts_ms, line.ts_ms);
    }
    this.cwd ??= line.cwd;
    this.git_branch = line.git_branch ?? this.git_branch;
    this.agent_version = line.agent_version ?? this.agent_version;
    if (line.uuid !== null && !line.sidechain) this.#last_uuid = line.uuid;
    this.#noteSession(line);
    const name = renamedTo(line);
    if (name !== undefined) this.#custom_title = name;
  }

  /** Copies keep the id of each session they come from; the one before this session's own lines was continued. */
  #noteSession({ session_id }: ChainLine): void {
    if (session_id === null || this.#own_lines) return;
    if (session_id === this.#session_id) this.#own_lines = true;
    else this.continued_session_id = session_id;
  }

  /** A line of the main conversation that somebody typed, or a program in somebody's stead. */
  notePrompt(line: ChainLine): void {
    this.prompts[isFromProgram(line.body) ? 'program' : 'person']++;
  }

  /** A `summary`, `ai-title` or `custom-title` line; the last of a kind wins (§2.1). */
  noteTitleLine(line: ChainLine): void {
    switch (line.type) {
      case 'summary':
        // Another leaf is another session's.
        if (this.#last_uuid !== null && stringField(line.body, 'leafUuid') === this.#last_uuid)
          this.#summary = stringField(line.body, 'summary');
        return;
      case 'ai-title':
        this.#ai_title = stringField(line.body, 'aiTitle') ?? this.#ai_title;
        return;
      case 'custom-title':
        this.#custom_title = stringField(line.body, 'customTitle');
    }
  }
}

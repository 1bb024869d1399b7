import type { AgentSession } from '../event.ts';
import type { TranscriptFile } from '../source.ts';
import { stringField } from './field.ts';
import type { ChainLine, LineSpan } from './line.ts';
import { renamedTo } from './system-line.ts';

/** Which line type a title came from: a later line of a weaker kind never replaces it (§2.1). */
const TITLE_RANK = { summary: 1, 'ai-title': 2, 'custom-title': 3 } as const;

/** What the checkpoint keeps of a session: no title, path or branch, which are content and are told when they are seen. */
export interface SessionMemory {
  /** A user or assistant line was seen; a file of titles alone is no session (§2.1). */
  talked: boolean;
  parent_session_id: string | null;
  model: string | null;
  title_rank: number;
  cwd_told: boolean;
  started_at_ms: number | null;
  last_at_ms: number | null;
  /** Latest line of the chain; a `summary` that names another belongs to another session. */
  last_uuid: string | null;
  /** The line of a title that came before anything was said; it is told, read again, with the session. */
  untold_title: LineSpan | null;
}

export function newSessionMemory(): SessionMemory {
  return {
    talked: false,
    parent_session_id: null,
    model: null,
    title_rank: 0,
    cwd_told: false,
    started_at_ms: null,
    last_at_ms: null,
    last_uuid: null,
    untold_title: null,
  };
}

/** Follows the lines of one step and tells the session as far as it is known then. */
export class SessionTracker {
  readonly #file: TranscriptFile;
  readonly memory: SessionMemory;
  #cwd: string | null = null;
  #git_branch: string | null = null;
  #agent_version: string | null = null;
  #title: string | null = null;

  constructor(file: TranscriptFile, memory: SessionMemory) {
    this.#file = file;
    this.memory = memory;
  }

  noteLine(line: ChainLine): void {
    const { memory } = this;
    if (line.type === 'user' || line.type === 'assistant') memory.talked = true;
    if (line.ts_ms !== null) {
      memory.started_at_ms = Math.min(memory.started_at_ms ?? line.ts_ms, line.ts_ms);
      memory.last_at_ms = Math.max(memory.last_at_ms ?? line.ts_ms, line.ts_ms);
    }
    if (line.uuid !== null && !line.sidechain) memory.last_uuid = line.uuid;
    // The file name is the session; another id in its first lines is the one it was resumed from (§2.2).
    if (line.session_id !== null && line.session_id !== this.#file.session_id)
      memory.parent_session_id ??= line.session_id;
    if (memory.talked) this.#noteContext(line);
  }

  #noteContext(line: ChainLine): void {
    if (line.cwd !== null && !this.memory.cwd_told) {
      this.memory.cwd_told = true;
      this.#cwd = line.cwd;
    }
    this.#git_branch = line.git_branch ?? this.#git_branch;
    this.#agent_version = line.agent_version ?? this.#agent_version;
  }

  noteModel(model: string, sidechain: boolean): void {
    if (!sidechain) this.memory.model = model;
  }

  /** A line that may name the session: `summary`, `ai-title`, `custom-title`, or the `system` line of a `/rename`. */
  noteTitleLine(line: ChainLine, span: LineSpan): void {
    switch (line.type) {
      case 'summary':
        if (this.memory.last_uuid === null || stringField(line.body, 'leafUuid') !== this.memory.last_uuid) return;
        return this.#noteTitle('summary', stringField(line.body, 'summary'), span);
      case 'ai-title':
        return this.#noteTitle('ai-title', stringField(line.body, 'aiTitle'), span);
      case 'custom-title':
        return this.#noteTitle('custom-title', stringField(line.body, 'customTitle'), span);
      default: {
        const name = renamedTo(line);
        if (name !== undefined) this.#noteTitle('custom-title', name, span);
      }
    }
  }

  /** Null clears a name that was given, so that a generated title may come back; until one does, the old one stays. */
  #noteTitle(kind: keyof typeof TITLE_RANK, title: string | null, span: LineSpan): void {
    if (title === null) {
      if (kind === 'custom-title') this.memory.title_rank = 0;
      return;
    }
    if (TITLE_RANK[kind] < this.memory.title_rank) return;
    this.memory.title_rank = TITLE_RANK[kind];
    this.memory.untold_title = span;
    this.#title = title;
  }

  /** The line to read again for a title of an earlier step that is to be told now, or null. */
  takeUntoldTitle(): LineSpan | null {
    const { talked, untold_title } = this.memory;
    if (!talked || untold_title === null) return null;
    this.memory.untold_title = null;
    return this.#title === null ? untold_title : null;
  }

  /** The title in that line. */
  recallTitle(line: ChainLine): void {
    const { body } = line;
    const keys = ['summary', 'aiTitle', 'customTitle'];
    const titles = keys.flatMap((key) => stringField(body, key) ?? []);
    this.#title = titles[0] ?? renamedTo(line) ?? null;
  }

  /** The session so far, or null while nothing was said. Of a subagent's file only the time of its last line. */
  told(): AgentSession | null {
    const { memory } = this;
    if (!memory.talked) return null;
    const session_id = this.#file.session_id;
    if (this.#file.subagent_id !== null) return { ...EMPTY, session_id, last_at_ms: memory.last_at_ms };
    const { parent_session_id, model, started_at_ms, last_at_ms } = memory;
    return {
      agent: 'claude',
      session_id,
      parent_session_id,
      cwd: this.#cwd,
      git_branch: this.#git_branch,
      agent_version: this.#agent_version,
      model,
      title: this.#title,
      started_at_ms,
      last_at_ms,
    };
  }
}

const EMPTY: Omit<AgentSession, 'session_id'> = {
  agent: 'claude',
  parent_session_id: null,
  cwd: null,
  git_branch: null,
  agent_version: null,
  model: null,
  title: null,
  started_at_ms: null,
  last_at_ms: null,
};

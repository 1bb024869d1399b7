import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync, mkdirSync, appendFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { AgentEvent, AgentSession } from '../../src/agents/event.ts';
import { CLAUDE_READ_LIMITS, claudeSource } from '../../src/agents/claude/index.ts';
import type { PositionedEvent, ReadLimits, ReadStep, TranscriptFile } from '../../src/agents/source.ts';

/** A minute after every time in the fixtures, so that nothing is held for being young. */
export const LATER_MS = Date.parse('2026-12-01T00:00:00Z');

export type LineFields = Record<string, unknown>;

/** One transcript line as Claude Code 2.1 writes it; `fields` win. */
export function transcriptLine(fields: LineFields): string {
  const usual = {
    parentUuid: null,
    isSidechain: false,
    userType: 'external',
    cwd: '/home/ada/shop',
    sessionId: 'S1',
    version: '2.1.233',
    gitBranch: 'main',
    timestamp: '2026-10-20T09:00:00.000Z',
  };
  return `${JSON.stringify({ ...usual, ...fields })}\n`;
}

export function promptLine(uuid: string, content: unknown, fields: LineFields = {}): string {
  return transcriptLine({ type: 'user', uuid, message: { role: 'user', content }, ...fields });
}

export interface AssistantFields {
  uuid: string;
  id?: string | undefined;
  output?: number;
  content?: unknown[];
  stop_reason?: string | null;
  usage?: LineFields;
  model?: string;
  fields?: LineFields;
}

export function assistantLine(piece: AssistantFields): string {
  const { uuid, id, output = 1, content = [], stop_reason = null, usage = {}, model = 'claude-opus-5' } = piece;
  const message = {
    model,
    ...(id === undefined ? {} : { id }),
    type: 'message',
    role: 'assistant',
    content,
    stop_reason,
    usage: { input_tokens: 10, output_tokens: output, ...usage },
  };
  return transcriptLine({ type: 'assistant', uuid, requestId: `req_${id ?? ''}`, message, ...piece.fields });
}

export function toolUse(id: string, name = 'Bash', input: unknown = {}): LineFields {
  return { type: 'tool_use', id, name, input };
}

export function resultLine(uuid: string, id: string, fields: LineFields = {}, block: LineFields = {}): string {
  const content = [{ type: 'tool_result', tool_use_id: id, content: 'done', ...block }];
  return transcriptLine({ type: 'user', uuid, message: { role: 'user', content }, ...fields });
}

/** A folder of transcripts of its own, and readers that keep a checkpoint for each file. */
export class TranscriptFolder {
  readonly path = mkdtempSync(join(tmpdir(), 'syncline-transcripts-'));
  readonly #births = new Map<string, number>();

  write(name: string, text: string | Buffer): string {
    const path = join(this.path, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  append(name: string, text: string | Buffer): void {
    appendFileSync(join(this.path, name), text);
  }

  /** The file as `discover` would tell it; births count up in the order of the first mention unless given. */
  file(name: string, fields: Partial<TranscriptFile> = {}): TranscriptFile {
    const path = join(this.path, name);
    if (!this.#births.has(name)) this.#births.set(name, 1000 + this.#births.size);
    const { size, mtimeMs } = statSync(path);
    const session_id = /([^/]+)\.jsonl$/.exec(name)?.[1] ?? name;
    const birth_ms = this.#births.get(name) ?? 0;
    return { agent: 'claude', path, session_id, subagent_id: null, size, birth_ms, mtime_ms: mtimeMs, ...fields };
  }

  remove(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

/** Reads one file on and on, as its owner does: each step from the checkpoint of the last. */
export class TranscriptTail {
  readonly positioned: PositionedEvent[] = [];
  readonly skipped: Record<string, number> = {};
  readonly cursors: string[] = [];
  checkpoint: string | null = null;
  session: AgentSession | null = null;
  restarts = 0;
  readonly #file: () => TranscriptFile;

  constructor(file: () => TranscriptFile) {
    this.#file = file;
  }

  get events(): AgentEvent[] {
    return this.positioned.map(({ event }) => event);
  }

  async step(now_ms: number = LATER_MS, limits: ReadLimits = CLAUDE_READ_LIMITS): Promise<ReadStep> {
    const step = await claudeSource.read(this.#file(), this.checkpoint, limits, now_ms);
    if (step.restarted) this.restarts++;
    this.checkpoint = step.checkpoint;
    this.positioned.push(...step.events);
    for (const [reason, count] of Object.entries(step.skipped)) {
      this.skipped[reason] = (this.skipped[reason] ?? 0) + count;
    }
    if (step.session !== null) this.session = mergeSession(this.session, step.session);
    return step;
  }

  /** Steps until the end of the file. */
  async toEnd(now_ms: number = LATER_MS, limits: ReadLimits = CLAUDE_READ_LIMITS): Promise<AgentEvent[]> {
    while ((await this.step(now_ms, limits)).more);
    return this.events;
  }
}

/** As a store keeps a session: null never replaces what is known. */
function mergeSession(known: AgentSession | null, told: AgentSession): AgentSession {
  const news = Object.entries(told).filter(([, value]) => value !== null);
  return { ...(known ?? told), ...(Object.fromEntries(news) as Partial<AgentSession>) };
}

const FIXTURES = new URL('../../src/agents/claude/fixtures/', import.meta.url);

export function fixture(name: string): Buffer {
  return readFileSync(new URL(name, FIXTURES));
}

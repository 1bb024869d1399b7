import type { FileHandle } from 'node:fs/promises';
import { StaleError } from '../../platform/errors.ts';
import type { TranscriptFile } from '../source.ts';
import { ConversationFacts } from './conversation-facts.ts';
import { isObject, stringField, type JsonObject } from './field.ts';
import { readRange } from './file-mark.ts';
import { chainLineOf, type ChainLine, type LineSpan } from './line.ts';
import { readLines, type LinePosition } from './line-reader.ts';
import { transcriptFailure } from './transcript-file.ts';
import { peekLineType, unknownTypeLabel, useOfLineType } from './line-type.ts';
import { charsOf, isTyped, saidBy, withoutTexts, type SaidLine } from './said-line.ts';
import { enqueuedTask, progressOfAgent } from './said-tool.ts';
import { treeLineOf, type TreeLine } from './tree.ts';

/** Characters of text held for one session; two bytes each at most. What is beyond is read again when it is told. */
const MAX_HELD_CHARS = 32 * 1024 * 1024;
/** Longer lines are pictures; a step of 4 MiB takes some 40 ms, and others run in between. */
const LIMITS = { max_bytes: 4 * 1024 * 1024, max_line_bytes: 32 * 1024 * 1024 };
/** Bytes of a line in which its type is looked for. */
const PEEK_BYTES = 1024;

/** A transcript of the session, opened. */
export interface OpenTranscript {
  file: TranscriptFile;
  handle: FileHandle;
  size: number;
  /** `fileStamp` of when it was opened. */
  stamp: string;
}

/** One line of the uuid chain, or a queued prompt of a version that gave those none. */
export interface ConversationLine {
  transcript: OpenTranscript;
  span: LineSpan;
  tree: TreeLine;
  /** As the line says it; in a subagent's own file `tree` has it as the main conversation, which it is there. */
  sidechain: boolean;
  ts_ms: number | null;
  said: SaidLine;
  /** False: `said` is without its texts. */
  held: boolean;
}

/** The lines of one session's files in their order, each `uuid` once, and what they say beside the conversation. */
export class ConversationLines {
  readonly lines: ConversationLine[] = [];
  readonly facts: ConversationFacts;
  readonly skipped: Record<string, number> = {};
  /** Subagent by the call that started it, as `progress` lines and enqueued notices tell (§2.9). */
  readonly agents_by_progress = new Map<string, string>();
  readonly agents_by_notice = new Map<string, string>();
  /** The last line breaks off: it is being written, or its writer was killed (§2.10). */
  ends_within_line = false;
  readonly #uuids = new Set<string>();
  readonly #max_held_chars: number;
  #held_chars = 0;

  constructor(file: TranscriptFile, max_held_chars = MAX_HELD_CHARS) {
    this.facts = new ConversationFacts(file);
    this.#max_held_chars = max_held_chars;
  }

  /** Reads a file of the session to its end. @throws as `withTranscript`; what `signal` was aborted with */
  async read(transcript: OpenTranscript, signal: AbortSignal): Promise<void> {
    try {
      await this.#read(transcript, signal);
    } catch (error) {
      throw transcriptFailure(error);
    }
  }

  async #read(transcript: OpenTranscript, signal: AbortSignal): Promise<void> {
    let from: LinePosition = { offset: 0, discarding: false, prefix_crc32: 0 };
    for (let more = true; more;) {
      signal.throwIfAborted();
      const range = { from, file_size: transcript.size, limits: LIMITS };
      const read = await readLines(transcript.handle, range, (buffer, start, end, offset) =>
        this.#takeLine(transcript, buffer, start, end, offset),
      );
      for (let count = 0; count < read.oversize; count++) this.#skip('oversize');
      more = read.more;
      from = read.position;
    }
    this.ends_within_line = from.discarding || (await endsWithinLine(transcript, from.offset));
  }

  #takeLine(transcript: OpenTranscript, buffer: Buffer, start: number, end: number, offset: number): void {
    const peeked = peekLineType(buffer.toString('latin1', start, Math.min(end, start + PEEK_BYTES)));
    if (peeked !== null && peeked !== 'queue-operation' && useOfLineType(peeked) === 'bookkeeping') return;
    const text = buffer.toString('utf8', start, end);
    const body = parseLine(text);
    if (body === null) {
      if (text.trim() !== '') this.#skip('malformed');
      return;
    }
    this.#takeBody(transcript, chainLineOf(body), { offset, length: end - start });
  }

  #takeBody(transcript: OpenTranscript, line: ChainLine, span: LineSpan): void {
    switch (line.type) {
      case 'summary':
      case 'ai-title':
      case 'custom-title':
        return this.facts.noteTitleLine(line);
      case 'queue-operation': {
        const task = enqueuedTask(line.body);
        if (task !== null) this.agents_by_notice.set(task.tool_use_id, task.task_id);
        return;
      }
      case 'progress': {
        const progress = progressOfAgent(line.body);
        if (progress !== null) this.agents_by_progress.set(progress.tool_use_id, progress.agent_id);
      }
    }
    if (useOfLineType(line.type) === 'bookkeeping') return;
    if (useOfLineType(line.type) === 'unknown') this.#skip(unknownTypeLabel(line.type));
    this.#takeChainLine(transcript, line, span);
  }

  #takeChainLine(transcript: OpenTranscript, line: ChainLine, span: LineSpan): void {
    if (line.uuid !== null) {
      // Written again after a compaction, or copied into another file of the session: the first place is the true one.
      if (this.#uuids.has(line.uuid)) return;
      this.#uuids.add(line.uuid);
    }
    this.facts.noteChainLine(line);
    const said = saidBy(line);
    if (said.is === 'message' && isTyped(said) && !line.sidechain) this.facts.notePrompt(line);
    if (line.uuid === null && said.is === 'nothing') return;
    const chars = charsOf(said);
    const held = chars === 0 || this.#held_chars + chars <= this.#max_held_chars;
    if (held) this.#held_chars += chars;
    const tree = treeLineOf(line);
    this.lines.push({
      transcript,
      span,
      tree: transcript.file.subagent_id === null ? tree : { ...tree, sidechain: false },
      sidechain: line.sidechain,
      ts_ms: line.ts_ms,
      said: held ? said : withoutTexts(said),
      held,
    });
  }

  #skip(reason: string): void {
    this.skipped[reason] = (this.skipped[reason] ?? 0) + 1;
  }
}

/**
 * What `line` says with its texts, read again where they were not held.
 * @throws StaleError `agents.transcript_rewritten` when another line stands there now; as `withTranscript`
 */
export async function wholeSaid(line: ConversationLine): Promise<SaidLine> {
  if (line.held) return line.said;
  const { offset, length } = line.span;
  const body = parseLine((await bytesAgain(line.transcript.handle, offset, length)).toString('utf8'));
  const uuid = body === null ? null : stringField(body, 'uuid');
  if (body !== null && uuid === line.tree.uuid) {
    const said = saidBy(chainLineOf(body));
    if (said.is === line.said.is) return said;
  }
  throw new StaleError('agents.transcript_rewritten', 'A transcript was rewritten while it was read.', {
    hint: 'It is read again from its beginning.',
  });
}

async function bytesAgain(handle: FileHandle, offset: number, length: number): Promise<Buffer> {
  try {
    return await readRange(handle, offset, length);
  } catch (error) {
    throw transcriptFailure(error);
  }
}

function parseLine(text: string): JsonObject | null {
  try {
    const body: unknown = JSON.parse(text);
    return isObject(body) ? body : null;
  } catch {
    return null; // a damaged line; the caller counts it
  }
}

/** Whether what stands after the last newline is no whole line. */
async function endsWithinLine({ handle, size }: OpenTranscript, offset: number): Promise<boolean> {
  if (offset >= size) return false;
  const rest = await readRange(handle, offset, Math.min(size - offset, LIMITS.max_line_bytes));
  const text = rest.toString('utf8');
  return text.trim() !== '' && parseLine(text) === null;
}

import type { AgentEvent } from '../event.ts';
import type { PositionedEvent, TranscriptFile } from '../source.ts';
import { isObject, stringField, type JsonObject } from './field.ts';
import { lineFacts, type LineFacts } from './line-event.ts';
import { peekLineType, unknownTypeLabel, useOfLineType } from './line-type.ts';
import { chainLineOf, chainOf, messageOf, type ChainLine, type LineSpan } from './line.ts';
import { promptEvent, queuedPromptEvent } from './prompt-events.ts';
import { noEvidence, noteBookkeepingLine, noteChainLine, type OwnershipEvidence } from './rank.ts';
import { ResponseWindow } from './response-window.ts';
import { SessionTracker, newSessionMemory, type SessionMemory } from './session.ts';
import { isSynthetic, syntheticErrorEvent } from './synthetic.ts';
import { compactionWithoutBoundary, systemEvent } from './system-line.ts';
import { ToolCalls } from './tool-calls.ts';
import { searchCountOf, toolCallEvent, toolResultEvent, toolUsesOf } from './tool-events.ts';
import { classifyUserLine } from './user-line.ts';

/** Bytes of a line in which its type is looked for; the fields before it take about 500. */
const PEEK_BYTES = 1024;

/** All that a reader must know of the lines before. */
export interface TranscriptState {
  evidence: OwnershipEvidence;
  calls: ToolCalls;
  responses: ResponseWindow;
  session: SessionMemory;
  /** A compaction boundary was seen and its summary is still to come: the two are one event. */
  awaits_summary: boolean;
}

export function newTranscriptState(): TranscriptState {
  return {
    evidence: noEvidence(),
    calls: new ToolCalls(),
    responses: new ResponseWindow(),
    session: newSessionMemory(),
    awaits_summary: false,
  };
}

/**
 * Turns lines into events, one after the other. What it says depends on the lines alone, never on where a step began or
 * ended; responses are gathered in `state.responses` and emitted by the reader.
 */
export class Interpreter {
  readonly events: PositionedEvent[] = [];
  readonly skipped: Record<string, number> = {};
  readonly session: SessionTracker;
  readonly #file: TranscriptFile;
  readonly #state: TranscriptState;
  readonly #without_content: boolean;
  #index = 0;

  constructor(file: TranscriptFile, state: TranscriptState, without_content = false) {
    this.#file = file;
    this.#state = state;
    this.#without_content = without_content;
    this.session = new SessionTracker(file, state.session);
  }

  /** Takes the line `buffer[start, end)` that stands at `offset` in the file. */
  takeLine(buffer: Buffer, start: number, end: number, offset: number): void {
    const peeked = peekLineType(buffer.toString('latin1', start, Math.min(end, start + PEEK_BYTES)));
    if (peeked !== null && this.#passOver(peeked, buffer, start, end)) return;
    const body = this.#parse(buffer, start, end);
    if (body === null) return;
    this.#index = 0;
    this.#takeBody(body, { offset, length: end - start });
  }

  skip(reason: string): void {
    this.skipped[reason] = (this.skipped[reason] ?? 0) + 1;
  }

  /** True when the type alone says that the line needs no parsing. */
  #passOver(type: string, buffer: Buffer, start: number, end: number): boolean {
    const use = useOfLineType(type);
    if (use === 'bookkeeping') noteBookkeepingLine(this.#state.evidence);
    if (use === 'unknown') this.skip(unknownTypeLabel(type));
    // Attachments carry whole files and skill lists; only queued prompts are ours.
    if (type === 'attachment') return !buffer.subarray(start, end).includes('"queued_command"');
    return use !== 'read';
  }

  #parse(buffer: Buffer, start: number, end: number): JsonObject | null {
    const text = buffer.toString('utf8', start, end);
    try {
      const body: unknown = JSON.parse(text);
      if (isObject(body)) return body;
    } catch {
      if (text.trim() === '') return null;
    }
    this.skip('malformed');
    return null;
  }

  #takeBody(body: JsonObject, span: LineSpan): void {
    const line = chainLineOf(body);
    switch (line.type) {
      case 'summary':
      case 'ai-title':
      case 'custom-title':
        noteBookkeepingLine(this.#state.evidence);
        return this.session.noteTitleLine(line, span);
      case 'assistant':
      case 'user':
      case 'system':
      case 'attachment':
        return this.#takeChainLine(line, span);
    }
    // Only reached when the type stood behind a nested value.
    const use = useOfLineType(line.type);
    if (use === 'bookkeeping') noteBookkeepingLine(this.#state.evidence);
    if (use === 'unknown') this.skip(unknownTypeLabel(line.type));
  }

  #takeChainLine(line: ChainLine, span: LineSpan): void {
    const fallback_ms = this.#state.session.last_at_ms ?? this.#file.birth_ms;
    const facts = lineFacts(this.#file, line, this.#state.evidence, fallback_ms);
    if (line.uuid !== null) noteChainLine(this.#state.evidence);
    this.session.noteLine(line);
    if (line.type === 'assistant') this.#takeAssistant(line, span, facts);
    else if (line.type === 'user') this.#takeUser(line, span, facts);
    else if (line.type === 'system') this.#takeSystem(line, span, facts);
    else this.#emit(span, queuedPromptEvent(line, facts));
  }

  #takeAssistant(line: ChainLine, span: LineSpan, facts: LineFacts): void {
    if (line.compact_summary) return this.#takeSummary(line, span, facts);
    const message = messageOf(line);
    if (message === null) return this.skip('malformed');
    if (isSynthetic(line, message)) return this.#emit(span, syntheticErrorEvent(line, message, facts));
    const response = this.#state.responses.add({ line, message, span, facts });
    if (response.model !== null) this.session.noteModel(response.model, line.sidechain);
    for (const use of toolUsesOf(message)) {
      this.#state.calls.open(use.id, { tool: use.name, model: response.model, response: response.first_offset });
      this.#emit(span, toolCallEvent(use, facts, response));
    }
    this.#takeResults(line, span, facts, serverResultsOf(message), null);
  }

  #takeUser(line: ChainLine, span: LineSpan, facts: LineFacts): void {
    const user_line = classifyUserLine(line);
    if (user_line.is === 'context') return;
    this.#state.responses.closeChain(chainOf(line));
    if (user_line.is === 'tool_results') {
      const detail = user_line.results.length === 1 ? line.body['toolUseResult'] : null;
      return this.#takeResults(line, span, facts, user_line.results, detail);
    }
    if (user_line.is === 'compaction_summary') return this.#takeSummary(line, span, facts);
    this.#emit(span, promptEvent(user_line, line, facts));
  }

  #takeResults(line: ChainLine, span: LineSpan, facts: LineFacts, blocks: JsonObject[], detail: unknown): void {
    for (const block of blocks) {
      const id = stringField(block, 'tool_use_id');
      if (id === null) continue;
      const answered = this.#state.calls.answer(id);
      const { tool, model } = answered?.call ?? { tool: null, model: null };
      this.#emit(span, toolResultEvent({ block, id, line, detail, tool, model }, facts));
      const searches = searchCountOf(detail);
      if (searches === 0 || answered?.first === false) continue;
      const credited =
        answered !== null && this.#state.responses.creditSearches(answered.call.response, searches, span.offset);
      if (!credited) this.skip('search_without_response');
    }
  }

  #takeSystem(line: ChainLine, span: LineSpan, facts: LineFacts): void {
    this.session.noteTitleLine(line, span);
    if (line.body['subtype'] === 'compact_boundary') this.#state.awaits_summary = true;
    this.#emit(span, systemEvent(line, facts));
  }

  #takeSummary(line: ChainLine, span: LineSpan, facts: LineFacts): void {
    if (!this.#state.awaits_summary) this.#emit(span, compactionWithoutBoundary(line, facts));
    this.#state.awaits_summary = false;
  }

  #emit(span: LineSpan, event: AgentEvent | null): void {
    if (event === null) return;
    if (this.#without_content) event.content = null;
    this.events.push({ cursor: `${span.offset}:${this.#index++}`, event });
  }
}

/** Results of tools that the API ran stand in the assistant's own message (§2.4). */
function serverResultsOf(message: JsonObject): JsonObject[] {
  const content = message['content'];
  if (!Array.isArray(content)) return [];
  return content.filter(isObject).filter((block) => {
    const type = block['type'];
    return typeof type === 'string' && type.endsWith('_tool_result');
  });
}

import type { ConversationLine } from './conversation-lines.ts';
import { isUniqueMessageId } from './response.ts';
import { isTyped, type SaidResponse } from './said-line.ts';
import { activeBranch, parentIndexes, type TreeLine } from './tree.ts';

/** Pieces merged to one response; what a defective gateway writes beyond them begins another message. */
const MAX_PIECES = 1024;

/** One message of the conversation and the lines it is made of, in their order. */
export interface PlannedMessage {
  lines: ConversationLine[];
  sidechain: boolean;
  /** The line that holds the result of a call of this message, by the call's id. */
  results: Map<string, ConversationLine>;
}

/**
 * The messages of the conversation in their order, which is that of their first lines: growth of a file adds at the end,
 * and only a rewind takes away. Needs no texts.
 */
export function planConversation(lines: readonly ConversationLine[]): PlannedMessage[] {
  const shown = shownLines(lines);
  const plan = new ConversationPlan();
  lines.forEach((line, index) => {
    if (shown.has(index)) plan.add(line);
  });
  return plan.messages;
}

class ConversationPlan {
  readonly messages: PlannedMessage[] = [];
  readonly #responses = new Map<string, PlannedResponse>();
  /** The message that made a call last, by the call's id: gateways use ids again. */
  readonly #callers = new Map<string, PlannedMessage>();
  #last_line: ConversationLine | null = null;
  /** Counted up where the responses before are over, for the main conversation and what stands beside it. */
  readonly #turn = { main: 0, side: 0 };

  add(line: ConversationLine): void {
    const { said } = line;
    switch (said.is) {
      case 'nothing':
        return;
      case 'response':
        this.#addPiece(line, said);
        break;
      case 'results':
        this.#closeResponses(line);
        this.#attach(said.results, line);
        break;
      case 'message':
        if (isTyped(said)) this.#closeResponses(line);
        this.#begin(line);
        break;
      case 'compaction':
        // A compaction is one event: its boundary and the summary behind it (§2.6).
        if (said.part === 'summary' && isBoundary(this.#last_line)) this.messages.at(-1)?.lines.push(line);
        else this.#begin(line);
    }
    this.#last_line = line;
  }

  #begin(line: ConversationLine): PlannedMessage {
    const message = { lines: [line], sidechain: line.sidechain, results: new Map<string, ConversationLine>() };
    this.messages.push(message);
    return message;
  }

  #addPiece(line: ConversationLine, said: SaidResponse): void {
    const known = this.#responses.get(said.message_id);
    const goes_on = known !== undefined && continues(known, line, said, this.#turn[chainOf(line)]);
    const response = goes_on ? known : this.#beginResponse(line, said);
    if (goes_on && !isSideCopy(known, line)) {
      known.message.lines.push(line);
      known.message.sidechain &&= line.sidechain;
    }
    if (line.tree.uuid !== null) response.uuids.add(line.tree.uuid);
    for (const id of said.call_ids) this.#callers.set(id, response.message);
    this.#attach(said.results, line);
  }

  #beginResponse(line: ConversationLine, said: SaidResponse): PlannedResponse {
    this.#closeResponses(line);
    const message = this.#begin(line);
    const turn = this.#turn[chainOf(line)];
    const response = { message, request_id: said.request_id, uuids: new Set<string>(), turn };
    this.#responses.set(said.message_id, response);
    return response;
  }

  /** The responses of a chain before a prompt, a result or another response are over. */
  #closeResponses(line: ConversationLine): void {
    this.#turn[chainOf(line)]++;
  }

  /** The first answer counts: a compaction may append result lines again. */
  #attach(results: readonly { tool_use_id: string }[], line: ConversationLine): void {
    for (const { tool_use_id } of results) {
      const caller = this.#callers.get(tool_use_id);
      if (caller && !caller.results.has(tool_use_id)) caller.results.set(tool_use_id, line);
    }
  }
}

interface PlannedResponse {
  message: PlannedMessage;
  request_id: string | null;
  uuids: Set<string>;
  turn: number;
}

function chainOf(line: ConversationLine): 'main' | 'side' {
  return line.sidechain ? 'side' : 'main';
}

/** Whether a line is one more piece of a response (§2.3); ids of gateways are used again for others (R4). */
function continues(response: PlannedResponse, line: ConversationLine, said: SaidResponse, turn: number): boolean {
  if (response.message.lines.length >= MAX_PIECES) return false;
  if (isUniqueMessageId(said.message_id)) return true;
  if (response.message.sidechain !== line.sidechain) return false;
  if (said.request_id !== null && response.request_id !== null && said.request_id !== response.request_id) return false;
  return response.turn === turn || response.uuids.has(line.tree.parent_uuid ?? '');
}

/** A side question repeats the answer it asks about under the same id (pitfall 5). */
function isSideCopy(response: PlannedResponse, line: ConversationLine): boolean {
  return line.sidechain && !response.message.sidechain;
}

function isBoundary(line: ConversationLine | null): boolean {
  return line?.said.is === 'compaction' && line.said.part === 'boundary';
}

/**
 * Indexes of the lines that are shown: the active branch, what was typed or told beside it while the agent worked, what
 * subagents of older versions and side questions said, and queued prompts of versions that gave those no place in the
 * chain.
 */
function shownLines(lines: readonly ConversationLine[]): Set<number> {
  const trees = lines.map(({ tree }) => tree);
  const shown = activeBranch(trees);
  const parents = parentIndexes(trees);
  const answered = answeredLines(lines, parents);
  let main_shown = true;
  lines.forEach(({ tree }, index) => {
    const parent = parents[index] ?? -1;
    if (tree.sidechain) {
      // Behind what is shown, or the beginning of a chain of its own.
      if (parent === -1 || parent >= index || shown.has(parent)) shown.add(index);
    } else if (tree.uuid === null) {
      if (main_shown) shown.add(index);
    } else if (isTalk(tree)) main_shown = shown.has(index);
    // What nothing was said behind is no branch that was left.
    else if (!answered.has(index) && (parent === -1 || shown.has(parent))) shown.add(index);
  });
  return shown;
}

/** Lines that something in the main conversation was said behind, on whatever branch. */
function answeredLines(lines: readonly ConversationLine[], parents: readonly number[]): Set<number> {
  const answered = new Set<number>();
  for (let index = lines.length - 1; index >= 0; index--) {
    const tree = lines[index]?.tree;
    const parent = parents[index] ?? -1;
    if (tree && parent !== -1 && !tree.sidechain && (isTalk(tree) || answered.has(index))) answered.add(parent);
  }
  return answered;
}

/** A result says nothing by itself. */
function isTalk(tree: TreeLine): boolean {
  return !tree.meta && (tree.type === 'user' || tree.type === 'assistant') && tree.tool_results.length === 0;
}

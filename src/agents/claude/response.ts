import type { AgentEvent, JsonValue, Usage } from '../event.ts';
import { blocksOf, mergeBlocks, type Block } from './blocks.ts';
import { stringField, wordField, type JsonObject } from './field.ts';
import { eventOf, type LineFacts } from './line-event.ts';
import { chainOf, type ChainLine, type LineSpan } from './line.ts';
import { greaterUsage, usageOf } from './usage.ts';

/** Lines whose blocks describe a response; of more only usage and stop reason are taken. */
const MAX_PIECES = 256;

/** One assistant line: a piece of a response. */
export interface ResponsePiece {
  line: ChainLine;
  message: JsonObject;
  span: LineSpan;
  facts: LineFacts;
}

/**
 * One response of the model, gathered from its lines (§2.3). Goes into the checkpoint without `detail`: that holds what
 * was said, which never rests on our disk unredacted, and can be read again from `pieces`.
 */
export interface Response {
  /** Offset of its first line: its name within the file. */
  first_offset: number;
  chain: string;
  message_id: string;
  identity: string;
  request_id: string | null;
  facts: Omit<LineFacts, 'cwd' | 'git_branch' | 'agent_version'>;
  model: string | null;
  stop_reason: string | null;
  usage: Usage | null;
  /** Searches of the CLI's own tool, which the usage does not count. */
  credited_searches: number;
  pieces: LineSpan[];
  /** Only of ids that are not unique: tells whether a later line continues this response. */
  piece_uuids: string[];
  lines: number;
  /** Something after it on its chain shows that it is over. */
  closed: boolean;
  last_ts_ms: number;
  /** Offset of the line that changed it last, and the one as of which it was last emitted. */
  changed_at: number;
  emitted_at: number | null;
  detail: ResponseDetail | null;
}

/** What only the lines themselves say. */
export interface ResponseDetail {
  blocks: Block[];
  ended: boolean;
  cwd: string | null;
  git_branch: string | null;
  agent_version: string | null;
  /** `entrypoint`, `service_tier` and the like, as facts. */
  words: Record<string, string>;
}

/** True for ids that no other response in the world has; gateways reuse theirs (R4). */
export function isUniqueMessageId(message_id: string): boolean {
  return message_id.startsWith('msg_');
}

export function messageIdOf(message: JsonObject): string {
  return stringField(message, 'id') ?? '';
}

export function beginResponse(piece: ResponsePiece): Response {
  const { line, facts, span } = piece;
  const { session_id, subagent_id, owner_rank, ts_ms, ts_exact } = facts;
  const message_id = messageIdOf(piece.message);
  const scope = isUniqueMessageId(message_id) ? '' : `:${line.uuid ?? `${session_id}@${ts_ms}`}`;
  return {
    first_offset: span.offset,
    chain: chainOf(line),
    message_id,
    identity: `claude:message:${message_id}${scope}`,
    request_id: stringField(line.body, 'requestId'),
    facts: { session_id, subagent_id, owner_rank, ts_ms, ts_exact },
    model: null,
    stop_reason: null,
    usage: null,
    credited_searches: 0,
    pieces: [],
    piece_uuids: [],
    lines: 0,
    closed: false,
    last_ts_ms: ts_ms,
    changed_at: span.offset,
    emitted_at: null,
    detail: emptyDetail(line),
  };
}

/** Adds one more line to a response. */
export function addPiece(response: Response, piece: ResponsePiece): void {
  const { line, message, span } = piece;
  response.model = stringField(message, 'model') ?? response.model;
  response.stop_reason = wordField(message, 'stop_reason') ?? response.stop_reason;
  response.usage = greaterUsage(response.usage, usageOf(message));
  response.last_ts_ms = Math.max(response.last_ts_ms, piece.facts.ts_ms);
  response.changed_at = span.offset;
  response.lines++;
  if (!isUniqueMessageId(response.message_id) && line.uuid !== null) response.piece_uuids.push(line.uuid);
  if (response.pieces.length >= MAX_PIECES) return;
  response.pieces.push(span);
  if (response.detail !== null) addDetail(response.detail, line, message);
}

/** Whether `piece` is one more line of `response`, not the first of another. */
export function continuesResponse(response: Response, piece: ResponsePiece): boolean {
  if (response.message_id !== messageIdOf(piece.message) || response.chain !== chainOf(piece.line)) return false;
  if (isUniqueMessageId(response.message_id)) return true;
  const request_id = stringField(piece.line.body, 'requestId');
  if (request_id !== null && response.request_id !== null && request_id !== response.request_id) return false;
  const parent = piece.line.parent_uuid;
  return !response.closed || (parent !== null && response.piece_uuids.includes(parent));
}

/** The detail of a response as its lines tell it, read anew in their order. */
export function detailOf(lines: readonly { line: ChainLine; message: JsonObject }[]): ResponseDetail | null {
  const first = lines[0];
  if (first === undefined) return null;
  const detail = emptyDetail(first.line);
  for (const { line, message } of lines) addDetail(detail, line, message);
  return detail;
}

/** The one event of a response. Its usage is what all lines so far say; a later, greater one is emitted again. */
export function responseEvent(response: Response, detail: ResponseDetail): AgentEvent {
  const { cwd, git_branch, agent_version } = detail;
  const texts = detail.blocks.filter((block) => block.type === 'text').map((block) => block.text);
  const content: JsonValue = texts.map((text) => ({ type: 'text', text }));
  const line_facts: LineFacts = { ...response.facts, cwd, git_branch, agent_version };
  return eventOf('message', response.identity, line_facts, {
    model: response.model,
    usage: withCreditedSearches(response),
    facts: {
      role: 'assistant',
      response_id_kind: isUniqueMessageId(response.message_id) ? 'message' : 'gateway',
      ...(response.stop_reason === null ? {} : { stop_reason: response.stop_reason }),
      ...(response.chain === 'main' ? {} : { sidechain: true }),
      lines: response.lines,
      text_blocks: texts.length,
      text_bytes: byteLength(texts),
      thinking_blocks: detail.blocks.filter((block) => block.type.endsWith('thinking')).length,
      tool_calls: detail.blocks.filter((block) => block.type.endsWith('tool_use')).length,
      ...detail.words,
    },
    content,
  });
}

/** The API's own counter and the CLI's tool never count the same response; added, one search would cost two. */
function withCreditedSearches(response: Response): Usage | null {
  const { usage, credited_searches } = response;
  if (usage === null || usage.web_searches > 0) return usage;
  return { ...usage, web_searches: credited_searches };
}

function emptyDetail(line: ChainLine): ResponseDetail {
  const { cwd, git_branch, agent_version } = line;
  return { blocks: [], ended: false, cwd, git_branch, agent_version, words: wordsOf(line) };
}

function wordsOf(line: ChainLine): Record<string, string> {
  const entrypoint = wordField(line.body, 'entrypoint');
  const session_kind = wordField(line.body, 'sessionKind');
  return { ...(entrypoint === null ? {} : { entrypoint }), ...(session_kind === null ? {} : { session_kind }) };
}

function addDetail(detail: ResponseDetail, line: ChainLine, message: JsonObject): void {
  detail.blocks = mergeBlocks(detail.blocks, blocksOf(message), detail.ended);
  if (message['stop_reason'] === 'end_turn') detail.ended = true;
  detail.cwd ??= line.cwd;
  detail.git_branch ??= line.git_branch;
  detail.agent_version ??= line.agent_version;
}

function byteLength(texts: readonly string[]): number {
  return texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
}

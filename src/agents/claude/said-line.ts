import type { Usage } from '../event.ts';
import { cutText } from '../cut-text.ts';
import { contentText, pictureMarks } from './content-text.ts';
import { objectField, objectsField, stringField, wordField, type JsonObject } from './field.ts';
import { messageOf, type ChainLine } from './line.ts';
import { noticeText } from './notice.ts';
import { messageIdOf } from './response.ts';
import { callOf, resultOf, serverResultsOf, type SaidBlock, type SaidResult } from './said-tool.ts';
import { isSynthetic } from './synthetic.ts';
import { usageOf } from './usage.ts';
import { classifyUserLine, classifyUserText, textOf, type UserLine } from './user-line.ts';

/** What one line adds to a conversation, its texts cut to the limit and without any picture's data. */
export type SaidLine =
  | { is: 'nothing' }
  | SaidMessage
  | { is: 'results'; results: SaidResult[] }
  | { is: 'compaction'; part: 'boundary' | 'summary'; content: string; cut_bytes: number }
  | SaidResponse;

/** A message that is whole in its line. */
export interface SaidMessage {
  is: 'message';
  role: 'user' | 'assistant' | 'system';
  content: string;
  cut_bytes: number;
  /** `prompt` and `command` (of a slash, of the shell) were typed; the others are the program's own. */
  what: 'prompt' | 'command' | 'interruption' | 'notice' | 'error';
}

export function isTyped(said: SaidMessage): boolean {
  return said.what === 'prompt' || said.what === 'command';
}

/** A piece of a model's response (§2.3). */
export interface SaidResponse {
  is: 'response';
  message_id: string;
  request_id: string | null;
  model: string | null;
  stop_reason: string | null;
  usage: Usage | null;
  blocks: SaidBlock[];
  /** Ids of the calls among the blocks, kept when the texts are not. */
  call_ids: string[];
  results: SaidResult[];
  cut_bytes: number;
}

const NOTHING: SaidLine = { is: 'nothing' };

/** What `line` says. */
export function saidBy(line: ChainLine): SaidLine {
  switch (line.type) {
    case 'assistant':
      return saidByAssistant(line);
    case 'user':
      return saidByUser(line, classifyUserLine(line));
    case 'attachment':
      return saidByAttachment(line);
    case 'system':
      return saidBySystem(line);
    default:
      return NOTHING;
  }
}

/** The same line without its texts: what it is, and whose. */
export function withoutTexts(said: SaidLine): SaidLine {
  switch (said.is) {
    case 'response':
      return { ...said, blocks: [], results: said.results.map(withoutText) };
    case 'results':
      return { ...said, results: said.results.map(withoutText) };
    case 'message':
    case 'compaction':
      return { ...said, content: '' };
    default:
      return said;
  }
}

/** Characters that holding the line costs. */
export function charsOf(said: SaidLine): number {
  switch (said.is) {
    case 'response':
      return said.blocks.reduce((sum, block) => sum + blockChars(block), 0) + resultChars(said.results);
    case 'results':
      return resultChars(said.results);
    case 'message':
    case 'compaction':
      return said.content.length;
    default:
      return 0;
  }
}

function withoutText(result: SaidResult): SaidResult {
  return { ...result, text: '' };
}

function blockChars({ text, call }: SaidBlock): number {
  return text.length + (call?.input_json?.length ?? 0);
}

function resultChars(results: readonly SaidResult[]): number {
  return results.reduce((sum, { text }) => sum + text.length, 0);
}

function saidByAssistant(line: ChainLine): SaidLine {
  const message = messageOf(line);
  if (message === null) return NOTHING;
  if (line.compact_summary) return compaction('summary', contentText(message['content']));
  // No model wrote it: a rate limit, a login error (§2.3).
  if (isSynthetic(line, message)) return programMessage('error', contentText(message['content']));
  const { blocks, cut_bytes } = saidBlocks(message);
  return {
    is: 'response',
    message_id: messageIdOf(message),
    request_id: stringField(line.body, 'requestId'),
    model: stringField(message, 'model'),
    stop_reason: wordField(message, 'stop_reason'),
    usage: usageOf(message),
    blocks,
    call_ids: blocks.flatMap(({ call }) => call?.tool_use_id ?? []),
    results: serverResultsOf(objectsField(message, 'content')),
    cut_bytes,
  };
}

function saidBlocks(message: JsonObject): { blocks: SaidBlock[]; cut_bytes: number } {
  const content = message['content'];
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : objectsField(message, 'content');
  const blocks: SaidBlock[] = [];
  let cut_bytes = 0;
  for (const part of parts) {
    const call = callOf(part);
    if (call !== null) {
      cut_bytes += call.cut_bytes;
      // A call without id is told apart by what it does, and by its place among equals of its line (E11).
      const what = call.tool_use_id === null ? `${call.tool_name} ${call.input_json ?? ''}` : '';
      const equals = what === '' ? 0 : blocks.filter(({ text }) => text.startsWith(what)).length;
      blocks.push({ type: 'tool_use', id: call.tool_use_id, text: what === '' ? '' : `${what} #${equals}`, call });
      continue;
    }
    const said = textOfBlock(part);
    if (said === null) continue;
    const cut = cutText(said.text);
    cut_bytes += cut.cut_bytes;
    blocks.push({ type: said.type, id: null, text: cut.text, call: null });
  }
  return { blocks, cut_bytes };
}

function textOfBlock(part: Record<string, unknown>): { type: string; text: string } | null {
  if (part['type'] === 'thinking') return block('thinking', stringField(part, 'thinking'));
  if (part['type'] === 'text') return block('text', stringField(part, 'text'));
  const [mark] = pictureMarks([part]);
  return block('text', mark ?? null);
}

function block(type: string, text: string | null): { type: string; text: string } | null {
  return text === null ? null : { type, text };
}

function saidByUser(line: ChainLine, user_line: UserLine): SaidLine {
  const content = messageOf(line)?.['content'];
  switch (user_line.is) {
    case 'tool_results': {
      const detail = user_line.results.length === 1 ? line.body['toolUseResult'] : null;
      return { is: 'results', results: user_line.results.flatMap((part) => resultOf(part, detail) ?? []) };
    }
    case 'compaction_summary':
      return compaction('summary', contentText(content));
    default:
      return saidText(user_line, content, line);
  }
}

/** A prompt, a command, an interruption or a notice, wherever it stands. */
function saidText(user_line: UserLine, content: unknown, line: ChainLine): SaidLine {
  switch (user_line.is) {
    case 'prompt': {
      const text = [user_line.text, ...pictureMarks(content)].filter((part) => part !== '').join('\n');
      // `system` marks text that the program itself put in as a prompt (§2.2).
      if (line.body['promptSource'] === 'system') return programMessage('notice', text);
      return typedMessage('prompt', text);
    }
    case 'slash_command':
      return typedMessage('command', user_line.text);
    case 'bash_input':
      return typedMessage('command', `!${user_line.text}`);
    case 'interruption':
      return programMessage('interruption', textOf(content).trim());
    case 'context': {
      const notice = line.meta ? null : noticeText(textOf(content));
      return notice === null ? NOTHING : programMessage('notice', notice);
    }
    default:
      return NOTHING;
  }
}

/** Text typed while the agent worked (§2.1), or a background task's notice that travels the same way. */
function saidByAttachment(line: ChainLine): SaidLine {
  const attachment = objectField(line.body, 'attachment');
  if (attachment === null || attachment['type'] !== 'queued_command' || line.meta) return NOTHING;
  const prompt = attachment['prompt'];
  const text = textOf(prompt);
  const mode = stringField(attachment, 'commandMode');
  if (mode !== null && mode !== 'prompt' && mode !== 'bash') {
    const notice = noticeText(text) ?? text.trim();
    return notice === '' ? NOTHING : programMessage('notice', notice);
  }
  return saidText(classifyUserText(text, pictureMarks(prompt).length), prompt, line);
}

function saidBySystem(line: ChainLine): SaidLine {
  const content = stringField(line.body, 'content') ?? '';
  switch (line.body['subtype']) {
    case 'compact_boundary':
      return compaction('boundary', content);
    case 'local_command':
      return saidText(classifyUserText(content, 0), content, line);
    default:
      return NOTHING;
  }
}

function compaction(part: 'boundary' | 'summary', text: string): SaidLine {
  const { text: content, cut_bytes } = cutText(text);
  return { is: 'compaction', part, content, cut_bytes };
}

function typedMessage(what: 'prompt' | 'command', text: string): SaidMessage {
  const { text: content, cut_bytes } = cutText(text);
  return { is: 'message', what, role: 'user', content, cut_bytes };
}

function programMessage(what: 'interruption' | 'notice' | 'error', text: string): SaidMessage {
  const { text: content, cut_bytes } = cutText(text);
  return { is: 'message', what, role: what === 'error' ? 'assistant' : 'system', content, cut_bytes };
}

/** True for a line that another program, not a person at a terminal, wrote the prompt of (§2.2). */
export function isFromProgram(body: JsonObject): boolean {
  const entrypoint = stringField(body, 'entrypoint') ?? '';
  return body['promptSource'] === 'sdk' || entrypoint.startsWith('sdk');
}

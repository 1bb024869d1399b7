import { isObject, objectsField, stringField, type JsonObject } from './field.ts';
import { messageOf, type ChainLine } from './line.ts';

/** What a `user` line is (§2.5), first rule that fits. Only `prompt`, `slash_command` and `bash_input` were typed. */
export type UserLine =
  | { is: 'tool_results'; results: JsonObject[] }
  | { is: 'prompt'; text: string; images: number }
  | { is: 'slash_command'; name: string; text: string }
  | { is: 'bash_input'; text: string }
  | { is: 'interruption'; during_tool: boolean }
  | { is: 'compaction_summary' }
  | { is: 'context' };

const CONTEXT: UserLine = { is: 'context' };

/** Output of local commands, resume markers, notices of background tasks and hooks: written by the agent, not typed. */
const NOT_TYPED = [
  '<local-command-stdout>',
  '<local-command-stderr>',
  '<local-command-caveat>',
  '<bash-stdout>',
  '<bash-stderr>',
  '<task-notification>',
  'Stop hook feedback:',
];

const COMMAND = /^<command-(?:name|message|args)>/;

/** What editor and agent put in front of a typed prompt, in one block or several. */
const INJECTED_PREFIX = /^\s*<(ide_opened_file|ide_selection|system-reminder)>[\s\S]*?<\/\1>\s*/;

export function classifyUserLine(line: ChainLine): UserLine {
  if (line.meta) return CONTEXT;
  if (line.compact_summary) return { is: 'compaction_summary' };
  const message = messageOf(line);
  if (message === null) return CONTEXT;
  const blocks = objectsField(message, 'content');
  const results = blocks.filter((block) => block['type'] === 'tool_result');
  if (results.length > 0) return { is: 'tool_results', results };
  return classifyUserText(textOf(message['content']), blocks.filter(isPicture).length);
}

/** The same for text that stands elsewhere: a queued command. */
export function classifyUserText(raw: string, images: number): UserLine {
  const text = raw.trimStart();
  if (text.startsWith('[Request interrupted')) {
    return { is: 'interruption', during_tool: text.includes('for tool use') };
  }
  if (COMMAND.test(text)) return slashCommand(text);
  if (text.startsWith('<bash-input>')) return { is: 'bash_input', text: tagged(text, 'bash-input') };
  if (NOT_TYPED.some((start) => text.startsWith(start))) return CONTEXT;
  if (text.startsWith('This session is being continued')) return { is: 'compaction_summary' };
  const typed = withoutInjectedPrefix(text);
  if (typed === '' && images === 0) return CONTEXT;
  return { is: 'prompt', text: typed, images };
}

/** The text of a message's `content`: itself, or its text blocks one below the other. */
export function textOf(content: unknown): string {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return '';
  const texts = content.filter(isObject).flatMap((block) => {
    return block['type'] === 'text' ? (stringField(block, 'text') ?? []) : [];
  });
  return texts.join('\n');
}

function isPicture(block: JsonObject): boolean {
  return block['type'] === 'image' || block['type'] === 'document';
}

function withoutInjectedPrefix(text: string): string {
  let rest = text;
  // Each turn takes a prefix off, so the loop ends with the text.
  for (let prefix = INJECTED_PREFIX.exec(rest); prefix !== null; prefix = INJECTED_PREFIX.exec(rest)) {
    rest = rest.slice(prefix[0].length);
  }
  return rest.trimEnd();
}

function slashCommand(text: string): UserLine {
  const written = tagged(text, 'command-name') || tagged(text, 'command-message');
  const name = written.startsWith('/') ? written : `/${written}`;
  const args = tagged(text, 'command-args');
  return { is: 'slash_command', name, text: args === '' ? name : `${name} ${args}` };
}

function tagged(text: string, tag: string): string {
  const start = text.indexOf(`<${tag}>`);
  if (start === -1) return '';
  const from = start + tag.length + 2;
  const end = text.indexOf(`</${tag}>`, from);
  return text.slice(from, end === -1 ? undefined : end).trim();
}

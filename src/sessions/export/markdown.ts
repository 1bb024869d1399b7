import type { ConversationMessage, ConversationToolCall } from '../../agents/conversation.ts';
import type { SessionSummary } from '../store/session-store.ts';

export interface ExportOptions {
  /** Tool inputs and outputs as well; else each call is one line. */
  tools: boolean;
  thinking: boolean;
}

/** The head of a conversation as Markdown: title and facts. */
export function markdownHead(session: SessionSummary): string {
  const facts: [string, string | null][] = [
    ['Session', session.native_id],
    ['Agent', [session.agent, session.agent_version].filter(Boolean).join(' ')],
    ['Project', session.project],
    ['Branch', session.git_branch],
    ['Models', session.models.join(', ')],
    ['Started', timeText(session.started_at_ms)],
    ['Ended', timeText(session.ended_at_ms)],
  ];
  const lines = facts.flatMap(([name, value]) => (value ? [`- **${name}:** ${inline(value)}`] : []));
  return [`# ${inline(titleOf(session))}`, '', ...lines, ''].join('\n');
}

/** One message as Markdown, with a line before the next. */
export function markdownMessage(message: ConversationMessage, options: ExportOptions): string {
  const time = timeText(message.timestamp_ms);
  const parts = [`## ${roleName(message)}${time === null ? '' : ` · ${time}`}`, ''];
  if (options.thinking && message.thinking !== null) parts.push(quoted(message.thinking), '');
  if (message.content !== '') parts.push(message.content.trimEnd(), '');
  for (const call of message.tool_calls) parts.push(...toolLines(call, options), '');
  if (message.cut_bytes > 0) parts.push(`*${message.cut_bytes} bytes of this message were cut.*`, '');
  return parts.join('\n');
}

function toolLines(call: ConversationToolCall, { tools }: ExportOptions): string[] {
  const outcome = call.is_error ? ' (failed)' : '';
  const line = `**${inline(call.tool_name)}**${call.file_path === null ? '' : ` ${inline(call.file_path)}`}${outcome}`;
  if (!tools) return [line];
  const input = call.input_json === null ? [] : ['', ...fenced(call.input_json, 'json')];
  const result = call.result === null ? [] : ['', ...fenced(call.result, '')];
  return [line, ...input, ...result];
}

/** A fence longer than any run of backticks inside, so that no text can end it. */
function fenced(text: string, language: string): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, text.trimEnd(), fence];
}

function quoted(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `> ${line}`)
    .join('\n');
}

/** On one line and without meaning as markup. */
function inline(text: string): string {
  return text.replace(/\s+/g, ' ').replace(/[\\`*_[\]<>#|]/g, (character) => `\\${character}`);
}

/** What a session is called: a name, else how it began, else its id. */
export function titleOf(session: Pick<SessionSummary, 'title' | 'first_message' | 'native_id'>): string {
  const [first_line = ''] = (session.first_message ?? '').trim().split('\n');
  return session.title ?? (first_line.slice(0, 120) || session.native_id);
}

export function roleName({
  role,
  is_compact_boundary,
}: Pick<ConversationMessage, 'role' | 'is_compact_boundary'>): string {
  if (is_compact_boundary) return 'Compaction';
  return role.charAt(0).toUpperCase() + role.slice(1);
}

/** `2026-11-01 14:02 UTC`: a file is read elsewhere, too. */
export function timeText(time_ms: number | null): string | null {
  return time_ms === null ? null : `${new Date(time_ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}

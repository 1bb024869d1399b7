import type { ConversationMessage, ConversationToolCall } from '../../../agents/conversation.ts';
import { roleName } from '../../../sessions/export/markdown.ts';
import type { Palette } from '../../format/color.ts';
import { formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import { formatDayTime } from '../../format/time.ts';

/** Lines of one text before it is cut on the screen. */
const MOST_LINES = 40;

export interface Detail {
  /** Inputs and outputs of tools, too. */
  tools: boolean;
  /** Thinking, too, and no text cut. */
  full: boolean;
}

/** A message as a person reads it in a terminal. */
export function messageLines(palette: Palette, message: ConversationMessage, detail: Detail): string[] {
  const time = message.timestamp_ms === null ? '' : `  ${formatDayTime(message.timestamp_ms)}`;
  const lines = [`${palette.bold(`#${message.ordinal + 1} ${safe(roleName(message))}`)}${palette.dim(time)}`];
  if (detail.full && message.thinking !== null)
    lines.push(...indented(message.thinking, detail).map((line) => palette.dim(line)));
  if (message.content !== '') lines.push(...indented(message.content, detail));
  for (const call of message.tool_calls) lines.push(...toolLines(call, detail, (line) => palette.dim(line)));
  return [...lines, ''];
}

function toolLines(call: ConversationToolCall, detail: Detail, dim: (text: string) => string): string[] {
  const path = call.file_path === null ? '' : ` ${call.file_path}`;
  const outcome = call.is_error
    ? '  failed'
    : call.result === null && call.result_bytes === null
      ? '  no result yet'
      : '';
  const line = `  → ${safe(`${call.tool_name}${path}`)}${outcome}`;
  if (!detail.tools) return [line];
  return [line, ...indented(call.input_json ?? '', detail).map(dim), ...indented(call.result ?? '', detail)];
}

function indented(text: string, { full }: Detail): string[] {
  const lines = text.trimEnd().split('\n');
  const shown = full ? lines : lines.slice(0, MOST_LINES);
  const left = lines.length - shown.length;
  const more = left > 0 ? [`    … ${formatItems(left, 'more line')}; --full shows all`] : [];
  return text === '' ? [] : [...shown.map((line) => `    ${safe(line)}`), ...more];
}

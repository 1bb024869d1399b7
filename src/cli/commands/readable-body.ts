import type { ConversationMessage } from '../../agents/conversation.ts';
import type { CommandContext } from '../context.ts';
import type { Palette } from '../format/color.ts';
import { safe } from '../format/safe.ts';
import { messageLines } from './sessions/message-lines.ts';

/** What a put of a conversation holds, as far as it is read here. */
interface PutBody {
  head: Record<string, unknown>;
  segments: { messages: ConversationMessage[] }[];
}

/**
 * A request's body as a person reads it in a terminal: of a conversation every fact that is told of it and every text of
 * its messages, of anything else its JSON with a line a value. The exact bytes are for pipes and `--json`.
 */
export function readableBody(palette: Palette, body: string): string[] {
  const value = parsed(body);
  if (value === undefined) return body.split('\n').map(safe);
  if (!isPut(value)) return JSON.stringify(value, null, 2).split('\n').map(safe);
  const facts = Object.entries(value.head).filter(([, fact]) => !isEmpty(fact));
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  const messages = value.segments.flatMap((segment) => segment.messages);
  return [
    ...facts.map(([name, fact]) => `  ${palette.dim(name.padEnd(width))}  ${safe(textOf(fact))}`),
    '',
    ...messages.flatMap((message) => messageLines(palette, message, { tools: true, full: true })),
  ];
}

/** To a terminal readable, else byte for byte. */
export function printBody(context: CommandContext, body: string): void {
  if (body === '') return;
  if (context.host.is_tty.stdout) context.print(...readableBody(context.palette, body));
  else context.host.stdout.write(`${body}\n`);
}

function parsed(body: string): unknown {
  try {
    return JSON.parse(body);
  } catch {
    return undefined;
  }
}

function isPut(value: unknown): value is PutBody {
  const { head, segments } = (value ?? {}) as Partial<PutBody>;
  return (
    typeof head === 'object' && Array.isArray(segments) && segments.every(({ messages }) => Array.isArray(messages))
  );
}

function isEmpty(fact: unknown): boolean {
  if (fact === null || fact === '' || fact === false) return true;
  return typeof fact === 'object' && Object.keys(fact).length === 0;
}

function textOf(fact: unknown): string {
  return typeof fact === 'string' ? fact : JSON.stringify(fact);
}

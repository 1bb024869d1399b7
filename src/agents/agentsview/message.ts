import type { ToolCall } from './tool-call.ts';
import type { Column } from './known-columns.ts';
import { integerOf, isTrue, nonEmpty, textOf, textOrEmpty, type Stored } from './rows.ts';
import { cutText, type CutRow } from './text-limit.ts';

/** One message as agentsview stores it (§2.4). Null: unknown, or not told by this file. */
export interface AgentsviewMessage {
  /** Its place in the session: from 0, with gaps, and another one after agentsview parsed the transcript anew. */
  ordinal: number;
  /** `user`, `assistant`, and from newer parsers `system` and `tool` (rule A14). */
  role: string;
  /** Flattened text with marker lines for thinking and tool use; a tool's output is not in it. */
  content: string;
  thinking_text: string | null;
  timestamp: string | null;
  has_thinking: boolean;
  has_tool_use: boolean;
  /** Of the whole content, also where it was cut. */
  content_length: number | null;
  is_system: boolean;
  is_sidechain: boolean;
  is_compact_boundary: boolean;
  model: string | null;
  /** JSON text with Anthropic's names. */
  token_usage: string | null;
  context_tokens: number | null;
  output_tokens: number | null;
  /** The best stable identity of a message, where the agent gives one. */
  source_uuid: string | null;
  source_parent_uuid: string | null;
  source_type: string | null;
  source_subtype: string | null;
  prompt_source: string | null;
  /** In their order within the message. */
  tool_calls: ToolCall[];
  /** Bytes that `max_text_bytes` cut from its texts and those of its calls. 0 = whole. */
  cut_bytes: number;
}

/** Columns taken as they are; `content` and `thinking_text` come cut to the limit. */
export const MESSAGE_COLUMNS = [
  ...['id', 'ordinal', 'role', 'timestamp', 'has_thinking', 'has_tool_use', 'content_length', 'is_system'],
  ...['is_sidechain', 'is_compact_boundary', 'model', 'token_usage', 'context_tokens', 'output_tokens'],
  ...['source_uuid', 'source_parent_uuid', 'source_type', 'source_subtype', 'prompt_source'],
] as readonly Column<'messages'>[];
export const MESSAGE_TEXTS = ['content', 'thinking_text'] as const satisfies readonly Column<'messages'>[];

export type MessageRow = Record<Column<'messages'>, Stored> & CutRow<(typeof MESSAGE_TEXTS)[number]>;

export function messageOf(row: MessageRow, tool_calls: ToolCall[]): AgentsviewMessage {
  const content = cutText(row.content, row.content_bytes);
  const thinking = cutText(row.thinking_text, row.thinking_text_bytes);
  return {
    ordinal: integerOf(row.ordinal) ?? 0,
    role: textOrEmpty(row.role),
    content: content.text ?? '',
    thinking_text: thinking.text || null,
    timestamp: nonEmpty(row.timestamp),
    has_thinking: isTrue(row.has_thinking),
    has_tool_use: isTrue(row.has_tool_use),
    content_length: integerOf(row.content_length),
    is_system: isTrue(row.is_system),
    is_sidechain: isTrue(row.is_sidechain),
    is_compact_boundary: isTrue(row.is_compact_boundary),
    model: nonEmpty(row.model),
    token_usage: nonEmpty(row.token_usage),
    context_tokens: integerOf(row.context_tokens),
    output_tokens: integerOf(row.output_tokens),
    source_uuid: textOf(row.source_uuid) || null,
    source_parent_uuid: nonEmpty(row.source_parent_uuid),
    source_type: nonEmpty(row.source_type),
    source_subtype: nonEmpty(row.source_subtype),
    prompt_source: nonEmpty(row.prompt_source),
    tool_calls,
    cut_bytes: content.cut_bytes + thinking.cut_bytes + tool_calls.reduce((sum, call) => sum + call.cut_bytes, 0),
  };
}

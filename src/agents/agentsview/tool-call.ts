import type { Column } from './known-columns.ts';
import { integerOf, nonEmpty, textOrEmpty, type Stored } from './rows.ts';
import { cutText, type CutRow } from './text-limit.ts';

/** One use of a tool within a message (§2.5). */
export interface ToolCall {
  /**
   * Its place within the message, counted here from 0. Calls without `tool_use_id` are told apart by it alone; keyed by
   * the id, they collapsed into one (E11, rule A7).
   */
  index: number;
  tool_use_id: string | null;
  /** The agent's own name of the tool. */
  tool_name: string;
  /** `Read`, `Edit`, `Write`, `Bash`, `Grep`, `Glob`, `Task`, `Tool`, `Other`. */
  category: string;
  /** JSON text as the agent gave it. */
  input_json: string | null;
  skill_name: string | null;
  file_path: string | null;
  subagent_session_id: string | null;
  result: ToolResult;
  /** Bytes cut from its texts. */
  cut_bytes: number;
}

/**
 * What came back (rule A8). Where a call has `events`, they are its output in the order of time and `content` is null;
 * else `content` is, or null with a `length` when agentsview keeps the output of that category to itself.
 */
export interface ToolResult {
  content: string | null;
  /** Of the whole output, also where it is not told. */
  length: number | null;
  events: ToolResultEvent[];
}

export interface ToolResultEvent {
  /** `tool_execution`, `wait_output`, `subagent_notification`, … */
  source: string;
  status: string;
  content: string;
  timestamp: string | null;
  agent_id: string | null;
  subagent_session_id: string | null;
}

export const CALL_COLUMNS = [
  ...['tool_use_id', 'tool_name', 'category', 'skill_name', 'file_path', 'subagent_session_id'],
  'result_content_length',
] as readonly Column<'tool_calls'>[];
export const CALL_TEXTS = ['input_json', 'result_content'] as const satisfies readonly Column<'tool_calls'>[];
export type CallRow = Record<Column<'tool_calls'>, Stored> & CutRow<(typeof CALL_TEXTS)[number]>;

export const EVENT_COLUMNS = [
  ...['source', 'status', 'timestamp', 'agent_id', 'subagent_session_id', 'content_length'],
] as readonly Column<'tool_result_events'>[];
export const EVENT_TEXTS = ['content'] as const satisfies readonly Column<'tool_result_events'>[];
export type EventRow = Record<Column<'tool_result_events'>, Stored> & CutRow<(typeof EVENT_TEXTS)[number]>;

/** The call at place `index` of its message. */
export function toolCallOf(index: number, row: CallRow, events: readonly EventRow[]): ToolCall {
  const input = cutText(row.input_json, row.input_json_bytes);
  const output = cutText(events.length > 0 ? null : row.result_content, row.result_content_bytes);
  const contents = events.map((event) => cutText(event.content, event.content_bytes));
  return {
    index,
    tool_use_id: nonEmpty(row.tool_use_id),
    tool_name: textOrEmpty(row.tool_name),
    category: textOrEmpty(row.category),
    input_json: nonEmpty(input.text),
    skill_name: nonEmpty(row.skill_name),
    file_path: nonEmpty(row.file_path),
    subagent_session_id: nonEmpty(row.subagent_session_id),
    result: {
      content: nonEmpty(output.text),
      length: integerOf(row.result_content_length),
      events: events.map((event, place) => eventOf(event, contents[place]?.text ?? '')),
    },
    cut_bytes: contents.reduce((sum, content) => sum + content.cut_bytes, input.cut_bytes + output.cut_bytes),
  };
}

function eventOf(row: EventRow, content: string): ToolResultEvent {
  return {
    source: textOrEmpty(row.source),
    status: textOrEmpty(row.status),
    content,
    timestamp: nonEmpty(row.timestamp),
    agent_id: nonEmpty(row.agent_id),
    subagent_session_id: nonEmpty(row.subagent_session_id),
  };
}

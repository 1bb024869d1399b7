import { cutText } from '../cut-text.ts';
import type { Block } from './blocks.ts';
import { contentText } from './content-text.ts';
import { isObject, objectField, stringField, type JsonObject } from './field.ts';
import { outcomeOf } from './tool-events.ts';
import { textOf } from './user-line.ts';

/** A tool call as its block says it. */
export interface SaidCall {
  tool_use_id: string | null;
  tool_name: string;
  input_json: string | null;
  file_path: string | null;
  skill_name: string | null;
  cut_bytes: number;
}

/** The result of a call as its line says it. */
export interface SaidResult {
  tool_use_id: string;
  text: string;
  cut_bytes: number;
  is_error: boolean;
  /** The subagent that did the work. */
  agent_id: string | null;
  /** Where the agent says that it saved the whole output; planted by anybody, see `readPersistedOutput`. */
  persisted_path: string | null;
}

/** A block of a response with all of it that is told. */
export interface SaidBlock extends Block {
  call: SaidCall | null;
}

/** The call in a `tool_use` block, or null when it is another block. */
export function callOf(block: JsonObject): SaidCall | null {
  const type = block['type'];
  // `toolCall` with `arguments` is written by converters from other agents (§2.4).
  if (type !== 'tool_use' && type !== 'server_tool_use' && type !== 'toolCall') return null;
  const tool_name = stringField(block, 'name') ?? 'unknown';
  const input = block['input'] ?? block['arguments'];
  const json = input === undefined || input === null ? null : cutText(JSON.stringify(input));
  const fields = isObject(input) ? input : {};
  return {
    tool_use_id: stringField(block, 'id'),
    tool_name,
    input_json: json?.text ?? null,
    file_path: stringField(fields, 'file_path') ?? stringField(fields, 'notebook_path'),
    skill_name: tool_name === 'Skill' ? (stringField(fields, 'skill') ?? stringField(fields, 'command')) : null,
    cut_bytes: json?.cut_bytes ?? 0,
  };
}

/** The result in a block; `detail` is the line's `toolUseResult` when this is its only result. */
export function resultOf(block: JsonObject, detail: unknown): SaidResult | null {
  const tool_use_id = stringField(block, 'tool_use_id');
  if (tool_use_id === null) return null;
  const content = block['content'];
  const text = contentText(content);
  const fields = isObject(detail) ? detail : {};
  const { text: kept, cut_bytes } = cutText(text);
  return {
    tool_use_id,
    text: kept,
    cut_bytes,
    is_error: outcomeOf(block, textOf(content), detail) !== 'ok',
    agent_id: stringField(fields, 'agentId'),
    persisted_path: stringField(fields, 'persistedOutputPath') ?? persistedPathIn(text),
  };
}

/** The results of tools that the API ran stand in the assistant's own message (§2.4). */
export function serverResultsOf(blocks: readonly JsonObject[]): SaidResult[] {
  return blocks.flatMap((block) => (isServerResult(block) ? (resultOf(block, null) ?? []) : []));
}

function isServerResult(block: JsonObject): boolean {
  const type = block['type'];
  return typeof type === 'string' && type !== 'tool_result' && type.endsWith('_tool_result');
}

function persistedPathIn(text: string): string | null {
  const start = text.indexOf('<persisted-output>');
  if (start === -1) return null;
  return /Full output saved to: (.+)/.exec(text.slice(start))?.[1]?.trim() ?? null;
}

/** `toolu_…` of the call that an enqueued notice belongs to and the task it names (§2.1), or null. */
export function enqueuedTask(body: JsonObject): { task_id: string; tool_use_id: string } | null {
  if (body['operation'] !== 'enqueue') return null;
  const content = body['content'];
  const fields = isObject(content) ? content : typeof content === 'string' ? taskFields(content) : null;
  const task_id = fields && stringField(fields, 'task_id');
  const tool_use_id = fields && stringField(fields, 'tool_use_id');
  return task_id && tool_use_id ? { task_id, tool_use_id } : null;
}

function taskFields(text: string): JsonObject | null {
  if (text.trimStart().startsWith('{')) return jsonObject(text);
  const task_id = /<task-id>([^<]+)<\/task-id>/.exec(text)?.[1]?.trim();
  const tool_use_id = /<tool-use-id>([^<]+)<\/tool-use-id>/.exec(text)?.[1]?.trim();
  return task_id && tool_use_id ? { task_id, tool_use_id } : null;
}

function jsonObject(text: string): JsonObject | null {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : null;
  } catch {
    return null; // a prompt that begins with a brace
  }
}

/** The subagent that a `progress` line tells of and the call that it works for (§2.9), or null. */
export function progressOfAgent(body: JsonObject): { agent_id: string; tool_use_id: string } | null {
  const data = objectField(body, 'data');
  const agent_id = data && stringField(data, 'agentId');
  const tool_use_id = stringField(body, 'parentToolUseID');
  return agent_id && tool_use_id ? { agent_id, tool_use_id } : null;
}

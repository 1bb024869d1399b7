import type { AgentEvent, JsonValue, ToolOutcome } from '../event.ts';
import { countField, flagField, isObject, objectField, objectsField, stringField, type JsonObject } from './field.ts';
import { eventOf, type LineFacts } from './line-event.ts';
import type { ChainLine } from './line.ts';
import { collectPaths } from './paths.ts';
import { textOf } from './user-line.ts';

/** A tool-use block of an assistant line. */
export interface ToolUse {
  id: string;
  name: string;
  input: unknown;
  /** Run by the API, not by the CLI. */
  server: boolean;
}

/** The tool-use blocks of a message, all of them: parallel calls stand in one line or in several. */
export function toolUsesOf(message: JsonObject): ToolUse[] {
  return objectsField(message, 'content').flatMap((block) => {
    const type = block['type'];
    // `toolCall` with `arguments` is written by converters from other agents (§2.4).
    if (type !== 'tool_use' && type !== 'server_tool_use' && type !== 'toolCall') return [];
    const id = stringField(block, 'id');
    if (id === null) return [];
    const name = stringField(block, 'name') ?? 'unknown';
    return [{ id, name, input: block['input'] ?? block['arguments'] ?? null, server: type === 'server_tool_use' }];
  });
}

/**
 * Identity of a call or of its result. Ids of the API are unique in the world; a gateway's (`call_1`) are so only within
 * `scope`, which copies keep: the response's identity for a call, the line's uuid for a result.
 */
export function toolIdentity(what: 'tool_use' | 'tool_result', id: string, scope: string): string {
  const unique = id.startsWith('toolu_') || id.startsWith('srvtoolu_');
  return unique ? `claude:${what}:${id}` : `claude:${what}:${id}:${scope}`;
}

export function toolCallEvent(
  use: ToolUse,
  facts: LineFacts,
  response: { identity: string; model: string | null },
): AgentEvent {
  return eventOf('tool_call', toolIdentity('tool_use', use.id, response.identity), facts, {
    tool: use.name,
    model: response.model,
    tool_call_id: use.id,
    paths: collectPaths(use.input),
    facts: use.server ? { server_tool: true } : {},
    content: use.input as JsonValue,
  });
}

/** One tool-result block with what its line adds (`toolUseResult`, only when the line has no other result). */
export interface ToolResult {
  block: JsonObject;
  id: string;
  line: ChainLine;
  detail: unknown;
  /** Name of the tool, when its call was seen. */
  tool: string | null;
  /** Of the response that made the call, when that was seen. */
  model: string | null;
}

export function toolResultEvent(result: ToolResult, facts: LineFacts): AgentEvent {
  const { block, detail, id } = result;
  const content = block['content'];
  const text = textOf(content);
  const scope = result.line.uuid ?? `${facts.session_id}@${facts.ts_ms}`;
  return eventOf('tool_result', toolIdentity('tool_result', id, scope), facts, {
    tool: result.tool,
    model: result.model,
    tool_call_id: id,
    outcome: outcomeOf(block, text, detail),
    paths: collectPaths(content),
    facts: { result_bytes: Buffer.byteLength(text), ...resultFacts(content, text, detail) },
    content: withoutInlineData(content),
  });
}

/** Searches of the CLI's own `WebSearch`, which the API's counter does not hold (§2.3). */
export function searchCountOf(detail: unknown): number {
  return isObject(detail) ? (countField(detail, 'searchCount') ?? 0) : 0;
}

const REFUSALS = [
  'User rejected tool use',
  "The user doesn't want to proceed with this tool use",
  "The user doesn't want to take this action right now",
  '[Request interrupted by user for tool use]',
];

/** A refusal is an error to the model, but no failure of the tool: the two are kept apart (§2.5). */
export function outcomeOf(block: JsonObject, text: string, detail: unknown): ToolOutcome {
  const failed = flagField(block, 'is_error') || isServerToolError(block);
  if (!failed) return 'ok';
  const said = typeof detail === 'string' ? detail : '';
  return [text, said].some(isRefusal) ? 'rejected' : 'failed';
}

function isRefusal(text: string): boolean {
  const plain = text.trimStart().replace(/^Error:\s*/, '');
  return REFUSALS.some((refusal) => plain.startsWith(refusal));
}

function isServerToolError(block: JsonObject): boolean {
  const type = objectField(block, 'content')?.['type'];
  return typeof type === 'string' && type.endsWith('_error');
}

function resultFacts(content: unknown, text: string, detail: unknown): Record<string, string | number | boolean> {
  const facts: Record<string, string | number | boolean> = {};
  const images = Array.isArray(content)
    ? content.filter((part) => isObject(part) && part['type'] === 'image').length
    : 0;
  if (images > 0) facts['images'] = images;
  const persisted = isObject(detail) && stringField(detail, 'persistedOutputPath') !== null;
  if (persisted || text.includes('<persisted-output>')) facts['persisted_output'] = true;
  if (!isObject(detail)) return facts;
  // `totalTokens` and `usage` of an agent's result repeat the subagent's own file (§2.5): never taken.
  const subagent_id = stringField(detail, 'agentId');
  if (subagent_id !== null) facts['subagent_id'] = subagent_id;
  if (flagField(detail, 'interrupted')) facts['interrupted'] = true;
  const duration_ms = countField(detail, 'totalDurationMs') ?? countField(detail, 'durationMs');
  if (duration_ms !== null) facts['duration_ms'] = duration_ms;
  const searches = searchCountOf(detail);
  if (searches > 0) facts['search_count'] = searches;
  return facts;
}

/** Pictures and documents are replaced by their size: megabytes of base64 say nothing to a reader of text. */
function withoutInlineData(content: unknown): JsonValue {
  if (!Array.isArray(content)) return (content ?? null) as JsonValue;
  return content.map((part: unknown): JsonValue => {
    const source = isObject(part) ? objectField(part, 'source') : null;
    const data = source === null ? null : stringField(source, 'data');
    if (source === null || data === null || !isObject(part)) return part as JsonValue;
    return {
      type: stringField(part, 'type') ?? 'image',
      media_type: stringField(source, 'media_type'),
      bytes: Math.floor((data.length * 3) / 4),
    };
  });
}

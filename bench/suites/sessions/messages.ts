import type { ConversationMessage, ConversationToolCall } from '../../../src/agents/conversation.ts';
import type { Draw } from '../telemetry/words.ts';

const BEGAN_MS = Date.parse('2026-03-02T08:00:00Z');

/** Messages as agents leave them (prompts, answers, every second with a tool call), without anything to mask. */
export function cleanMessages(draw: Draw, count: number): ConversationMessage[] {
  return Array.from({ length: count }, (_, ordinal) => cleanMessage(draw, ordinal));
}

export function cleanMessage(draw: Draw, ordinal: number): ConversationMessage {
  const by_user = ordinal % 4 === 0;
  return {
    ordinal,
    role: by_user ? 'user' : 'assistant',
    content: draw.prose(draw.size(by_user ? 160 : 400)),
    thinking: !by_user && draw.chance(0.2) ? draw.prose(draw.size(300)) : null,
    timestamp_ms: BEGAN_MS + ordinal * 20_000,
    model: by_user ? null : 'claude-opus-5',
    is_system: false,
    is_sidechain: false,
    is_compact_boundary: false,
    source_uuid: draw.uuid(),
    usage: null,
    tool_calls: !by_user && draw.chance(0.6) ? [toolCall(draw)] : [],
    cut_bytes: 0,
  };
}

function toolCall(draw: Draw): ConversationToolCall {
  const edits = draw.chance(0.5);
  const file_path = `src/${draw.one(['orders', 'carts', 'prices'])}/${draw.one(['list', 'form', 'state'])}.ts`;
  const input = edits
    ? { file_path, new_string: draw.code(draw.size(600)) }
    : { command: `npm run test -- ${file_path}` };
  const result = edits ? 'The file was updated.' : draw.code(draw.size(900));
  return {
    index: 0,
    tool_use_id: `call_${draw.hex(12)}`,
    tool_name: edits ? 'Edit' : 'Bash',
    category: edits ? 'Edit' : 'Bash',
    input_json: JSON.stringify(input),
    skill_name: null,
    file_path: edits ? file_path : null,
    subagent_native_id: null,
    result,
    result_bytes: result.length,
    is_error: false,
    result_at_ms: null,
  };
}

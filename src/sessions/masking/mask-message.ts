import type { ConversationMessage, ConversationSegment, ConversationToolCall } from '../../agents/conversation.ts';
import type { Tally } from '../../redaction/report.ts';
import type { Masker } from './masker.ts';

/**
 * A message with every text of it masked. What was removed is added to `tally`, by rule. The members stand in one order
 * whatever the reader's was. Idempotent; never throws.
 */
export function maskMessage(masker: Masker, message: ConversationMessage, tally: Tally): ConversationMessage {
  return {
    ordinal: message.ordinal,
    role: masker.name(message.role, tally),
    content: masker.text(message.content, tally),
    thinking: message.thinking === null ? null : masker.text(message.thinking, tally),
    timestamp_ms: message.timestamp_ms,
    model: nameOrNull(masker, message.model, tally),
    is_system: message.is_system,
    is_sidechain: message.is_sidechain,
    is_compact_boundary: message.is_compact_boundary,
    source_uuid: nameOrNull(masker, message.source_uuid, tally),
    usage: message.usage,
    tool_calls: message.tool_calls.map((call) => maskToolCall(masker, call, tally)),
    cut_bytes: message.cut_bytes,
  };
}

export function maskSegment(masker: Masker, segment: ConversationSegment, tally: Tally): ConversationSegment {
  return { index: segment.index, messages: segment.messages.map((message) => maskMessage(masker, message, tally)) };
}

function maskToolCall(masker: Masker, call: ConversationToolCall, tally: Tally): ConversationToolCall {
  return {
    index: call.index,
    tool_use_id: nameOrNull(masker, call.tool_use_id, tally),
    tool_name: masker.name(call.tool_name, tally),
    category: masker.name(call.category, tally),
    input_json: call.input_json === null ? null : masker.json(call.input_json, tally),
    skill_name: nameOrNull(masker, call.skill_name, tally),
    file_path: call.file_path === null ? null : masker.path(call.file_path, tally),
    subagent_native_id: call.subagent_native_id === null ? null : masker.nativeId(call.subagent_native_id, tally),
    result: call.result === null ? null : masker.text(call.result, tally),
    result_bytes: call.result_bytes,
    is_error: call.is_error,
    result_at_ms: call.result_at_ms,
  };
}

function nameOrNull(masker: Masker, value: string | null, tally: Tally): string | null {
  return value === null ? null : masker.name(value, tally);
}

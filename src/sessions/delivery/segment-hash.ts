import type { ConversationMessage, ConversationSegment, ConversationToolCall } from '../../agents/conversation.ts';
import type { Hashing } from '../../redaction/hash-forms.ts';
import type { TranscriptPut } from '../store/transcript.ts';

/** Hexadecimal digits of every hash here: 8 bytes. */
const DIGITS = 16;

/**
 * The segment as canonical JSON: members in one order whatever the reader's was. Equal texts = equal segments; of a
 * masked one it is also what a put carries.
 */
export function segmentText({ index, messages }: ConversationSegment): string {
  return JSON.stringify({ index, messages: messages.map(orderedMessage) });
}

/** Tells whether a raw segment changed. Keyed with the device's secret (32 bytes), so that the link gives no text away. */
export function rawHash(hashing: Hashing, secret: Uint8Array, text: string): string {
  return hashing.hashWithSalt(secret, text).slice('blake3:'.length, 'blake3:'.length + DIGITS);
}

/** Of the canonical JSON of a masked segment: what sender and store compare. */
export function maskedHash(hashing: Hashing, text: string): string {
  return hashing.digestHex(text).slice(0, DIGITS);
}

/**
 * What a store has after a put: head, list of segments, and whether more is to come, in one. `redactions` and `models`
 * must be sorted.
 */
export function fingerprintOf(
  hashing: Hashing,
  { head, segment_hashes, partial }: Pick<TranscriptPut, 'head' | 'segment_hashes' | 'partial'>,
): string {
  const head_hash = hashing.digestHex(JSON.stringify(head)).slice(0, DIGITS);
  return hashing.digestHex(JSON.stringify([head_hash, segment_hashes, partial])).slice(0, DIGITS);
}

/** What a store has after it was told that the source has the session no more. */
export function goneFingerprint(hashing: Hashing, base: string, since_ms: number): string {
  return hashing.digestHex(JSON.stringify(['source_gone', base, since_ms])).slice(0, DIGITS);
}

function orderedMessage(message: ConversationMessage): ConversationMessage {
  return {
    ordinal: message.ordinal,
    role: message.role,
    content: message.content,
    thinking: message.thinking,
    timestamp_ms: message.timestamp_ms,
    model: message.model,
    is_system: message.is_system,
    is_sidechain: message.is_sidechain,
    is_compact_boundary: message.is_compact_boundary,
    source_uuid: message.source_uuid,
    usage: message.usage && {
      input_tokens: message.usage.input_tokens,
      output_tokens: message.usage.output_tokens,
      cache_read_tokens: message.usage.cache_read_tokens,
      cache_write_tokens: message.usage.cache_write_tokens,
      context_tokens: message.usage.context_tokens,
    },
    tool_calls: message.tool_calls.map(orderedCall),
    cut_bytes: message.cut_bytes,
  };
}

function orderedCall(call: ConversationToolCall): ConversationToolCall {
  return {
    index: call.index,
    tool_use_id: call.tool_use_id,
    tool_name: call.tool_name,
    category: call.category,
    input_json: call.input_json,
    skill_name: call.skill_name,
    file_path: call.file_path,
    subagent_native_id: call.subagent_native_id,
    result: call.result,
    result_bytes: call.result_bytes,
    is_error: call.is_error,
    result_at_ms: call.result_at_ms,
  };
}

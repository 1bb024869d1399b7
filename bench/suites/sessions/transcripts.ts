import {
  SEGMENT_ORDINALS,
  type ConversationMessage,
  type ConversationSegment,
} from '../../../src/agents/conversation.ts';
import type { Hashing } from '../../../src/redaction/hash-forms.ts';
import { conversationKey } from '../../../src/sessions/conversation-key.ts';
import { fingerprintOf, maskedHash, segmentText } from '../../../src/sessions/delivery/segment-hash.ts';
import { headOf } from '../../../src/sessions/store/contract/scene.ts';
import type { SegmentHash, TranscriptHead, TranscriptPut } from '../../../src/sessions/store/transcript.ts';

export const TEAM = 'acme';

/** Of messages without gaps. */
export function segmentsOf(conversation: readonly ConversationMessage[]): ConversationSegment[] {
  return Array.from({ length: Math.ceil(conversation.length / SEGMENT_ORDINALS) }, (_, index) => ({
    index,
    messages: conversation.slice(index * SEGMENT_ORDINALS, (index + 1) * SEGMENT_ORDINALS),
  }));
}

/** As delivery makes it, with the hashes by which store and sender compare. */
export function transcriptPut(
  hashing: Hashing,
  name: string,
  segments: readonly ConversationSegment[],
  over: Partial<TranscriptHead> = {},
): TranscriptPut {
  const messages = segments.flatMap((segment) => segment.messages);
  const key = conversationKey(hashing, 'device', 'claude', name);
  const title = messages[0]?.content.slice(0, 60) ?? null;
  const head = { ...headOf(name, { message_count: messages.length, title, ...over }), key };
  const segment_hashes = segments.map((segment): SegmentHash => [
    segment.index,
    maskedHash(hashing, segmentText(segment)),
  ]);
  const content = { head, segment_hashes, partial: false };
  const fingerprint = fingerprintOf(hashing, content);
  return { ...content, key, base: null, fingerprint, owner: 'laptop/1', segments };
}

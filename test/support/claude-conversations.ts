import type { ConversationHead, ConversationMessage, ConversationSegment } from '../../src/agents/conversation.ts';
import { readConversation, type ConversationOptions } from '../../src/agents/claude/conversation.ts';
import type { TranscriptFile } from '../../src/agents/source.ts';

/** A conversation with its segments put together. */
export interface WholeConversation {
  head: ConversationHead;
  messages: ConversationMessage[];
  segments: ConversationSegment[];
  cut_bytes: number;
  skipped: Record<string, number>;
}

/** Reads one session whole; null when nothing was said. */
export async function wholeConversation(
  files: readonly TranscriptFile[],
  options: Partial<ConversationOptions> = {},
): Promise<WholeConversation | null> {
  const segments: ConversationSegment[] = [];
  const usual = { forked_from: null, signal: new AbortController().signal };
  const read = await readConversation(files, { ...usual, ...options }, (segment) => segments.push(segment));
  if (read === null) return null;
  const { head, cut_bytes, skipped } = read;
  return { head, messages: segments.flatMap(({ messages }) => messages), segments, cut_bytes, skipped };
}

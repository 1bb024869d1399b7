import type { ConversationHead, ConversationMessage, ConversationSegment } from '../../src/agents/conversation.ts';
import { openConversation, type ConversationOptions } from '../../src/agents/claude/conversation.ts';
import type { TranscriptFile } from '../../src/agents/source.ts';

/** A conversation with its segments put together. */
export interface WholeConversation {
  head: ConversationHead;
  messages: ConversationMessage[];
  segments: ConversationSegment[];
  cut_bytes: number;
  skipped: Readonly<Record<string, number>>;
}

/** Reads one session whole; null when nothing was said. */
export async function wholeConversation(
  files: readonly TranscriptFile[],
  given: Partial<ConversationOptions> = {},
): Promise<WholeConversation | null> {
  const segments: ConversationSegment[] = [];
  const options = { forked_from: null, signal: new AbortController().signal, ...given };
  const conversation = await openConversation(files, options);
  if (conversation === null) return null;
  try {
    const cut_bytes = await conversation.tell((segment) => segments.push(segment) > 0, options);
    const { head, skipped } = conversation;
    return { head, messages: segments.flatMap(({ messages }) => messages), segments, cut_bytes, skipped };
  } finally {
    await conversation.close();
  }
}

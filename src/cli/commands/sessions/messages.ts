import type { ConversationMessage } from '../../../agents/conversation.ts';
import type { Operator } from '../../../runtime/operator.ts';

/** Messages of one request: a transcript may have a hundred thousand, and none should be in memory at once. */
const AT_ONCE = 200;

/** Messages of a conversation from an ordinal on, at most so many, read page by page. */
export async function* eachMessage(
  operator: Pick<Operator, 'conversationMessages'>,
  key: string,
  from_ordinal: number,
  most: number,
): AsyncGenerator<ConversationMessage> {
  let from = from_ordinal;
  for (let left = most; left > 0;) {
    const page = await operator.conversationMessages({ key, from, limit: Math.min(AT_ONCE, left) });
    yield* page;
    left -= page.length;
    const last = page.at(-1);
    if (!last || page.length < AT_ONCE) return;
    from = last.ordinal + 1;
  }
}

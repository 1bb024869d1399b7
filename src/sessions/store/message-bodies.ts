import type { ConversationMessage } from '../../agents/conversation.ts';

/** The texts of a message as rows hold them: calls stand apart, and the message has an empty list in their place. */
export function bodiesOf(message: ConversationMessage): { body: string; calls: string[] } {
  return {
    body: JSON.stringify({ ...message, tool_calls: [] }),
    calls: message.tool_calls.map((call) => JSON.stringify(call)),
  };
}

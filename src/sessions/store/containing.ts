import type { LiteralText } from '../../platform/literal-text.ts';
import type { ConversationMessage } from '../../agents/conversation.ts';
import { DONE, SAID, textsOf } from './message-texts.ts';
import type { Reader, SessionFilter, SessionMatch, SessionStore } from './session-store.ts';
import type { TranscriptHead } from './transcript.ts';

const SESSIONS_AT_ONCE = 500;
const MESSAGES_AT_ONCE = 200;
const ALL: SessionFilter = { subagents: true, automated: true, trashed: true };

export function isInMessage(text: LiteralText, message: ConversationMessage): boolean {
  const texts = [...textsOf(message, SAID), ...textsOf(message, DONE)];
  if (texts.some((scoped) => text.isIn(scoped.text))) return true;
  return message.tool_calls.some(({ file_path }) => file_path !== null && text.isIn(file_path));
}

/** What is told of a session besides its messages, as far as it is text of somebody. */
export function isInHead(text: LiteralText, head: TranscriptHead): boolean {
  const { title, first_message, git_branch, cwd, project, pins } = head;
  return text.isInValue([title, first_message, git_branch, cwd, project, pins.map(({ note }) => note)]);
}

/** By reading every session: for a store whose texts no statement of the database can look into. */
export async function containingByReading(
  store: Pick<SessionStore, 'list' | 'messages'>,
  reader: Reader,
  text: LiteralText,
): Promise<SessionMatch[]> {
  const found: SessionMatch[] = [];
  for (let after: string | null = null, first = true; first || after !== null; first = false) {
    const page = await store.list(reader, ALL, { limit: SESSIONS_AT_ONCE, after });
    for (const session of page.sessions) {
      const messages = await messagesWith(store, reader, session.key, text);
      if (messages > 0 || isInHead(text, session)) found.push({ key: session.key, messages });
    }
    after = page.next;
  }
  return found;
}

async function messagesWith(
  store: Pick<SessionStore, 'messages'>,
  reader: Reader,
  key: string,
  text: LiteralText,
): Promise<number> {
  let count = 0;
  for (let from = 0; ;) {
    const messages = await store.messages(reader, key, from, MESSAGES_AT_ONCE);
    count += messages.filter((message) => isInMessage(text, message)).length;
    const last = messages.at(-1);
    if (!last || messages.length < MESSAGES_AT_ONCE) return count;
    from = last.ordinal + 1;
  }
}

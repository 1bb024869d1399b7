import type { SQLInputValue } from 'node:sqlite';
import type { ConversationMessage, ConversationToolCall } from '../../../agents/conversation.ts';
import type { Database } from '../../../storage/sqlite/database.ts';
import type { Reader } from '../session-store.ts';
import { MAX_ORDINAL, messageId, sessionRange } from './ids.ts';

/** Messages of one session by ordinal. */
export function readMessages(
  db: Database,
  { team_id }: Reader,
  key: string,
  from: number,
  limit: number,
): ConversationMessage[] {
  if (from > MAX_ORDINAL) return [];
  return db.snapshot(() => {
    const session_id = db.value<number | undefined>(
      'SELECT session_id FROM session WHERE team_id = ? AND key = ?',
      team_id,
      key,
    );
    if (session_id === undefined) return [];
    const messages = messagesWhere(
      db,
      'message_id BETWEEN ? AND ? ORDER BY message_id LIMIT ?',
      messageId(session_id, Math.max(0, Math.trunc(from))),
      sessionRange(session_id).last,
      Math.max(0, Math.trunc(limit)),
    );
    addCalls(db, messages, [...messages.keys()]);
    return [...messages.values()];
  });
}

/**
 * Messages by their ids, ascending; those of `with_calls` with their tool calls, default all. The caller has checked whose
 * they are.
 */
export function messagesById(
  db: Database,
  message_ids: readonly number[],
  with_calls: readonly number[] = message_ids,
): Map<number, ConversationMessage> {
  const list = JSON.stringify(message_ids);
  const messages = messagesWhere(db, 'message_id IN (SELECT value FROM json_each(?)) ORDER BY message_id', list);
  addCalls(db, messages, with_calls);
  return messages;
}

function messagesWhere(db: Database, where: string, ...parameters: SQLInputValue[]): Map<number, ConversationMessage> {
  const rows = db.all<{ message_id: number; body: string }>(
    `SELECT message_id, body FROM message WHERE ${where}`,
    ...parameters,
  );
  return new Map(rows.map(({ message_id, body }) => [message_id, JSON.parse(body) as ConversationMessage] as const));
}

function addCalls(
  db: Database,
  messages: ReadonlyMap<number, ConversationMessage>,
  message_ids: readonly number[],
): void {
  if (message_ids.length === 0) return;
  const calls = db.all<{ message_id: number; body: string }>(
    `SELECT message_id, body FROM tool_call WHERE message_id IN (SELECT value FROM json_each(?))
     ORDER BY message_id, position`,
    JSON.stringify(message_ids),
  );
  for (const { message_id, body } of calls)
    messages.get(message_id)?.tool_calls.push(JSON.parse(body) as ConversationToolCall);
}

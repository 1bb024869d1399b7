import type { LiteralText } from '../../../platform/literal-text.ts';
import type { Database } from '../../../storage/sqlite/database.ts';
import { isInHead, isInMessage } from '../containing.ts';
import type { Reader, SessionMatch } from '../session-store.ts';
import type { TranscriptHead } from '../transcript.ts';
import { SESSION_OF_MESSAGE, sessionOf } from './ids.ts';
import { messagesById } from './messages.ts';

/** Messages that are decided on at once. */
const AT_ONCE = 200;

/** Sessions whose texts hold `text`, hidden ones too; the database narrows down, the texts decide. */
export function containing(db: Database, { team_id }: Reader, text: LiteralText): SessionMatch[] {
  return db.snapshot(() => {
    const counts = new Map<number, number>();
    for (const session_id of headsWith(db, team_id, text)) counts.set(session_id, 0);
    for (const message_id of messagesWith(db, team_id, text)) {
      const session_id = sessionOf(message_id);
      counts.set(session_id, (counts.get(session_id) ?? 0) + 1);
    }
    const keys = db.all<{ session_id: number; key: string }>(
      'SELECT session_id, key FROM session WHERE session_id IN (SELECT value FROM json_each(?))',
      JSON.stringify([...counts.keys()]),
    );
    return keys.map(({ session_id, key }) => ({ key, messages: counts.get(session_id) ?? 0 }));
  });
}

function headsWith(db: Database, team_id: string, text: LiteralText): number[] {
  const rows = db.all<{ session_id: number; head: string }>(
    `SELECT s.session_id, h.head FROM session s JOIN session_head h USING (session_id)
     WHERE s.team_id = ? AND instr(lower(h.head), ?) > 0`,
    team_id,
    text.probe,
  );
  return rows
    .filter(({ head }) => isInHead(text, JSON.parse(head) as TranscriptHead))
    .map(({ session_id }) => session_id);
}

function messagesWith(db: Database, team_id: string, text: LiteralText): number[] {
  // A session's team is looked up once for each that is narrowed down to, not for each message.
  const rows = db.all<{ message_id: number }>(
    `SELECT message_id FROM (
       SELECT message_id FROM message WHERE instr(lower(body), ?1) > 0
       UNION SELECT message_id FROM tool_call WHERE instr(lower(body), ?1) > 0)
     WHERE (message_id ${SESSION_OF_MESSAGE}) IN (SELECT session_id FROM session WHERE team_id = ?2)
     ORDER BY message_id`,
    text.probe,
    team_id,
  );
  const found: number[] = [];
  for (let from = 0; from < rows.length; from += AT_ONCE) {
    const some = rows.slice(from, from + AT_ONCE).map(({ message_id }) => message_id);
    for (const [message_id, message] of messagesById(db, some)) if (isInMessage(text, message)) found.push(message_id);
  }
  return found;
}

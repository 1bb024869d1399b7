import type { ConversationMessage, ConversationToolCall } from '../../../agents/conversation.ts';
import type { Postgres, PostgresConnection } from '../../../storage/postgres/postgres.ts';
import { storable } from '../../../storage/postgres/steps.ts';
import type { Reader } from '../session-store.ts';
import { MAX_ORDINAL } from '../sqlite/ids.ts';

/** Where a message stands. */
export interface MessagePlace {
  session_id: number;
  ordinal: number;
}

interface MessageRow {
  body: string;
  /** JSON texts of its calls, in their order. */
  calls: string[] | null;
}

const CALLS = `(SELECT array_agg(c.body ORDER BY c.position) FROM syncline_sessions.tool_call c
  WHERE c.session_id = m.session_id AND c.ordinal = m.ordinal) AS calls`;

/** Messages of one session by ordinal. */
export async function readMessages(
  postgres: Postgres,
  { team_id }: Reader,
  key: string,
  from: number,
  limit: number,
): Promise<ConversationMessage[]> {
  if (from > MAX_ORDINAL) return [];
  const rows = await postgres.query<MessageRow>(
    `SELECT m.body, ${CALLS} FROM syncline_sessions.message m
     WHERE m.session_id = (SELECT s.session_id FROM syncline_sessions.session s WHERE s.team_id = $1 AND s.key = $2)
       AND m.ordinal >= $3 ORDER BY m.ordinal LIMIT $4`,
    [storable(team_id), storable(key), Math.max(0, Math.trunc(from)), Math.max(0, Math.trunc(limit))],
  );
  return rows.map(messageOf);
}

/** Messages at some places; one that is not there is left out. The caller has checked whose they are. */
export async function messagesAt(
  connection: PostgresConnection,
  places: readonly MessagePlace[],
): Promise<(ConversationMessage & MessagePlace)[]> {
  const rows = await connection.query<MessageRow & MessagePlace>(
    `SELECT m.session_id, m.body, ${CALLS} FROM unnest($1::bigint[], $2::integer[]) AS wanted (session_id, ordinal)
     JOIN syncline_sessions.message m USING (session_id, ordinal)`,
    [places.map(({ session_id }) => session_id), places.map(({ ordinal }) => ordinal)],
  );
  return rows.map((row) => ({ ...messageOf(row), session_id: row.session_id }));
}

/** Messages of one session that have calls, from an ordinal on. */
export async function messagesWithCalls(
  connection: PostgresConnection,
  session_id: number,
  from: number,
  limit: number,
): Promise<ConversationMessage[]> {
  const rows = await connection.query<MessageRow>(
    `SELECT m.body, ${CALLS} FROM syncline_sessions.message m
     WHERE m.session_id = $1 AND m.ordinal >= $2
       AND EXISTS (SELECT 1 FROM syncline_sessions.tool_call c WHERE c.session_id = m.session_id AND c.ordinal = m.ordinal)
     ORDER BY m.ordinal LIMIT $3`,
    [session_id, from, limit],
  );
  return rows.map(messageOf);
}

function messageOf({ body, calls }: MessageRow): ConversationMessage {
  const message = JSON.parse(body) as ConversationMessage;
  message.tool_calls = (calls ?? []).map((call) => JSON.parse(call) as ConversationToolCall);
  return message;
}

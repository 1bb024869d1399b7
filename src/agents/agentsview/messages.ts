import { MESSAGE_COLUMNS, MESSAGE_TEXTS, messageOf, type AgentsviewMessage, type MessageRow } from './message.ts';
import type { AgentsviewDatabase } from './open.ts';
import { integerOf, type Rows } from './rows.ts';
import type { Schema } from './schema.ts';
import { SessionCalls } from './session-calls.ts';
import { sessionIn, type AgentsviewSession } from './session.ts';
import { cutColumns } from './text-limit.ts';

/** Ordinals of one segment, the unit in which sessions are compared and sent (design §4, session_link). */
export const SEGMENT_ORDINALS = 64;

/** Longer texts are cut and counted; a tool's output of 1 MiB is far beyond what a person reads. */
export const MAX_TEXT_BYTES = 1024 * 1024;

/** The messages with ordinals from `64 × index` on, below `64 × (index + 1)`; at least one, since ordinals have gaps. */
export interface MessageSegment {
  index: number;
  messages: AgentsviewMessage[];
}

/** What one reading of a session came to. */
export interface SessionReading {
  session: AgentsviewSession;
  messages: number;
  tool_calls: number;
  /** Result events without a message or call to belong to; they are not part of the reading. */
  unmatched_results: number;
  cut_bytes: number;
}

/**
 * Reads one session as it is at one moment: its row, then its messages with their tool calls in the order of ordinals,
 * one segment at a time (rule A6). Memory holds one segment. `visit` is called within the transaction, so it must not
 * wait for anything; what it got counts only when this function returns.
 *
 * @returns null when the session is not there; `visit` was not called then
 * @throws StaleError `agentsview.replaced` (also after `visit` saw everything); InvalidInputError `agentsview.damaged`,
 * which may concern this session alone
 */
export function readSession(
  database: AgentsviewDatabase,
  id: string,
  visit: (segment: MessageSegment, session: AgentsviewSession) => void,
  max_text_bytes: number = MAX_TEXT_BYTES,
): SessionReading | null {
  return database.read((rows) => {
    const session = sessionIn(rows, database.schema, id);
    if (session === null) return null;
    const calls = new SessionCalls(rows, database.schema, id, max_text_bytes);
    const reading = { session, messages: 0, tool_calls: 0, unmatched_results: 0, cut_bytes: 0 };
    for (const segment of segmentsOf(rows, database.schema, id, calls, max_text_bytes)) {
      for (const message of segment.messages) {
        reading.messages++;
        reading.tool_calls += message.tool_calls.length;
        reading.cut_bytes += message.cut_bytes;
      }
      visit(segment, session);
    }
    return { ...reading, unmatched_results: calls.unmatchedEvents() };
  });
}

function* segmentsOf(
  rows: Rows,
  schema: Schema,
  session_id: string,
  calls: SessionCalls,
  max_text_bytes: number,
): Generator<MessageSegment, void> {
  const sql = `SELECT ${schema.select('messages', MESSAGE_COLUMNS)},
      ${cutColumns(schema, 'messages', MESSAGE_TEXTS, max_text_bytes)}
    FROM messages WHERE session_id = ? ORDER BY ordinal`;
  let segment: MessageSegment | null = null;
  for (const row of rows.iterate<MessageRow & { id: bigint }>(sql, session_id)) {
    const index = Math.floor((integerOf(row.ordinal) ?? 0) / SEGMENT_ORDINALS);
    if (segment && segment.index !== index) {
      yield segment;
      segment = null;
    }
    segment ??= { index, messages: [] };
    segment.messages.push(messageOf(row, calls.of(row.id, integerOf(row.ordinal) ?? 0)));
  }
  if (segment) yield segment;
}

import { StaleError } from '../../platform/errors.ts';
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
  /** Result events without a message or call to belong to; they are not part of the reading. Known at its end only. */
  unmatched_results: number;
  cut_bytes: number;
}

export interface ReadOptions {
  max_text_bytes?: number | undefined;
  /** Read from this segment on; 0 = from the beginning. */
  first_index?: number | undefined;
}

/** Takes one segment; false = enough was seen, reading ends. It must not wait for anything. */
export type SegmentVisitor = (segment: MessageSegment, session: AgentsviewSession) => unknown;

/**
 * Reads one session as it is at one moment: its row, then its messages with their tool calls in the order of ordinals,
 * one segment at a time (rule A6). Memory holds one segment. `visit` is called within the transaction; what it got counts
 * only when this function returns.
 *
 * @returns null when the session is not there; `visit` was not called then
 * @throws StaleError `agentsview.replaced` (also after `visit` saw everything); InvalidInputError `agentsview.damaged`,
 * which may concern this session alone
 */
export function readSession(
  database: AgentsviewDatabase,
  id: string,
  visit: SegmentVisitor,
  options: ReadOptions = {},
): SessionReading | null {
  return new SessionPass(database, id, options).read(visit);
}

/**
 * One reading of a session in several short transactions, between which others may run: 50,000 messages take two
 * seconds. It is as of one moment all the same, since agentsview counts the revision up with every change (0.38 on).
 */
export class SessionPass {
  readonly #database: AgentsviewDatabase;
  readonly id: string;
  readonly #max_text_bytes: number;
  #calls: SessionCalls | null = null;
  /** Null: from the beginning. */
  #first_ordinal: number | null;
  #reading: SessionReading | null = null;
  #done = false;

  constructor(database: AgentsviewDatabase, id: string, options: ReadOptions = {}) {
    this.#database = database;
    this.id = id;
    this.#max_text_bytes = options.max_text_bytes ?? MAX_TEXT_BYTES;
    const first_index = options.first_index ?? 0;
    this.#first_ordinal = first_index === 0 ? null : first_index * SEGMENT_ORDINALS;
  }

  /** True when the session was read to its end, or `visit` had enough. */
  get done(): boolean {
    return this.#done;
  }

  /**
   * Goes on for at most so many segments; returns what all goes together came to. Further as `readSession`.
   * @throws StaleError `agentsview.session_changed`: what was visited before is of no use
   */
  read(visit: SegmentVisitor, most_segments = Infinity): SessionReading | null {
    const { schema } = this.#database;
    return this.#database.read((rows) => {
      const session = sessionIn(rows, schema, this.id);
      if (session === null && this.#reading === null) return null;
      if (session === null || (this.#reading && !isSameRevision(this.#reading.session, session))) throw changed();
      this.#calls ??= new SessionCalls(rows, schema, this.id, this.#max_text_bytes);
      const reading = this.#reading ?? { session, messages: 0, tool_calls: 0, unmatched_results: 0, cut_bytes: 0 };
      this.#reading = { ...reading, session };
      this.#done = this.#visitSegments(rows, this.#calls, this.#reading, visit, most_segments);
      return { ...this.#reading };
    });
  }

  /** True when nothing is left to visit. */
  #visitSegments(
    rows: Rows,
    calls: SessionCalls,
    reading: SessionReading,
    visit: SegmentVisitor,
    most_segments: number,
  ): boolean {
    let segments = 0;
    for (const segment of segmentsOf(
      rows,
      this.#database.schema,
      this.id,
      this.#first_ordinal,
      calls,
      this.#max_text_bytes,
    )) {
      for (const message of segment.messages) {
        reading.messages++;
        reading.tool_calls += message.tool_calls.length;
        reading.cut_bytes += message.cut_bytes;
      }
      if (visit(segment, reading.session) === false) return true;
      this.#first_ordinal = (segment.index + 1) * SEGMENT_ORDINALS;
      if (++segments >= most_segments) return false;
    }
    reading.unmatched_results = calls.unmatchedEvents();
    return true;
  }
}

/** Without revisions nothing vouches for it, so such a session is read in one go or counts as changed. */
function isSameRevision(before: AgentsviewSession, now: AgentsviewSession): boolean {
  return before.transcript_revision !== null && before.transcript_revision === now.transcript_revision;
}

function changed(): StaleError {
  return new StaleError('agentsview.session_changed', 'The session changed in agentsview while it was being read.', {
    hint: 'It is read again.',
  });
}

function* segmentsOf(
  rows: Rows,
  schema: Schema,
  session_id: string,
  first_ordinal: number | null,
  calls: SessionCalls,
  max_text_bytes: number,
): Generator<MessageSegment, void> {
  const from = first_ordinal === null ? '' : 'AND ordinal >= ?';
  const sql = `SELECT ${schema.select('messages', MESSAGE_COLUMNS)},
      ${cutColumns(schema, 'messages', MESSAGE_TEXTS, max_text_bytes)}
    FROM messages WHERE session_id = ? ${from} ORDER BY ordinal`;
  const parameters = first_ordinal === null ? [session_id] : [session_id, first_ordinal];
  let segment: MessageSegment | null = null;
  for (const row of rows.iterate<MessageRow & { id: bigint }>(sql, ...parameters)) {
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

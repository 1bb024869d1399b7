import { ResultEvents, type CallKey } from './result-events.ts';
import { integerOf, nonEmpty, type Rows, type Stored } from './rows.ts';
import type { Schema } from './schema.ts';
import { cutColumns } from './text-limit.ts';
import {
  CALL_COLUMNS,
  CALL_TEXTS,
  EVENT_COLUMNS,
  EVENT_TEXTS,
  toolCallOf,
  type CallRow,
  type EventRow,
  type ToolCall,
} from './tool-call.ts';

interface KnownCall extends CallKey {
  row_id: bigint;
}

/**
 * The tool calls of one session, found by message (rule A7). Their keys are read first and sorted here; the rows with
 * their texts come one message at a time by row id. One joined and sorted statement would hold all inputs and outputs of
 * the session in the sorter at once, and asking by message alone would read the whole table where no index helps.
 */
export class SessionCalls {
  readonly #rows: Rows;
  readonly #by_message = new Map<bigint, KnownCall[]>();
  readonly #events: ResultEvents;
  readonly #call_sql: string;
  readonly #event_sql: string;

  constructor(rows: Rows, schema: Schema, session_id: string, max_text_bytes: number) {
    this.#rows = rows;
    this.#events = new ResultEvents(rows, schema, session_id);
    this.#call_sql = `SELECT ${schema.select('tool_calls', CALL_COLUMNS)},
      ${cutColumns(schema, 'tool_calls', CALL_TEXTS, max_text_bytes)} FROM tool_calls WHERE id = ?`;
    this.#event_sql = `SELECT ${schema.select('tool_result_events', EVENT_COLUMNS)},
      ${cutColumns(schema, 'tool_result_events', EVENT_TEXTS, max_text_bytes)} FROM tool_result_events WHERE id = ?`;
    this.#readKeys(schema, session_id);
  }

  /** The calls of one message in their order: by agentsview's index where it has one, then by age. */
  of(message_id: bigint, ordinal: number): ToolCall[] {
    const calls = this.#by_message.get(message_id) ?? [];
    const events = this.#events.take(ordinal, calls);
    return calls.flatMap((call, index) => {
      const row = this.#rows.get<CallRow>(this.#call_sql, call.row_id);
      const event_rows = events[index]?.flatMap((id) => this.#rows.all<EventRow>(this.#event_sql, id)) ?? [];
      return row ? [toolCallOf(index, row, event_rows)] : [];
    });
  }

  /** Result events that no call of the messages asked for so far took. */
  unmatchedEvents(): number {
    return this.#events.unmatched();
  }

  #readKeys(schema: Schema, session_id: string): void {
    if (!schema.has('tool_calls', 'id', 'message_id', 'session_id')) return;
    const columns = schema.select('tool_calls', ['id', 'message_id', 'call_index', 'tool_use_id']);
    const sql = `SELECT ${columns} FROM tool_calls WHERE session_id = ? ORDER BY message_id, call_index, id`;
    for (const row of this.#rows.iterate<
      Record<'call_index' | 'tool_use_id', Stored> & Record<'id' | 'message_id', bigint>
    >(sql, session_id)) {
      const calls = this.#by_message.get(row.message_id) ?? [];
      this.#by_message.set(row.message_id, calls);
      calls.push({
        row_id: row.id,
        call_index: integerOf(row.call_index),
        tool_use_id: nonEmpty(row.tool_use_id),
      });
    }
  }
}

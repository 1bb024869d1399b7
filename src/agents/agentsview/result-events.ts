import { integerOf, nonEmpty, type Rows, type Stored } from './rows.ts';
import type { Schema } from './schema.ts';

/** A call as far as is needed to find its events. */
export interface CallKey {
  /** As stored; null before 0.35. */
  call_index: number | null;
  tool_use_id: string | null;
}

interface EventKey {
  row_id: bigint;
  call_index: number | null;
  tool_use_id: string | null;
}

/** The result events of one session by the ordinal of the message whose calls they belong to; row ids, not contents. */
export class ResultEvents {
  readonly #by_ordinal = new Map<number, EventKey[]>();
  #unmatched = 0;

  /** Reads the keys alone, in the order of time; `tool_result_events` is there from 0.17 on (§2.5). */
  constructor(rows: Rows, schema: Schema, session_id: string) {
    if (!schema.has('tool_result_events', 'id', 'session_id', 'tool_call_message_ordinal', 'content')) return;
    const columns = schema.select('tool_result_events', [
      'id',
      'tool_call_message_ordinal',
      'call_index',
      'tool_use_id',
      'event_index',
    ]);
    const sql = `SELECT ${columns} FROM tool_result_events WHERE session_id = ?
      ORDER BY tool_call_message_ordinal, event_index, id`;
    for (const row of rows.iterate<Record<string, Stored> & { id: bigint }>(sql, session_id)) {
      const ordinal = integerOf(row['tool_call_message_ordinal'] ?? null) ?? -1;
      const events = this.#by_ordinal.get(ordinal) ?? [];
      this.#by_ordinal.set(ordinal, events);
      events.push({
        row_id: row.id,
        call_index: integerOf(row['call_index'] ?? null),
        tool_use_id: nonEmpty(row['tool_use_id'] ?? null),
      });
    }
  }

  /** The events of each of a message's calls, in the calls' order; takes them, so that what stays belongs to none. */
  take(ordinal: number, calls: readonly CallKey[]): bigint[][] {
    const taken: bigint[][] = calls.map(() => []);
    for (const event of this.#by_ordinal.get(ordinal) ?? []) {
      const events = taken[callOf(event, calls)];
      if (events) events.push(event.row_id);
      else this.#unmatched++;
    }
    this.#by_ordinal.delete(ordinal);
    return taken;
  }

  /** Events whose message or call is not there (any more). */
  unmatched(): number {
    return [...this.#by_ordinal.values()].reduce((sum, events) => sum + events.length, this.#unmatched);
  }
}

/**
 * Which call an event belongs to: the one of its id, if one call alone has it; else the one of its index, if one alone
 * has that; else the one at that place, since files of 0.17 to 0.34 count events by place and store no index at calls.
 */
function callOf(event: EventKey, calls: readonly CallKey[]): number {
  const by_id = placesOf(calls, (call) => event.tool_use_id !== null && call.tool_use_id === event.tool_use_id);
  if (by_id.length === 1) return by_id[0] ?? -1;
  const by_index = placesOf(calls, (call) => event.call_index !== null && call.call_index === event.call_index);
  if (by_index.length === 1) return by_index[0] ?? -1;
  return event.call_index ?? -1;
}

function placesOf(calls: readonly CallKey[], matches: (call: CallKey) => boolean): number[] {
  return calls.flatMap((call, place) => (matches(call) ? [place] : []));
}

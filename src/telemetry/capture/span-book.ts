import type { FlowWrite } from '../../engine/store.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { rowsOfOneInsert, textOfRows, type RowsStatement } from '../../storage/sqlite/insert-rows.ts';
import { SpanSet, spanTimes, type Span } from '../spans/span.ts';
import { decodeSpan, encodeSpan, type StoredSpan } from './span-state.ts';
import { spanItem, type CapturedSpan, type SpanInput } from './span-item.ts';

export interface ChangedSpan {
  /** Source and cursor of the last event that changed it. */
  source_id: number;
  cursor: string;
  session: string;
  partition_id: number;
  /** Ready to be sent: the transcript has its call, and it has an end, or got something new after that. */
  closed: boolean;
  /** Null unless it is closed. */
  item: string | null;
  remembered: RememberedSpan;
}

/** A span as it is to be remembered. */
export interface RememberedSpan {
  session: string;
  span: CapturedSpan;
  partition_id: number;
  /** When it began, while it has no end; null once it is closed. */
  open_since_ms: number | null;
}

export interface OrphanedSpan {
  partition_id: number;
  session: string;
  span_id_hash: string;
  item: string;
  write: FlowWrite;
}

/** The spans known so far, in the journal's own file; folds events into them and says which changed. */
export class SpanBook {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Folds events of any number of sessions; each changed span once, as it is after the last of them. */
  fold(inputs: readonly SpanInput[]): ChangedSpan[] {
    const changes: ChangedSpan[] = [];
    for (const [session, group] of Map.groupBy(inputs, (input) => input.session)) {
      const known = this.#load(session, group);
      const set = new SpanSet(known.values());
      const changed = new Map<string, SpanInput>();
      for (const input of group) {
        const folded = set.fold(input.event);
        if (!folded) continue;
        known.set(folded.key, withNames(folded, known.get(folded.key), input));
        changed.set(folded.key, input);
      }
      for (const [key, last] of changed) {
        const span = known.get(key);
        if (span) changes.push(changeOf(last, span));
      }
    }
    return changes;
  }

  /** Spans that were opened before `time_ms` and have no end; at most a thousand. */
  openSince(time_ms: number): OrphanedSpan[] {
    const rows = this.#db.all<StoredSpan & { session: string }>(
      'SELECT session, span_key, state FROM telemetry_span WHERE open_since_ms < ? ORDER BY open_since_ms LIMIT 1000',
      time_ms,
    );
    return rows.map(({ session, ...row }) => {
      const { partition_id, span } = decodeSpan(row);
      return {
        partition_id,
        session,
        span_id_hash: span.span_id_hash,
        item: spanItem(span, session),
        write: rememberAll([{ session, span, partition_id, open_since_ms: null }]),
      };
    });
  }

  /** By call id where every event has one; else all of the session, since matching then needs the open ones. */
  #load(session: string, group: readonly SpanInput[]): Map<string, CapturedSpan> {
    const keys = group.map(({ event }) => event.call_id);
    const rows = keys.includes(null)
      ? this.#db.all<StoredSpan>('SELECT span_key, state FROM telemetry_span WHERE session = ?', session)
      : this.#db.all<StoredSpan>(
          'SELECT span_key, state FROM telemetry_span WHERE session = ? AND span_key IN (SELECT value FROM json_each(?))',
          session,
          JSON.stringify(keys),
        );
    return new Map(rows.map((row) => [row.span_key, decodeSpan(row).span]));
  }
}

/** The span with its names: those of the transcript where both tell, because the hook does not know the native session. */
function withNames(folded: Span, before: CapturedSpan | undefined, { event, names }: SpanInput): CapturedSpan {
  const fromTranscript = event.kind === 'call' || event.kind === 'result';
  const known = before ?? names;
  return {
    ...folded,
    span_id_hash: fromTranscript && !before?.has_call ? names.span_id_hash : known.span_id_hash,
    origin_id_hash: known.origin_id_hash ?? names.origin_id_hash,
    subagent_id_hash: known.subagent_id_hash ?? names.subagent_id_hash,
    owner_rank: names.owner_rank < known.owner_rank ? names.owner_rank : known.owner_rank,
  };
}

function changeOf({ source_id, cursor, session, partition_id, event }: SpanInput, span: CapturedSpan): ChangedSpan {
  const times = spanTimes(span);
  const closed = span.has_call && times.ended_at_ms !== null;
  const open_since_ms = closed ? null : (times.started_at_ms ?? event.ts_ms);
  return {
    source_id,
    cursor,
    session,
    partition_id,
    closed,
    // An open one is told when it ends.
    item: closed ? spanItem(span, session) : null,
    remembered: { session, span, partition_id, open_since_ms },
  };
}

const REMEMBER: RowsStatement = {
  head: 'INSERT INTO telemetry_span (session, span_key, state, open_since_ms)',
  row: '(?, ?, ?, ?)',
  tail: 'ON CONFLICT (session, span_key) DO UPDATE SET state = excluded.state, open_since_ms = excluded.open_since_ms',
};

/** What remembers spans; each once. */
export function rememberSpans(spans: readonly RememberedSpan[]): FlowWrite[] {
  const writes: FlowWrite[] = [];
  for (let from = 0, count = 0; from < spans.length; from += count) {
    count = rowsOfOneInsert(spans.length - from);
    writes.push(rememberAll(spans.slice(from, from + count)));
  }
  return writes;
}

function rememberAll(spans: readonly RememberedSpan[]): FlowWrite {
  const parameters: FlowWrite['parameters'] = [];
  for (const { session, span, partition_id, open_since_ms } of spans)
    parameters.push(session, span.key, encodeSpan(span, partition_id), open_since_ms);
  return { sql: textOfRows(REMEMBER, spans.length), parameters, expect_rows: spans.length };
}

import type { AgentEvent } from '../../agents/event.ts';
import type { FlowWrite } from '../../engine/store.ts';
import type { Hashing } from '../../redaction/hashing.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { SpanSet, spanTimes, type Span } from '../spans/span.ts';
import { spanEvent, spanIdentity, spanItem, type CapturedSpan } from './span-item.ts';
import type { WorkspaceContext } from './workspace-context.ts';

interface Located {
  cursor: string;
  event: AgentEvent;
  context: WorkspaceContext;
}

export interface ChangedSpan {
  /** Cursor of the last event that changed it. */
  cursor: string;
  session: string;
  partition_id: number;
  ts_ms: number;
  /** It has a start and an end now, or got something new after that. */
  closed: boolean;
  item: string;
  write: FlowWrite;
}

export interface OrphanedSpan {
  partition_id: number;
  session: string;
  span_id_hash: string;
  since_ms: number;
  item: string;
  write: FlowWrite;
}

interface StoredSpan {
  partition_id: number;
  span: CapturedSpan;
}

/** The spans known so far, in the journal's own file; folds events into them and says which changed. */
export class SpanBook {
  readonly #db: Database;
  readonly #hashing: Hashing;

  constructor(db: Database, hashing: Hashing) {
    this.#db = db;
    this.#hashing = hashing;
  }

  async fold(
    events: readonly Located[],
    partitionOf: (context: WorkspaceContext) => Promise<number>,
  ): Promise<ChangedSpan[]> {
    const changed = new Map<string, { located: Located; session: string; span: CapturedSpan }>();
    for (const [session, group] of this.#bySession(events)) {
      const known = this.#load(session, group);
      const set = new SpanSet(known.values());
      for (const located of group) {
        const event = spanEvent(located.event, located.context, this.#hashing);
        const folded = event && set.fold(event);
        if (!folded) continue;
        const span = this.#identified(folded, known.get(folded.key), located);
        known.set(span.key, span);
        changed.set(`${session} ${span.key}`, { located, session, span });
      }
    }
    return Promise.all(
      [...changed.values()].map(async ({ located, session, span }) =>
        changeOf(located, session, span, await partitionOf(located.context)),
      ),
    );
  }

  /** Spans that were opened before `time_ms` and have no end; at most a thousand. */
  openSince(time_ms: number): OrphanedSpan[] {
    const rows = this.#db.all<{ session: string; state: string; open_since_ms: number }>(
      'SELECT session, state, open_since_ms FROM telemetry_span WHERE open_since_ms < ? ORDER BY open_since_ms LIMIT 1000',
      time_ms,
    );
    return rows.map(({ session, state, open_since_ms }) => {
      const { partition_id, span } = JSON.parse(state) as StoredSpan;
      return {
        partition_id,
        session,
        span_id_hash: span.span_id_hash,
        since_ms: open_since_ms,
        item: spanItem(span, session),
        write: remember(session, span, partition_id, null),
      };
    });
  }

  #bySession(events: readonly Located[]): Map<string, Located[]> {
    const groups = new Map<string, Located[]>();
    for (const located of events) {
      const session = this.#hashing.hashWithSalt(located.context.salt.bytes, located.event.session_id);
      const group = groups.get(session);
      if (group) group.push(located);
      else groups.set(session, [located]);
    }
    return groups;
  }

  /** By call id where every event has one; else all of the session, since matching then needs the open ones. */
  #load(session: string, group: readonly Located[]): Map<string, CapturedSpan> {
    const keys = group
      .map(({ event, context }) => spanEvent(event, context, this.#hashing))
      .filter((event) => event !== null)
      .map(({ call_id }) => call_id);
    if (keys.length === 0) return new Map();
    const rows = keys.includes(null)
      ? this.#db.all<{ state: string }>('SELECT state FROM telemetry_span WHERE session = ?', session)
      : this.#db.all<{ state: string }>(
          'SELECT state FROM telemetry_span WHERE session = ? AND span_key IN (SELECT value FROM json_each(?))',
          session,
          JSON.stringify(keys),
        );
    return new Map(rows.map(({ state }) => (JSON.parse(state) as StoredSpan).span).map((span) => [span.key, span]));
  }

  #identified(folded: Span, before: CapturedSpan | undefined, located: Located): CapturedSpan {
    const { event, context } = located;
    const own = spanIdentity(event, folded.key, context, this.#hashing);
    const identity = before ?? { ...own, owner_rank: event.owner_rank };
    return {
      ...folded,
      span_id_hash: identity.span_id_hash,
      origin_id_hash: identity.origin_id_hash ?? own.origin_id_hash,
      subagent_id_hash: identity.subagent_id_hash,
      owner_rank: event.owner_rank < identity.owner_rank ? event.owner_rank : identity.owner_rank,
    };
  }
}

function changeOf(located: Located, session: string, span: CapturedSpan, partition_id: number): ChangedSpan {
  const times = spanTimes(span);
  const closed = times.ended_at_ms !== null;
  return {
    cursor: located.cursor,
    session,
    partition_id,
    ts_ms: times.ended_at_ms ?? times.started_at_ms ?? located.event.ts_ms,
    closed,
    item: spanItem(span, session),
    write: remember(session, span, partition_id, closed ? null : times.started_at_ms),
  };
}

function remember(session: string, span: CapturedSpan, partition_id: number, open_since_ms: number | null): FlowWrite {
  const stored: StoredSpan = { partition_id, span };
  return {
    sql: `INSERT INTO telemetry_span (session, span_key, state, open_since_ms) VALUES (?, ?, ?, ?)
          ON CONFLICT (session, span_key) DO UPDATE SET state = excluded.state, open_since_ms = excluded.open_since_ms`,
    parameters: [session, span.key, JSON.stringify(stored), open_since_ms],
    expect_rows: 1,
  };
}

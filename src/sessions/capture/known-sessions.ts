import type { Database } from '../../storage/sqlite/database.ts';

/** `present`: its source lists it. `gone`: it vanished there, no deletion (R12). `deleted`: a person removed it there. */
export type SessionState = 'present' | 'gone' | 'deleted';

/** What capture knows of one session: where it is read, and whether it is still there. */
export interface KnownSession {
  key: string;
  archive: string;
  native_id: string;
  /** `SessionSource.name` of the place that told it last. */
  source: string;
  /** The journal's partition of its notices. */
  partition_id: number;
  /** What a destination may refuse together with it; for `TaskHint.group`. */
  group: string;
  state: SessionState;
  /** Since when it is not present. */
  absent_since_ms: number | null;
  /** When it last changed, as far as a round saw. */
  noticed_ms: number;
  /** Why it could not be read the last time, and when it is tried again; null = nothing is wrong. */
  failure: SessionFailure | null;
}

export interface SessionFailure {
  code: string;
  message: string;
  /** How often in a row. */
  failures: number;
  /** Null: its key was noticed again already. */
  retry_ms: number | null;
}

type Row = Omit<KnownSession, 'failure'> & {
  failures: number;
  failure_code: string | null;
  failure_message: string | null;
  retry_ms: number | null;
};

/** A session that is to be noticed again, with the number of notices it has had. */
export type RetriedSession = KnownSession & { notices: number };

/** No retry is set further ahead: one that is found there was set by a clock that has stepped back since. */
export const LONGEST_RETRY_MS = 2 * 3_600_000;

const COLUMNS = `key, archive, native_id, source, partition_id, project_group AS "group", state, absent_since_ms, noticed_ms,
  failures, failure_code, failure_message, retry_ms`;

/** Which sessions to list; all given ones must fit. */
export interface KnownFilter {
  state?: SessionState | undefined;
  failing?: boolean | undefined;
}

/** The sessions that rounds have found, by key. Reads and notes; only rounds change what is known (`notices.ts`). */
export class KnownSessions {
  readonly #db: Database;

  constructor(db: Database) {
    this.#db = db;
  }

  find(key: string): KnownSession | null {
    const row = this.#db.get<Row>(`SELECT ${COLUMNS} FROM session_mark WHERE key = ?`, key);
    return row ? knownOf(row) : null;
  }

  /** Keys of sessions with this id of their agent, or whose key begins so (8 characters or more); for what no store has yet. */
  named(id: string): string[] {
    const by_key = /^[0-9a-f]{8,32}$/.test(id);
    const rows = this.#db.all<{ key: string }>(
      `SELECT key FROM session_mark WHERE native_id = ?1
       UNION SELECT key FROM session_mark WHERE ?2 AND key >= ?1 AND key < ?1 || 'g'`,
      id,
      by_key ? 1 : 0,
    );
    return rows.map(({ key }) => key);
  }

  /** A page of them in the order of keys, after `after` ('' = from the start): for backfills and lists. */
  page(after: string, limit: number, filter: KnownFilter = {}): KnownSession[] {
    const rows = this.#db.all<Row>(
      `SELECT ${COLUMNS} FROM session_mark WHERE key > ?1 AND (?2 IS NULL OR state = ?2) AND (?3 = 0 OR failures > 0)
       ORDER BY key LIMIT ?4`,
      after,
      filter.state ?? null,
      filter.failing === true ? 1 : 0,
      limit,
    );
    return rows.map(knownOf);
  }

  /** How many sessions each source has in each state. */
  totals(): { source: string; state: SessionState; sessions: number }[] {
    return this.#db.all('SELECT source, state, count(*) AS sessions FROM session_mark GROUP BY source, state');
  }

  /** Sessions of a source whose last reading failed. */
  failing(source: string): number {
    return this.#db.value('SELECT count(*) FROM session_mark WHERE source = ? AND failures > 0', source);
  }

  /** Sessions that were set aside and whose time has come; also when the clock stepped back. */
  dueRetries(now_ms: number, limit: number): RetriedSession[] {
    const rows = this.#db.all<Row & { notices: number }>(
      `SELECT ${COLUMNS}, notices FROM session_mark WHERE retry_ms IS NOT NULL AND (retry_ms <= ?1 OR retry_ms > ?2)
       ORDER BY retry_ms LIMIT ?3`,
      now_ms,
      now_ms + LONGEST_RETRY_MS,
      limit,
    );
    return rows.map((row) => ({ ...knownOf(row), notices: row.notices }));
  }

  /** Sets a session aside: its reading failed, and a round notices its key again from `retry_ms` on. */
  noteFailure(key: string, failure: { code: string; message: string }, retry_ms: number): void {
    this.#db.run(
      `UPDATE session_mark SET failures = failures + 1, failure_code = ?, failure_message = ?, retry_ms = ? WHERE key = ?`,
      failure.code,
      failure.message,
      retry_ms,
      key,
    );
  }

  /** It was read: nothing is wrong with it any more. */
  noteRead(key: string): void {
    this.#db.run(
      `UPDATE session_mark SET failures = 0, failure_code = NULL, failure_message = NULL, retry_ms = NULL
       WHERE key = ? AND failures > 0`,
      key,
    );
  }
}

function knownOf(row: Row): KnownSession {
  const { key, archive, native_id, source, partition_id, group, state, absent_since_ms, noticed_ms } = row;
  const { failures, failure_code, failure_message, retry_ms } = row;
  const failure =
    failures === 0 ? null : { code: failure_code ?? '', message: failure_message ?? '', failures, retry_ms };
  return { key, archive, native_id, source, partition_id, group, state, absent_since_ms, noticed_ms, failure };
}

import type { FlowWrite } from '../../engine/transaction.ts';
import type { Database } from '../../storage/sqlite/database.ts';

/** A session of which something is to leave later, so that it can be withdrawn before. */
export interface SessionHold {
  until_ms: number;
  noted_ms: number;
  /** Keyed digest of its title and branch, and since when they are known to be so. */
  head: string;
  head_since_ms: number;
}

/** What waits on purpose. Written with the settlement of a key's task, which waits as long. */
export class SessionHolds {
  readonly #db: Database;

  /** `migrateSessionTables` must have run on `db`, the journal's file. */
  constructor(db: Database) {
    this.#db = db;
  }

  /** Null: nothing is known to be on hold; also when the clock has stepped back since it was noted. */
  of(destination_id: string, key: string, now_ms: number): SessionHold | null {
    const hold = this.#db.get<SessionHold & Record<string, never>>(
      'SELECT until_ms, noted_ms, head, head_since_ms FROM session_hold WHERE destination_id = ? AND key = ?',
      destination_id,
      key,
    );
    return hold === undefined || hold.noted_ms > now_ms ? null : hold;
  }

  /** How many sessions wait for a destination on purpose, and when the first of them leaves; null: none. */
  waiting(destination_id: string, now_ms: number): { items: number; until_ms: number } | null {
    const row = this.#db.get<{ items: number; until_ms: number | null }>(
      `SELECT count(*) AS items, min(until_ms) AS until_ms FROM session_hold
       WHERE destination_id = ?1 AND until_ms > ?2 AND noted_ms <= ?2`,
      destination_id,
      now_ms,
    );
    return row === undefined || row.until_ms === null ? null : { items: row.items, until_ms: row.until_ms };
  }

  note(destination_id: string, key: string, { until_ms, noted_ms, head, head_since_ms }: SessionHold): FlowWrite {
    return {
      sql: `INSERT INTO session_hold (destination_id, key, until_ms, noted_ms, head, head_since_ms) VALUES (?, ?, ?, ?, ?, ?)
            ON CONFLICT (destination_id, key) DO UPDATE SET until_ms = excluded.until_ms, noted_ms = excluded.noted_ms,
              head = excluded.head, head_since_ms = excluded.head_since_ms`,
      parameters: [destination_id, key, until_ms, noted_ms, head, head_since_ms],
    };
  }

  clear(destination_id: string, key: string): FlowWrite {
    return { sql: 'DELETE FROM session_hold WHERE destination_id = ? AND key = ?', parameters: [destination_id, key] };
  }

  /** Another hold is configured: what waits is looked at anew. */
  forget(destination_id: string): void {
    this.#db.run('DELETE FROM session_hold WHERE destination_id = ?', destination_id);
  }
}

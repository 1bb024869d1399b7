import type { FlowWrite } from '../../engine/transaction.ts';
import type { Database } from '../../storage/sqlite/database.ts';

/**
 * What a person decided about one session: `unshared` stays on this machine; `shared` takes that back, also where a
 * store remembers it; `erased` goes everywhere (R11).
 */
export type SessionChoice = 'unshared' | 'shared' | 'erased';

/** Choices of people about single sessions, in the journal's file. */
export class SessionChoices {
  readonly #db: Database;

  /** `migrateSessionTables` must have run on `db`. */
  constructor(db: Database) {
    this.#db = db;
  }

  of(key: string): SessionChoice | null {
    return (
      this.#db.get<{ choice: SessionChoice }>('SELECT choice FROM session_choice WHERE key = ?', key)?.choice ?? null
    );
  }

  /** As `unshare`, of one that nobody decided about; to be committed with the settlement that found it out. */
  keepOut(key: string, now_ms: number): FlowWrite {
    return {
      sql: `INSERT INTO session_choice (key, choice, at_ms) VALUES (?, 'unshared', ?) ON CONFLICT DO NOTHING`,
      parameters: [key, now_ms],
    };
  }

  /** Takes the sessions out of what is shared. Returns those for which that is new; their keys must be touched. */
  unshare(keys: readonly string[], now_ms: number): string[] {
    return this.#choose(keys, 'unshared', now_ms);
  }

  /**
   * Lets the configuration decide again. Returns those for which that is new; their keys must be touched. What was erased
   * stays so. A store that said `erased` is asked once more: it may have meant that it was unshared.
   */
  share(keys: readonly string[]): string[] {
    return this.#db.transaction(() =>
      keys.filter((key) => {
        const chosen = this.#db.run(
          `UPDATE session_choice SET choice = 'shared' WHERE key = ? AND choice = 'unshared'`,
          key,
        );
        if (this.of(key) === 'erased') return false;
        const asked = this.#db.run(
          `UPDATE session_link SET state = 'withdrawn', version = version + 1 WHERE key = ? AND state = 'erased'`,
          key,
        );
        return chosen + asked > 0;
      }),
    );
  }

  /** Has the sessions removed from every store, for good. Returns those for which that is new. */
  erase(keys: readonly string[], now_ms: number): string[] {
    return this.#choose(keys, 'erased', now_ms);
  }

  #choose(keys: readonly string[], choice: SessionChoice, now_ms: number): string[] {
    const sql = `INSERT INTO session_choice (key, choice, at_ms) VALUES (?, ?, ?)
                 ON CONFLICT (key) DO UPDATE SET choice = excluded.choice, at_ms = excluded.at_ms
                 WHERE choice <> excluded.choice AND choice <> 'erased'`;
    return this.#db.transaction(() => keys.filter((key) => this.#db.run(sql, key, choice, now_ms) === 1));
  }
}

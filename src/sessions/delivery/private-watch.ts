import type { KeyedStore } from '../../engine/keyed/store.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { SessionChoices } from './session-choices.ts';

const KEYS_AT_ONCE = 1_000;

export interface PrivateWatchOptions {
  /** The journal's file. `migrateSessionTables` must have run on it. */
  db: Database;
  keyed: Pick<KeyedStore, 'touch'>;
  choices: SessionChoices;
  /** The destination that is this machine's own store: what is private stays there. */
  local: string;
  isPrivate: (agent_session_id: string) => boolean;
  /** How many sessions are known to be private. */
  privates: () => number;
}

interface Shared {
  key: string;
  native_id: string;
  partition_id: number;
  group: string;
}

/**
 * Hears `SYNCLINE_PRIVATE=1` of a session that was shared before it was said: resumed so, or its hook came late. A session is
 * decided when it changes, and this one may not. Costs nothing while nobody says so.
 */
export class PrivateWatch {
  readonly #options: PrivateWatchOptions;
  /** As many were known at the last look; a start looks once. */
  #seen = 0;

  constructor(options: PrivateWatchOptions) {
    this.#options = options;
  }

  /** Takes out what is private by now and stands elsewhere; a person's own word on a session goes before. Returns how many. */
  async look(now_ms: number): Promise<number> {
    const { choices, keyed, privates } = this.#options;
    const known = privates();
    if (known === this.#seen) return 0;
    const found = this.#shared().filter(({ native_id }) => this.#isPrivate(native_id));
    choices.unshare(
      found.map(({ key }) => key),
      now_ms,
    );
    for (let from = 0; from < found.length; from += KEYS_AT_ONCE)
      await keyed.touch(
        found.slice(from, from + KEYS_AT_ONCE).map(({ key, partition_id, group }) => ({ key, partition_id, group })),
        now_ms,
      );
    this.#seen = known;
    return found.length;
  }

  #shared(): Shared[] {
    return this.#options.db.all<Shared & Record<string, never>>(
      `SELECT m.key, m.native_id, m.partition_id, m.project_group AS "group" FROM session_mark m
       WHERE EXISTS (SELECT 1 FROM session_link l WHERE l.key = m.key AND l.destination_id <> ? AND l.fingerprint IS NOT NULL)
         AND NOT EXISTS (SELECT 1 FROM session_choice c WHERE c.key = m.key)`,
      this.#options.local,
    );
  }

  /** A viewer puts the agent's name before its id. */
  #isPrivate(native_id: string): boolean {
    const { isPrivate } = this.#options;
    return isPrivate(native_id) || isPrivate(native_id.slice(native_id.indexOf(':') + 1));
  }
}

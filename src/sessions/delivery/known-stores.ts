import type { KeyedStore } from '../../engine/keyed/store.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { TranscriptState } from '../store/transcript.ts';
import type { SessionLinks } from './session-links.ts';

type Links = Pick<SessionLinks, 'forget' | 'newest' | 'distrust'>;

/**
 * Knows the stores behind destinations by their names of themselves. A server that lost its database, or a file that was
 * removed, has nothing of what the links say, and would get a session only when that changes.
 */
export class KnownStores {
  readonly #db: Database;
  readonly #links: Links;
  readonly #keyed: Pick<KeyedStore, 'beginBackfill'>;

  /** `migrateSessionTables` must have run on `db`, the journal's file. */
  constructor(db: Database, links: Links, keyed: Pick<KeyedStore, 'beginBackfill'>) {
    this.#db = db;
    this.#links = links;
    this.#keyed = keyed;
  }

  /**
   * Notes which store a destination has. True when it is another one than before: its links are forgotten, and every
   * session is decided and brought there anew. A crash between leaves what is done again.
   */
  async meet(destination_id: string, store_id: string): Promise<boolean> {
    const before = this.#db.get<{ store_id: string }>(
      'SELECT store_id FROM session_store_seen WHERE destination_id = ?',
      destination_id,
    );
    if (before?.store_id === store_id) return false;
    if (before) {
      this.#links.forget(destination_id);
      await this.#keyed.beginBackfill(destination_id);
    }
    this.#db.run(
      `INSERT INTO session_store_seen (destination_id, store_id) VALUES (?1, ?2)
       ON CONFLICT (destination_id) DO UPDATE SET store_id = ?2`,
      destination_id,
      store_id,
    );
    return before !== undefined;
  }

  /**
   * Finds out whether the store was put back to an older state of itself, which keeps its name: it does not have what it was
   * brought last, or has again what was taken away last. True: then every session is decided and compared there anew.
   */
  async recover(destination_id: string, state: (key: string) => Promise<TranscriptState | null>): Promise<boolean> {
    for (const told of this.#links.newest(destination_id)) {
      const has = (await state(told.key))?.fingerprint ?? null;
      // What went on meanwhile says nothing.
      const is_still = this.#links
        .newest(destination_id)
        .some(({ key, fingerprint }) => key === told.key && fingerprint === told.fingerprint);
      if (!is_still || has === told.fingerprint) continue;
      this.#links.distrust(destination_id);
      await this.#keyed.beginBackfill(destination_id);
      return true;
    }
    return false;
  }

  /** Another place is configured: what stands there is new, and not another one in the place of the one before. */
  forget(destination_id: string): void {
    this.#db.run('DELETE FROM session_store_seen WHERE destination_id = ?', destination_id);
  }
}

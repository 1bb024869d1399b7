import { createHash } from 'node:crypto';
import type { Database } from '../../storage/sqlite/database.ts';

/** What the configuration says of one destination. */
export interface ConfiguredSharing {
  /** Everything that decides what may be there and in which form. */
  rules: object;
  /** Which store it is: another one has nothing of what was brought to the one before. */
  place: object;
}

interface Digests extends Record<string, string> {
  rules: string;
  place: string;
}

/**
 * Remembers by which rules the sessions of each destination were decided. A session is looked at again only when it
 * changes; so when the rules do (sharing is switched off, a project is named), all of them must be.
 */
export class SharingRules {
  readonly #db: Database;

  /** `migrateSessionTables` must have run on `db`. */
  constructor(db: Database) {
    this.#db = db;
  }

  /** What is other than what is remembered; `place` is not when nothing is. */
  changed(destination_id: string, configured: ConfiguredSharing): { rules: boolean; place: boolean } {
    const known = this.#db.get<Digests>(
      'SELECT rules, place FROM session_sharing_rules WHERE destination_id = ?',
      destination_id,
    );
    const now = digestsOf(configured);
    return { rules: known?.rules !== now.rules, place: known !== undefined && known.place !== now.place };
  }

  /** To be called once every session is sure to be decided by them. */
  remember(destination_id: string, configured: ConfiguredSharing): void {
    const { rules, place } = digestsOf(configured);
    this.#db.run(
      `INSERT INTO session_sharing_rules (destination_id, rules, place) VALUES (?1, ?2, ?3)
       ON CONFLICT (destination_id) DO UPDATE SET rules = ?2, place = ?3`,
      destination_id,
      rules,
      place,
    );
  }
}

function digestsOf({ rules, place }: ConfiguredSharing): Digests {
  return { rules: digestOf(rules), place: digestOf(place) };
}

function digestOf(value: object): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 32);
}

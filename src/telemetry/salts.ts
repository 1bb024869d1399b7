import { createHash } from 'node:crypto';
import type { Database } from '../storage/sqlite/database.ts';

export interface Salt {
  /** Names the salt without giving it away; part of a partition's header. */
  salt_id: string;
  bytes: Uint8Array;
}

/** Eight hex digits of a hash that cannot be turned back: the salt has 256 bits. */
export function saltOf(bytes: Uint8Array): Salt {
  return { salt_id: createHash('sha256').update('syncline salt id').update(bytes).digest('hex').slice(0, 8), bytes };
}

/**
 * Which salt an event is hashed under (R2). The salt belongs to the team; what happened before the team's salt came
 * into force stays under the machine's own and is never sent to the team.
 */
export class Salts {
  readonly machine: Salt;
  readonly team: Salt | null;
  readonly #team_began_ms: number;

  /**
   * Records the moment at which the team's salt was first seen here, and forgets that of any other: who leaves and comes
   * back joins anew, and what happened in between was not asked for.
   */
  constructor(db: Database, machine: Salt, team: Salt | null, now_ms: number) {
    db.run('DELETE FROM telemetry_salt WHERE salt_id IS NOT ?', team?.salt_id ?? null);
    this.machine = machine;
    this.team = team;
    this.#team_began_ms = team ? began(db, team, now_ms) : Infinity;
  }

  at(ts_ms: number): Salt {
    return this.team && ts_ms >= this.#team_began_ms ? this.team : this.machine;
  }
}

function began(db: Database, salt: Salt, now_ms: number): number {
  db.run('INSERT INTO telemetry_salt (salt_id, began_ms) VALUES (?, ?) ON CONFLICT DO NOTHING', salt.salt_id, now_ms);
  return db.value<number>('SELECT began_ms FROM telemetry_salt WHERE salt_id = ?', salt.salt_id);
}

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
   * Records the moment at which the team's salt was first seen here, in the journal's file and in what is `kept` beside
   * it, and forgets that of any other: who leaves and comes back joins anew, and what happened in between was not asked for.
   */
  constructor(db: Database, machine: Salt, team: Salt | null, now_ms: number, kept: KeptBeginning = NOTHING_KEPT) {
    this.machine = machine;
    this.team = team;
    this.#team_began_ms = team ? began(db, team, now_ms, kept) : Infinity;
    if (team === null) forget(db, kept);
  }

  /** When the team's salt came into force here; Infinity without a team. */
  get team_began_ms(): number {
    return this.#team_began_ms;
  }

  at(ts_ms: number): Salt {
    return this.team && ts_ms >= this.#team_began_ms ? this.team : this.machine;
  }
}

/** When a team's salt came into force. */
export interface Beginning {
  salt_id: string;
  began_ms: number;
}

/** Remembers a beginning outside of the journal's file, which may be lost. */
export interface KeptBeginning {
  read(): Beginning | null;
  /** On the disk when it returns; null forgets. */
  write(beginning: Beginning | null): void;
}

const NOTHING_KEPT: KeptBeginning = { read: () => null, write: () => undefined };

/** Puts a team's salt into force before there is a journal; later that begins at the same moment. */
export function beginTeam({ salt_id }: Salt, now_ms: number, kept: KeptBeginning): void {
  if (kept.read()?.salt_id !== salt_id) kept.write({ salt_id, began_ms: now_ms });
}

/** Either may be lost or restored from before the team was left and joined again; the later is what was consented to last. */
function began(db: Database, { salt_id }: Salt, now_ms: number, kept: KeptBeginning): number {
  const rows = db.all<Beginning>('SELECT salt_id, began_ms FROM telemetry_salt');
  const beside = kept.read();
  const known = [...rows, ...(beside ? [beside] : [])].filter((one) => one.salt_id === salt_id);
  const began_ms = known.length > 0 ? Math.max(...known.map((one) => one.began_ms)) : now_ms;
  if (beside?.salt_id !== salt_id || beside.began_ms !== began_ms) kept.write({ salt_id, began_ms });
  db.run('DELETE FROM telemetry_salt WHERE salt_id <> ?', salt_id);
  db.run(
    'INSERT INTO telemetry_salt (salt_id, began_ms) VALUES (?, ?) ON CONFLICT DO UPDATE SET began_ms = excluded.began_ms',
    salt_id,
    began_ms,
  );
  return began_ms;
}

function forget(db: Database, kept: KeptBeginning): void {
  db.run('DELETE FROM telemetry_salt');
  if (kept.read()) kept.write(null);
}

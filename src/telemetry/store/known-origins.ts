import type { Database } from '../../storage/sqlite/database.ts';

/** An item that may name the origin that all its copies share. */
interface Originated {
  origin_id_hash?: string | null | undefined;
}

/** The row of a team's (?1) origin (?2) in a table: by the part of the hash that is indexed, then by all of it. */
export function ofOrigin(alias: string): string {
  return `${alias}.team_id = ?1 AND substr(${alias}.origin_id_hash, 8, 10) = substr(?2, 8, 10) AND ${alias}.origin_id_hash = ?2`;
}

/**
 * The origins among a body's items that are stored already, or came earlier in the same body: one row holds all copies.
 * Asked for all items at once, because only a part of an origin's hash is indexed and no constraint can tell.
 */
export class KnownOrigins {
  readonly #known: Set<string>;

  /** Inside the transaction that stores the items. */
  constructor(db: Database, table: 'event' | 'tool_span', team_id: string, items: readonly Originated[]) {
    const rows = db.all<{ origin: string }>(
      `SELECT x.origin_id_hash AS origin FROM json_each(?2) j CROSS JOIN ${table} x INDEXED BY ${table}_origin
       ON x.team_id = ?1 AND substr(x.origin_id_hash, 8, 10) = substr(j.value, 8, 10) AND x.origin_id_hash = j.value`,
      team_id,
      JSON.stringify(items.map(({ origin_id_hash }) => origin_id_hash ?? null)),
    );
    this.#known = new Set(rows.map(({ origin }) => origin));
  }

  /** Whether there is a row of the item's origin; from here on there is. */
  has({ origin_id_hash }: Originated): boolean {
    if (typeof origin_id_hash !== 'string') return false;
    if (this.#known.has(origin_id_hash)) return true;
    this.#known.add(origin_id_hash);
    return false;
  }
}

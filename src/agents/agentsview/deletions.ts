import type { AgentsviewDatabase } from './open.ts';
import { PRESENCE_COLUMNS, presenceOf, type Presence, type PresenceRow } from './presence.ts';
import { integerOf, textOf, type Rows, type Stored } from './rows.ts';
import type { Schema } from './schema.ts';

/**
 * What became of a session that was known (R12, rule A11).
 *
 * `deleted`: a person removed it for good: its id stands in `excluded_sessions`, or the deletion journal has it.
 * `vanished`: it is gone and nothing says that anybody wanted it; never a tombstone, only a mark.
 */
export type Fate =
  | { kind: 'here'; presence: Presence }
  | { kind: 'deleted'; by: 'excluded_sessions' | 'session_deletion_changes' }
  | { kind: 'vanished' };

/** True when this file can tell a deletion from a loss; else `status` offers vanished sessions for erasing (R12). */
export function tellsDeletions(schema: Schema): boolean {
  return schema.has('excluded_sessions', 'id') || schema.has('session_deletion_changes', 'session_id', 'deleted');
}

/**
 * What became of each of these sessions, all at one moment. Ask for at most 1,000 at once. A row that is there wins over
 * any record of its deletion: agentsview shows that session, so it came back.
 */
export function fatesOf(database: AgentsviewDatabase, ids: readonly string[]): Map<string, Fate> {
  return database.read((rows) => new Map(ids.map((id) => [id, fateOf(rows, database.schema, id)])));
}

/** Sessions removed for good since a revision of the deletion journal, oldest first. */
export interface JournaledDeletions {
  ids: string[];
  /** Ask again with this revision while `more` is true, and in the next round. */
  revision: number;
  more: boolean;
}

/**
 * Reads the deletion journal of 0.39 on after `revision` (0 = from its beginning), about `limit` entries at once. Empty where
 * there is no journal. The journal also counts sessions that came back or were reclassified (`deleted` 0), and
 * agentsview's rename of an id counts as the deletion of the old one; only ids that are gone now are given.
 */
export function deletionsAfter(database: AgentsviewDatabase, revision: number, limit = 1_000): JournaledDeletions {
  if (!database.schema.has('session_deletion_changes', 'session_id', 'revision', 'deleted'))
    return { ids: [], revision, more: false };
  const sql = `SELECT session_id, revision,
      deleted = 1 AND NOT EXISTS (SELECT 1 FROM sessions WHERE id = session_id) AS gone
    FROM session_deletion_changes
    WHERE revision > ?1 AND revision <= coalesce(
      (SELECT revision FROM session_deletion_changes WHERE revision > ?1 ORDER BY revision LIMIT 1 OFFSET ?2),
      9223372036854775807)
    ORDER BY revision`;
  // To the end of a revision, so that entries of one revision are never parted and the rest of them skipped.
  const entries = database.read((rows) =>
    rows.all<Record<'session_id' | 'revision' | 'gone', Stored>>(sql, revision, limit - 1),
  );
  return {
    ids: entries.filter(({ gone }) => integerOf(gone) === 1).flatMap(({ session_id }) => textOf(session_id) ?? []),
    revision: integerOf(entries.at(-1)?.revision ?? null) ?? revision,
    more: entries.length >= limit,
  };
}

function fateOf(rows: Rows, schema: Schema, id: string): Fate {
  const columns = schema.select('sessions', PRESENCE_COLUMNS);
  const row = rows.get<PresenceRow>(`SELECT ${columns} FROM sessions WHERE id = ?`, id);
  if (row) return { kind: 'here', presence: presenceOf(row) };
  if (isExcluded(rows, schema, id)) return { kind: 'deleted', by: 'excluded_sessions' };
  if (isJournaled(rows, schema, id)) return { kind: 'deleted', by: 'session_deletion_changes' };
  return { kind: 'vanished' };
}

function isExcluded(rows: Rows, schema: Schema, id: string): boolean {
  if (!schema.has('excluded_sessions', 'id')) return false;
  return rows.get('SELECT 1 FROM excluded_sessions WHERE id = ?', id) !== undefined;
}

function isJournaled(rows: Rows, schema: Schema, id: string): boolean {
  if (!schema.has('session_deletion_changes', 'session_id', 'deleted')) return false;
  const sql = 'SELECT 1 FROM session_deletion_changes WHERE session_id = ? AND deleted = 1';
  return rows.get(sql, id) !== undefined;
}

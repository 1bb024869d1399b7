import { hash } from 'node:crypto';
import type { AgentsviewDatabase } from './open.ts';
import { integerOf, textOf, type Rows, type Stored } from './rows.ts';
import type { Schema } from './schema.ts';

/** A message that a person pinned (§2.5). */
export interface Pin {
  ordinal: number;
  note: string | null;
  created_at: string | null;
}

/** The pins of one session in the order of its messages. */
export function pinsOf(rows: Rows, schema: Schema, session_id: string): Pin[] {
  if (!schema.has('pinned_messages', 'session_id', 'ordinal')) return [];
  const columns = schema.select('pinned_messages', ['ordinal', 'note', 'created_at']);
  const sql = `SELECT ${columns} FROM pinned_messages WHERE session_id = ? ORDER BY ordinal, message_id`;
  return rows.all<Record<keyof Pin, Stored>>(sql, session_id).map((row) => ({
    ordinal: integerOf(row.ordinal) ?? 0,
    note: textOf(row.note),
    created_at: textOf(row.created_at),
  }));
}

/** When a person starred the session, or null while nobody has. '' where the file does not tell when. */
export function starredAt(rows: Rows, schema: Schema, session_id: string): string | null {
  if (!schema.has('starred_sessions', 'session_id')) return null;
  const columns = schema.select('starred_sessions', ['created_at']);
  const row = rows.get<{ created_at: Stored }>(
    `SELECT ${columns} FROM starred_sessions WHERE session_id = ?`,
    session_id,
  );
  return row ? (textOf(row.created_at) ?? '') : null;
}

/**
 * Changes when any star or pin was set, changed or taken away, which moves no marker of a session: list all sessions
 * then. Costs by the number of stars and pins.
 */
export function curationDigest(database: AgentsviewDatabase): string {
  const { schema } = database;
  return database.read((rows) => {
    const parts: string[] = [];
    if (schema.has('starred_sessions', 'session_id'))
      for (const row of rows.iterate<{ session_id: Stored }>(
        'SELECT session_id FROM starred_sessions ORDER BY session_id',
      ))
        parts.push(JSON.stringify(textOf(row.session_id)));
    if (schema.has('pinned_messages', 'session_id', 'ordinal', 'note'))
      for (const row of rows.iterate<Record<'session_id' | 'ordinal' | 'note', Stored>>(
        'SELECT session_id, ordinal, note FROM pinned_messages ORDER BY session_id, ordinal, id',
      ))
        parts.push(JSON.stringify([textOf(row.session_id), integerOf(row.ordinal), textOf(row.note)]));
    return hash('sha256', parts.join('\n'), 'hex').slice(0, 16);
  });
}

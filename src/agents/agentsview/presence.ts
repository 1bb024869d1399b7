import { nonEmpty, type Stored } from './rows.ts';

/**
 * Whether agentsview shows a session (§2.3, rule A11).
 *
 * `trashed`: a person put it into agentsview's trash; hidden, and back when restored. `source_missing`: the transcript
 * file vanished, which is no deletion (R12); the session stays and is marked.
 */
export type Presence =
  { kind: 'present' } | { kind: 'trashed'; since: string } | { kind: 'source_missing'; since: string };

/** The columns that tell it, all of which a file may lack. */
export const PRESENCE_COLUMNS = ['deleted_at', 'deletion_cause', 'source_missing_at'] as const;

export type PresenceRow = Record<(typeof PRESENCE_COLUMNS)[number], Stored>;

/**
 * Reads the presence of one row. Only the cause `source_missing` makes a hidden session one that merely lost its file:
 * every other cause, also one that a later release invents, is somebody's wish to have it gone (R12), and trash can be
 * undone while a published conversation cannot.
 */
export function presenceOf(row: PresenceRow): Presence {
  const deleted_at = nonEmpty(row.deleted_at);
  if (deleted_at !== null && nonEmpty(row.deletion_cause) !== 'source_missing')
    return { kind: 'trashed', since: deleted_at };
  const since = deleted_at ?? nonEmpty(row.source_missing_at);
  return since === null ? { kind: 'present' } : { kind: 'source_missing', since };
}

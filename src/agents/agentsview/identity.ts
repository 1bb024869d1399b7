import type { FileIdentity } from './file.ts';
import { NEWEST_KNOWN_DATA_VERSION } from './known-columns.ts';
import type { AgentsviewDatabase } from './open.ts';
import { integerOf, nonEmpty, type Rows, type Stored } from './rows.ts';
import type { Schema } from './schema.ts';

/** Which database this is. Kept with the checkpoint and compared at the next round (rule A3). */
export interface SourceIdentity extends FileIdentity {
  /** Stable for the life of an archive, over rebuilds; null before agentsview 0.37.1 (§2.2). */
  archive_id: string | null;
  /** Another one after every full rebuild; null before 0.37.1. */
  database_id: string | null;
  /** agentsview's data version: the generation of its parsers, not of its schema. */
  user_version: number;
  /** The newest revision of the deletion journal (0.39 on), which only grows while the database is the same. */
  deletion_revision: number | null;
}

/** Why everything read before must be compared whole, and old ordinals and revisions mean nothing. */
export type EpochReason =
  | 'other_archive' // another person's or another data directory's database stands at the path
  | 'rebuilt' // agentsview wrote a new database from the transcripts
  | 'file_replaced' // another file, with nothing inside that says it is the same database
  | 'data_version_changed' // parsers of another generation: texts and ordinals may differ
  | 'revisions_went_back'; // an older state was restored into the same file

/**
 * How the database relates to the one known. `same`: go on. `new_epoch`: the same conversations, to be compared by
 * fingerprint. `other_archive`: other conversations; those known before are neither deleted nor vanished, they are
 * elsewhere.
 */
export type Continuation =
  | { kind: 'first' }
  | { kind: 'same' }
  | { kind: 'new_epoch'; reasons: EpochReason[] }
  | { kind: 'other_archive'; reasons: EpochReason[] };

/** Reads the identity of an open database, in a transaction of its own. */
export function sourceIdentity(database: AgentsviewDatabase): SourceIdentity {
  return database.read((rows) => ({
    device: database.file.device,
    inode: database.file.inode,
    archive_id: metadata(rows, database.schema, 'archive_id'),
    database_id: metadata(rows, database.schema, 'database_id'),
    user_version: integerOf(rows.get<{ user_version: Stored }>('PRAGMA user_version')?.user_version ?? null) ?? 0,
    deletion_revision: deletionRevision(rows, database.schema),
  }));
}

/** Compares what is there with what was known; null when nothing was. */
export function continuationOf(known: SourceIdentity | null, seen: SourceIdentity): Continuation {
  if (known === null) return { kind: 'first' };
  const reasons = reasonsFor(known, seen);
  if (reasons.includes('other_archive')) return { kind: 'other_archive', reasons };
  return reasons.length === 0 ? { kind: 'same' } : { kind: 'new_epoch', reasons };
}

/** True when a newer agentsview wrote it than the specification saw. It is read all the same; `status` says so. */
export function isNewerThanKnown(identity: SourceIdentity): boolean {
  return identity.user_version > NEWEST_KNOWN_DATA_VERSION;
}

function reasonsFor(known: SourceIdentity, seen: SourceIdentity): EpochReason[] {
  const reasons: EpochReason[] = [];
  // An id that appears is an upgrade in place; one that disappears cannot be told from another archive.
  if (known.archive_id !== null && known.archive_id !== seen.archive_id) reasons.push('other_archive');
  if (known.database_id !== null && known.database_id !== seen.database_id) reasons.push('rebuilt');
  // A device may be numbered anew at a restart of the machine; then the database's own id vouches for it.
  const vouched = known.database_id !== null && known.database_id === seen.database_id;
  if (known.inode !== seen.inode || (known.device !== seen.device && !vouched)) reasons.push('file_replaced');
  if (known.user_version !== seen.user_version) reasons.push('data_version_changed');
  if ((known.deletion_revision ?? 0) > (seen.deletion_revision ?? 0)) reasons.push('revisions_went_back');
  return reasons;
}

function metadata(rows: Rows, schema: Schema, key: string): string | null {
  if (!schema.has('archive_metadata', 'key', 'value')) return null;
  const row = rows.get<{ value: Stored }>('SELECT value FROM archive_metadata WHERE key = ?', key);
  return row ? nonEmpty(row.value) : null;
}

function deletionRevision(rows: Rows, schema: Schema): number | null {
  if (!schema.has('session_deletion_changes', 'revision')) return null;
  const row = rows.get<{ newest: Stored }>('SELECT max(revision) AS newest FROM session_deletion_changes');
  return integerOf(row?.newest ?? null) ?? 0;
}

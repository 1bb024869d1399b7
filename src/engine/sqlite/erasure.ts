import { StaleError, invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { TRANSACTION_LIMITS } from '../store.ts';
import { addCounters } from './counters.ts';
import { eraseDeadLetters } from './dead-letters.ts';
import { OFFSET_BITS } from './entry-id.ts';
import { releaseErased } from './keyed/letters.ts';
import { entomb } from './subjects.ts';

/** Forgets everything of subjects: payloads become null, offsets stay dense, dead letters lose their copy. */
export function erase(
  db: Database,
  subjects: string | readonly string[],
  now_ms: number,
): { entries: number; dead_letters: number } {
  const result = { entries: 0, dead_letters: 0 };
  for (const subject of typeof subjects === 'string' ? [subjects] : subjects) {
    const { entries, dead_letters } = db.transaction(() => eraseOne(db, subject, now_ms));
    result.entries += entries;
    result.dead_letters += dead_letters;
  }
  scrub(db);
  return result;
}

function eraseOne(db: Database, subject: string, now_ms: number): { entries: number; dead_letters: number } {
  const subject_id = entomb(db, subject, now_ms);
  spendKeys(db, `SELECT 1 FROM entry e WHERE e.subject_id = ?1 AND e.payload IS NOT NULL AND ${COVERED}`, subject_id);
  db.run(
    `UPDATE batch SET body_sha256 = '' WHERE state IN ('open', 'suspect') AND retry_of IN (
       SELECT dead_letter_id FROM dead_letter WHERE subject_id = ? AND payload IS NOT NULL)`,
    subject_id,
  );
  const entries = db.run('UPDATE entry SET payload = NULL WHERE payload IS NOT NULL AND subject_id = ?', subject_id);
  const dead_letters =
    eraseDeadLetters(db, 'subject_id = ?', subject_id) + releaseErased(db, 'd.subject_id = ?', subject_id);
  addCounters(db, [{ name: 'entries_erased', label: 'erase', by: entries }]);
  return { entries, dead_letters };
}

/** Sets payloads anew (stronger rules), also in dead letters; null erases. The offset stays. */
export function rewrite(db: Database, partition_id: number, payloads: ReadonlyMap<number, string | null>): number {
  invariant(
    payloads.size <= TRANSACTION_LIMITS.max_rows,
    `a rewrite has at most ${TRANSACTION_LIMITS.max_rows} entries`,
  );
  const changed = db.transaction(() => {
    let count = 0;
    for (const [offset, payload] of payloads) if (rewriteOne(db, partition_id, offset, payload)) count++;
    return count;
  });
  if (!db.checkpoint()) throw stillRead();
  return changed;
}

const COVERED = `e.entry_id BETWEEN ((b.partition_id << ${OFFSET_BITS}) | b.first_offset) AND ((b.partition_id << ${OFFSET_BITS}) | b.last_offset)`;

/**
 * Spends the keys of open batches over changed entries: an attempt that has read the old text but not claimed the batch
 * yet finds another hash, and sends nothing (I5). A hash that no body has says so.
 */
function spendKeys(db: Database, changed: string, ...parameters: number[]): void {
  db.run(
    `UPDATE batch AS b SET body_sha256 = '' WHERE state IN ('open', 'suspect') AND EXISTS (${changed})`,
    ...parameters,
  );
}

function rewriteOne(db: Database, partition_id: number, offset: number, payload: string | null): boolean {
  const before = db.get<{ bytes: number; payload: string | null }>(
    `SELECT bytes, payload FROM entry WHERE entry_id = ((? << ${OFFSET_BITS}) | ?)`,
    partition_id,
    offset,
  );
  // The other reading of a clash was never the entry's text, so there is no masked form of it.
  eraseDeadLetters(db, `partition_id = ? AND offset = ? AND class = 'clash'`, partition_id, offset);
  if (payload === null) eraseDeadLetters(db, 'partition_id = ? AND offset = ?', partition_id, offset);
  else
    db.run(
      'UPDATE dead_letter SET payload = ? WHERE partition_id = ? AND offset = ? AND payload IS NOT NULL',
      payload,
      partition_id,
      offset,
    );
  // Erased stays erased.
  if (!before || before.payload === null || before.payload === payload) return false;
  spendKeys(
    db,
    'SELECT 1 WHERE b.partition_id = ?1 AND ?2 BETWEEN b.first_offset AND b.last_offset',
    partition_id,
    offset,
  );
  const bytes = payload === null ? before.bytes : Buffer.byteLength(payload);
  db.run(
    `UPDATE entry SET payload = ?, bytes = ? WHERE entry_id = ((? << ${OFFSET_BITS}) | ?)`,
    payload,
    bytes,
    partition_id,
    offset,
  );
  db.run('UPDATE partition SET bytes = bytes + ? WHERE partition_id = ?', bytes - before.bytes, partition_id);
  return true;
}

/** Leaves no byte of what was erased, rewritten or removed in the file or its WAL. */
export function scrub(db: Database): void {
  if (!db.scrub()) throw stillRead();
}

function stillRead(): StaleError {
  return new StaleError('storage.readers', 'Erased, but a reader of the database still holds the pages as they were', {
    hint: 'Do it again once backups and reports that are running have ended.',
  });
}

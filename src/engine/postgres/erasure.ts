import { invariant } from '../../platform/errors.ts';
import { storable } from '../../storage/postgres/steps.ts';
import { TRANSACTION_LIMITS } from '../store.ts';
import { addCounters } from './counters.ts';
import type { EngineDatabase, Transaction } from './database.ts';
import { eraseDeadLetters } from './dead-letters.ts';
import { releaseErased } from './keyed/letters.ts';
import { lockPartition } from './partitions.ts';
import { entomb } from './subjects.ts';

interface Erased {
  entries: number;
  dead_letters: number;
}

/** Forgets everything of subjects: payloads become null, offsets stay dense, dead letters lose their copy. */
export function erase(db: EngineDatabase, subjects: string | readonly string[], now_ms: number): Promise<Erased> {
  return eachThenScrub(db, subjects, (tx, subject) => eraseSubject(tx, subject, now_ms));
}

/** One transaction for each, then the old copies of the rows go. */
export async function eachThenScrub(
  db: EngineDatabase,
  names: string | readonly string[],
  eraseOne: (tx: Transaction, name: string) => Promise<Erased>,
): Promise<Erased> {
  const result = { entries: 0, dead_letters: 0 };
  for (const name of typeof names === 'string' ? [names] : names) {
    const { entries, dead_letters } = await db.transaction((tx) => eraseOne(tx, name));
    result.entries += entries;
    result.dead_letters += dead_letters;
  }
  await scrub(db);
  return result;
}

async function eraseSubject(tx: Transaction, subject: string, now_ms: number): Promise<Erased> {
  const subject_id = await entomb(tx, subject, now_ms);
  // Entries before batches, as retention takes them.
  await tx.all(
    `SELECT 1 FROM syncline.entry WHERE subject_id = $1 AND payload IS NOT NULL
     ORDER BY partition_id, "offset" FOR NO KEY UPDATE`,
    subject_id,
  );
  await tx.run(
    `UPDATE syncline.batch b SET body_sha256 = '' WHERE state IN ('open', 'suspect') AND (EXISTS (
         SELECT 1 FROM syncline.entry e WHERE e.subject_id = $1 AND e.payload IS NOT NULL
           AND e.partition_id = b.partition_id AND e."offset" BETWEEN b.first_offset AND b.last_offset)
       OR retry_of IN (SELECT dead_letter_id FROM syncline.dead_letter WHERE subject_id = $1 AND payload IS NOT NULL))`,
    subject_id,
  );
  const entries = await tx.run(
    'UPDATE syncline.entry SET payload = NULL WHERE payload IS NOT NULL AND subject_id = $1',
    subject_id,
  );
  const copies = await eraseDeadLetters(tx, 'subject_id = $1', subject_id);
  const dead_letters = copies + (await releaseErased(tx, 'd.subject_id = $1', subject_id));
  await addCounters(tx, [{ name: 'entries_erased', label: 'erase', by: entries }]);
  return { entries, dead_letters };
}

/** Sets payloads anew (stronger rules), also in dead letters; null erases. The offset stays. */
export async function rewrite(
  db: EngineDatabase,
  partition_id: number,
  payloads: ReadonlyMap<number, string | null>,
): Promise<number> {
  invariant(
    payloads.size <= TRANSACTION_LIMITS.max_rows,
    `a rewrite has at most ${TRANSACTION_LIMITS.max_rows} entries`,
  );
  const offsets = [...payloads.keys()];
  const texts = [...payloads.values()].map((payload) => (payload === null ? null : storable(payload)));
  return db.transaction((tx) => rewriteAll(tx, partition_id, offsets, texts));
}

async function rewriteAll(
  tx: Transaction,
  partition_id: number,
  offsets: readonly number[],
  texts: readonly (string | null)[],
): Promise<number> {
  await lockPartition(tx, partition_id);
  // Erased stays erased.
  const changing = await tx.all<{ offset: number }>(
    `SELECT e."offset" FROM unnest($2::bigint[], $3::text[]) AS g (place, payload)
     JOIN syncline.entry e ON e.partition_id = $1 AND e."offset" = g.place
     WHERE e.payload IS NOT NULL AND e.payload IS DISTINCT FROM g.payload ORDER BY e."offset" FOR NO KEY UPDATE OF e`,
    partition_id,
    offsets,
    texts,
  );
  // An attempt that has read the old text but not claimed the batch yet finds another hash, and sends nothing (I5).
  await tx.run(
    `UPDATE syncline.batch b SET body_sha256 = '' WHERE partition_id = $1 AND state IN ('open', 'suspect')
       AND EXISTS (SELECT 1 FROM unnest($2::bigint[]) AS c (place) WHERE c.place BETWEEN b.first_offset AND b.last_offset)`,
    partition_id,
    changing.map(({ offset }) => offset),
  );
  await rewriteDeadLetters(tx, partition_id, offsets, texts);
  const added = await tx.value<number>(
    `WITH given AS (SELECT * FROM unnest($2::bigint[], $3::text[]) AS g (place, payload)),
     before AS (SELECT e."offset" AS place, e.bytes FROM given JOIN syncline.entry e
                  ON e.partition_id = $1 AND e."offset" = given.place WHERE given.place = ANY ($4::bigint[])),
     written AS (
       UPDATE syncline.entry e SET payload = given.payload, bytes = coalesce(octet_length(given.payload), e.bytes)
       FROM given WHERE e.partition_id = $1 AND e."offset" = given.place AND given.place = ANY ($4::bigint[])
       RETURNING e."offset" AS place, e.bytes)
     SELECT coalesce(sum(written.bytes - before.bytes), 0)::bigint FROM written JOIN before USING (place)`,
    partition_id,
    offsets,
    texts,
    changing.map(({ offset }) => offset),
  );
  await tx.run('UPDATE syncline.partition SET bytes = bytes + $1 WHERE partition_id = $2', added, partition_id);
  return changing.length;
}

async function rewriteDeadLetters(
  tx: Transaction,
  partition_id: number,
  offsets: readonly number[],
  texts: readonly (string | null)[],
): Promise<void> {
  const given = `(SELECT * FROM unnest($2::bigint[], $3::text[]) AS r (place, text)) AS g`;
  // The other reading of a clash was never the entry's text, so there is no masked form of it.
  await tx.run(
    `UPDATE syncline.dead_letter d SET payload = NULL, state = CASE state WHEN 'open' THEN 'discarded' ELSE state END
     FROM ${given} WHERE d.partition_id = $1 AND d."offset" = g.place AND d.payload IS NOT NULL
       AND (d.class = 'clash' OR g.text IS NULL)`,
    partition_id,
    offsets,
    texts,
  );
  await tx.run(
    `UPDATE syncline.dead_letter d SET payload = g.text
     FROM ${given} WHERE d.partition_id = $1 AND d."offset" = g.place AND d.payload IS NOT NULL AND g.text IS NOT NULL`,
    partition_id,
    offsets,
    texts,
  );
}

/**
 * Has PostgreSQL give up the old copies of rows that were erased, rewritten or removed. Its write-ahead log, and backups,
 * keep what they have until they are replaced; README.md says so.
 */
export async function scrub(db: EngineDatabase): Promise<void> {
  for (const table of ['entry', 'dead_letter']) await db.statement((tx) => tx.run(`VACUUM syncline.${table}`));
}

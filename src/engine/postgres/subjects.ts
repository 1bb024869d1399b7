import type { Transaction } from './database.ts';

/** Whom or what entries are about, by number; erased ones stay known, so that their source cannot bring them back. */
export interface Subject {
  subject_id: number;
  erased: boolean;
}

/**
 * The subjects of these names, made where there are none. None of them is erased before the commit (a lock that erasure
 * waits for): else an entry that is appended at the same moment would keep its text.
 */
export async function subjectsOf(tx: Transaction, names: Iterable<string>): Promise<Map<string, Subject>> {
  const given = [...new Set(names)].sort();
  if (given.length === 0) return new Map();
  const found = await lockKnown(tx, given);
  const missing = given.filter((name) => !found.has(name));
  if (missing.length === 0) return found;
  await tx.run(
    'INSERT INTO syncline.subject (name) SELECT n FROM unnest($1::text[]) AS g (n) ORDER BY n ON CONFLICT DO NOTHING',
    missing,
  );
  for (const [name, subject] of await lockKnown(tx, missing)) found.set(name, subject);
  return found;
}

async function lockKnown(tx: Transaction, names: readonly string[]): Promise<Map<string, Subject>> {
  const rows = await tx.all<{ name: string; subject_id: number; erased: boolean }>(
    `SELECT name, subject_id, erased_ms IS NOT NULL AS erased FROM syncline.subject
     WHERE name = ANY ($1::text[]) ORDER BY name FOR SHARE`,
    names,
  );
  return new Map(rows.map(({ name, subject_id, erased }) => [name, { subject_id, erased }]));
}

/** Sets the tombstone of a subject, known or not, once all appends that are about it have ended. */
export function entomb(tx: Transaction, name: string, now_ms: number): Promise<number> {
  return tx.value<number>(
    `INSERT INTO syncline.subject AS s (name, erased_ms) VALUES ($1, $2)
     ON CONFLICT (name) DO UPDATE SET erased_ms = coalesce(s.erased_ms, excluded.erased_ms) RETURNING subject_id`,
    name,
    now_ms,
  );
}

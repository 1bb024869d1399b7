import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';

/** Whom or what entries are about, by number; erased ones stay known, so that their source cannot bring them back. */
export interface Subject {
  subject_id: number;
  erased: boolean;
}

const subjectsOf = new WeakMap<Database, Map<string, Subject>>();
const SUBJECTS_CACHED = 10_000;

/** The subject of that name, made when there is none; cached, since a session's entries come together. */
export function subjectOf(db: Database, name: string): Subject {
  const known = subjectsOf.get(db);
  const cache = known && known.size <= SUBJECTS_CACHED ? known : new Map<string, Subject>();
  if (cache !== known) subjectsOf.set(db, cache);
  let subject = cache.get(name);
  if (!subject) {
    db.run('INSERT INTO subject (name) VALUES (?) ON CONFLICT DO NOTHING', name);
    const row = db.get<{ subject_id: number; erased_ms: number | null }>(
      'SELECT subject_id, erased_ms FROM subject WHERE name = ?',
      name,
    );
    invariant(row, 'a subject just inserted is there');
    subject = { subject_id: row.subject_id, erased: row.erased_ms !== null };
    cache.set(name, subject);
  }
  return subject;
}

/** Sets the tombstone of a subject, known or not. */
export function entomb(db: Database, name: string, now_ms: number): number {
  forgetSubjects(db);
  return db.value<number>(
    `INSERT INTO subject (name, erased_ms) VALUES (?, ?)
     ON CONFLICT (name) DO UPDATE SET erased_ms = coalesce(erased_ms, excluded.erased_ms) RETURNING subject_id`,
    name,
    now_ms,
  );
}

/** Forgets cached subjects: a rolled-back transaction may have made some that do not exist. */
export function forgetSubjects(db: Database): void {
  subjectsOf.delete(db);
}

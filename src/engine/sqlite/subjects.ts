import type { Database } from '../../storage/sqlite/database.ts';

const subjectsOf = new WeakMap<Database, Map<string, number>>();
const SUBJECTS_CACHED = 10_000;

/** The number of a subject's name, made when there is none; cached, since a session's entries come together. */
export function subjectId(db: Database, name: string): number {
  const known = subjectsOf.get(db);
  const cache = known && known.size <= SUBJECTS_CACHED ? known : new Map<string, number>();
  if (cache !== known) subjectsOf.set(db, cache);
  const cached = cache.get(name);
  if (cached !== undefined) return cached;
  db.run('INSERT INTO subject (name) VALUES (?) ON CONFLICT DO NOTHING', name);
  const subject_id = db.value<number>('SELECT subject_id FROM subject WHERE name = ?', name);
  cache.set(name, subject_id);
  return subject_id;
}

/** Forgets cached subject numbers: a rolled-back transaction may have made some that do not exist. */
export function forgetSubjects(db: Database): void {
  subjectsOf.delete(db);
}

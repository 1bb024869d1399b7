import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';

/** Whom or what entries are about, by number; erased ones stay known, so that their source cannot bring them back. */
export interface Subject {
  subject_id: number;
  erased: boolean;
}

const caches = new WeakMap<Database, Map<string, Subject>>();
const SUBJECTS_CACHED = 10_000;

function cacheOf(db: Database): Map<string, Subject> {
  const known = caches.get(db);
  if (known && known.size <= SUBJECTS_CACHED) return known;
  const cache = new Map<string, Subject>();
  caches.set(db, cache);
  return cache;
}

/** The subject of that name, made when there is none; cached, since a session's entries come together. */
export function subjectOf(db: Database, name: string): Subject {
  const cache = cacheOf(db);
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

/** The same of many: two statements for all that are not cached. */
export function subjectsOf(db: Database, names: Iterable<string>): Map<string, Subject> {
  const cache = cacheOf(db);
  const found = new Map<string, Subject>();
  const missing = new Set<string>();
  for (const name of names) {
    const subject = cache.get(name);
    if (subject) found.set(name, subject);
    else missing.add(name);
  }
  if (missing.size === 0) return found;
  const given = JSON.stringify([...missing]);
  db.run('INSERT INTO subject (name) SELECT value FROM json_each(?) WHERE true ON CONFLICT DO NOTHING', given);
  const rows = db.all<{ name: string; subject_id: number; erased_ms: number | null }>(
    'SELECT s.name, s.subject_id, s.erased_ms FROM json_each(?) g CROSS JOIN subject s ON s.name = g.value',
    given,
  );
  for (const { name, subject_id, erased_ms } of rows) {
    const subject = { subject_id, erased: erased_ms !== null };
    cache.set(name, subject);
    found.set(name, subject);
  }
  return found;
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
  caches.delete(db);
}

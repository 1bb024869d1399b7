import type { Database } from '../../storage/sqlite/database.ts';
import type { Absence, SourceMark } from './session-source.ts';

/** A listed session that is new, or not as it was at its last notice. */
export interface ChangedSession extends SourceMark {
  /** Null: never seen before. */
  key: string | null;
  /** How many notices it has had. */
  notices: number;
}

/** A known session that a complete listing does not have. */
export interface AbsentSession {
  key: string;
  archive: string;
  native_id: string;
  partition_id: number;
  group: string;
  notices: number;
}

/**
 * Temporary tables, in memory: they hold one listing while it is compared, about 150 bytes a session. Nothing is decided
 * before a listing is complete (R12), and then one statement finds what changed and one what is missing.
 */
const TABLES = `
  CREATE TEMP TABLE IF NOT EXISTS listed_session (archive TEXT NOT NULL, native_id TEXT NOT NULL, mark TEXT NOT NULL,
    project_group TEXT NOT NULL, PRIMARY KEY (archive, native_id)) STRICT, WITHOUT ROWID;
  CREATE TEMP TABLE IF NOT EXISTS absent_session (session_mark_id INTEGER PRIMARY KEY, fate TEXT) STRICT;
  DELETE FROM temp.listed_session;
  DELETE FROM temp.absent_session;`;

const ADD = `INSERT INTO temp.listed_session (archive, native_id, mark, project_group)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?) WHERE true
  ON CONFLICT (archive, native_id) DO UPDATE SET mark = excluded.mark, project_group = excluded.project_group`;

const CHANGED = `SELECT l.archive, l.native_id, l.mark, l.project_group AS "group", m.key, coalesce(m.notices, 0) AS notices
  FROM temp.listed_session AS l
  LEFT JOIN session_mark AS m ON m.archive = l.archive AND m.native_id = l.native_id
  WHERE (l.archive, l.native_id) > (?1, ?2)
    AND (?3 = 1 OR m.key IS NULL OR m.mark <> l.mark OR m.state <> 'present' OR m.source <> ?4)
  ORDER BY l.archive, l.native_id LIMIT ?5`;

const FIND_ABSENT = `INSERT INTO temp.absent_session (session_mark_id)
  SELECT session_mark_id FROM session_mark AS m WHERE m.source = ? AND m.state = 'present' AND NOT EXISTS
    (SELECT 1 FROM temp.listed_session AS l WHERE l.archive = m.archive AND l.native_id = m.native_id)`;

const ABSENT = `SELECT m.session_mark_id, m.key, m.archive, m.native_id, m.partition_id, m.project_group AS "group", m.notices
  FROM temp.absent_session AS a CROSS JOIN session_mark AS m USING (session_mark_id)
  WHERE a.session_mark_id > ?1 AND (?2 IS NULL OR a.fate = ?2) ORDER BY a.session_mark_id LIMIT ?3`;

const NOTE_FATES = `UPDATE temp.absent_session SET fate = told.fate FROM
  (SELECT m.session_mark_id, f.value ->> 2 AS fate FROM json_each(?) AS f
    CROSS JOIN session_mark AS m ON m.archive = f.value ->> 0 AND m.native_id = f.value ->> 1) AS told
  WHERE told.session_mark_id = absent_session.session_mark_id`;

/** What one round listed, beside what is known. One at a time on a database. */
export class RoundListing {
  readonly #db: Database;

  /** Begins an empty listing. */
  constructor(db: Database) {
    this.#db = db;
    db.exec(TABLES);
  }

  /** At most 1,000. A session that is listed twice counts as it was told last. */
  add(marks: readonly SourceMark[]): void {
    this.#db.run(ADD, JSON.stringify(marks.map((mark) => [mark.archive, mark.native_id, mark.mark, mark.group])));
  }

  /**
   * Listed sessions of which `source` says something new, in the order of (archive, native id), after `after`.
   * `everything`: all of them.
   */
  changed(
    source: string,
    everything: boolean,
    after: { archive: string; native_id: string } | null,
    limit: number,
  ): ChangedSession[] {
    const from = after ?? { archive: '', native_id: '' };
    return this.#db.all<ChangedSession>(CHANGED, from.archive, from.native_id, everything ? 1 : 0, source, limit);
  }

  /** Finds the sessions of `source` that the listing, which must be complete, does not have. Returns their number. */
  findAbsent(source: string): number {
    return this.#db.run(FIND_ABSENT, source);
  }

  /** Pages of what `findAbsent` found, oldest known first; with a fate, those of that fate. */
  *absent(fate: Absence['fate'] | null, limit: number): Generator<AbsentSession[], void> {
    let after = 0;
    for (;;) {
      const page = this.#db.all<AbsentSession & { session_mark_id: number }>(ABSENT, after, fate, limit);
      if (page.length > 0) yield page;
      const last = page.at(-1);
      if (last === undefined || page.length < limit) return;
      after = last.session_mark_id;
    }
  }

  /** What became of absent sessions; one without a fate stays as it is. */
  noteFates(absences: readonly Absence[]): void {
    if (absences.length === 0) return;
    this.#db.run(NOTE_FATES, JSON.stringify(absences.map((one) => [one.archive, one.native_id, one.fate])));
  }

  /** How many of the absent ones have this fate. */
  count(fate: Absence['fate']): number {
    return this.#db.value('SELECT count(*) FROM temp.absent_session WHERE fate = ?', fate);
  }

  /** Sessions that `source` told of and that have not gone, those of this listing that are new not counted. */
  known(source: string): number {
    return this.#db.value(`SELECT count(*) FROM session_mark WHERE source = ? AND state = 'present'`, source);
  }

  /** Lets go of what it holds. */
  end(): void {
    this.#db.exec('DELETE FROM temp.listed_session; DELETE FROM temp.absent_session;');
  }
}

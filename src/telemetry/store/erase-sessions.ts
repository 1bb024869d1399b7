/** Which sessions of telemetry a person means, and how nothing is left of them. */
import { StaleError } from '../../platform/errors.ts';
import type { LiteralText } from '../../platform/literal-text.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { Projects } from './project-filter.ts';
import type { Reader } from './report.ts';

export interface SessionsNamed {
  /** Glob over the name that the reader has for a project; null: any. */
  project: string | null;
  /** Began before this, epoch ms; a session without a time does not fit. Null: any. */
  before_ms: number | null;
}

/** Tables whose rows belong to one session; the session's own row goes last. */
const OF_A_SESSION = ['tool_call', 'usage', 'tool_span', 'event', 'session'] as const;

/** Sessions deleted in one transaction. */
const AT_ONCE = 20;

const AMONG = 'team_id = ?1 AND session_id_hash IN (SELECT value FROM json_each(?2))';

export function sessionsNamed(db: Database, reader: Reader, { project, before_ms }: SessionsNamed): string[] {
  return db.snapshot(() => {
    const workspace_keys = new Projects(db, reader.team_id, reader.project_names).matching(project);
    const rows = db.all<{ hash: string }>(
      `SELECT session_id_hash AS hash FROM session
       WHERE team_id = ?1
         AND (?2 IS NULL OR coalesce(account_workspace, event_workspace) IN (SELECT value FROM json_each(?2)))
         AND (?3 IS NULL OR coalesce(min(started_at_ms, event_first_ms), started_at_ms, event_first_ms) < ?3)`,
      reader.team_id,
      workspace_keys === null ? null : JSON.stringify(workspace_keys),
      before_ms,
    );
    return rows.map(({ hash }) => hash);
  });
}

export function sessionsContaining(db: Database, team_id: string, text: LiteralText): string[] {
  return db.snapshot(() => {
    const found = new Set<string>();
    const rows = db
      .prepare(
        `SELECT s.session_id_hash AS hash, e.payload AS json FROM event e JOIN session s USING (session_key)
         WHERE e.team_id = ?1 AND instr(lower(e.payload), ?2) > 0
         UNION ALL
         SELECT session_id_hash, json_array(title, branch) FROM session
         WHERE team_id = ?1 AND instr(lower(json_array(title, branch)), ?2) > 0`,
      )
      .iterate(team_id, text.probe) as Iterable<{ hash: string; json: string }>;
    for (const { hash, json } of rows) if (!found.has(hash) && text.isInJson(json)) found.add(hash);
    return [...found];
  });
}

export function countSessions(db: Database, team_id: string, hashes: readonly string[]): number {
  return db.value<number>(`SELECT count(*) FROM session WHERE ${AMONG}`, team_id, JSON.stringify(hashes));
}

export function workspacesOf(db: Database, team_id: string, hashes: readonly string[]): Map<string, string[]> {
  const rows = db.all<{ hash: string; workspace: string }>(
    `WITH among AS (SELECT * FROM session WHERE ${AMONG}),
       worked AS (
         SELECT session_id_hash, account_workspace AS workspace_key FROM among
         UNION SELECT session_id_hash, event_workspace FROM among
         UNION SELECT a.session_id_hash, u.workspace_key FROM among a JOIN usage u USING (team_id, session_key)
         UNION SELECT a.session_id_hash, t.workspace_key FROM among a JOIN tool_span t USING (team_id, session_key))
     SELECT session_id_hash AS hash, workspace_hash AS workspace FROM worked JOIN workspace USING (workspace_key)`,
    team_id,
    JSON.stringify(hashes),
  );
  const grouped = Map.groupBy(rows, ({ hash }) => hash);
  return new Map([...grouped].map(([hash, some]) => [hash, some.map(({ workspace }) => workspace)]));
}

/** @throws StaleError `storage.readers` */
export function eraseSessions(db: Database, team_id: string, hashes: readonly string[]): number {
  let erased = 0;
  for (let from = 0; from < hashes.length; from += AT_ONCE) {
    const some = JSON.stringify(hashes.slice(from, from + AT_ONCE));
    erased += db.transaction(() => deleteAmong(db, team_id, some));
  }
  scrub(db);
  return erased;
}

/** @throws StaleError `storage.readers` */
export function scrub(db: Database): void {
  if (db.scrub()) return;
  throw new StaleError('storage.readers', 'Erased, but a reader of the store still holds the pages as they were', {
    hint: 'Do it again once reports that are running have ended.',
  });
}

/** Deletes all rows of sessions (their hashes as a JSON array) in the caller's transaction; returns how many there were. */
export function deleteAmong(db: Database, team_id: string, hashes: string): number {
  let sessions = 0;
  for (const table of OF_A_SESSION)
    sessions = db.run(
      `DELETE FROM ${table} WHERE team_id = ?1 AND session_key IN (SELECT session_key FROM session WHERE ${AMONG})`,
      team_id,
      hashes,
    );
  return sessions;
}

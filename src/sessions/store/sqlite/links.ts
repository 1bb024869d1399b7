import type { Database } from '../../../storage/sqlite/database.ts';
import { shaMatches } from '../../links/sha.ts';
import { CONFIDENCE, type LinkFinder } from '../link-finder.ts';
import type { GitLink, GitLinkQuery, Reader, SessionStore } from '../session-store.ts';
import { byTime, withoutCopies, type Happening } from '../copies.ts';
import { HAPPENING_COLUMNS, OLDEST_FIRST } from './happening.ts';
import { ordinalOf } from './ids.ts';
import { summariesById } from './summary.ts';
import type { Condition } from './visible.ts';

interface LinkRow extends Omit<GitLink, 'ordinal' | 'confidence'> {
  message_id: number;
  doubt: number;
}

const LINK_COLUMNS = 's.key, l.message_id, l.kind, l.sha, l.url, l.repository, l.branch, l.doubt';

function linkOf({ message_id, doubt, key, kind, sha, url, repository, branch }: LinkRow): GitLink {
  const confidence = CONFIDENCE[doubt] ?? 'low';
  return { key, ordinal: ordinalOf(message_id), kind, sha, url, repository, branch, confidence };
}

/** The links of one session, in the order of its messages. */
export function linksOfSession(db: Database, { team_id }: Reader, key: string): GitLink[] {
  return db
    .all<LinkRow>(
      `SELECT ${LINK_COLUMNS} FROM session s
       JOIN git_link l ON l.message_id BETWEEN s.session_id << 24 AND (s.session_id << 24) + 16777215
       WHERE s.team_id = ? AND s.key = ? ORDER BY l.message_id, l.link_id`,
      team_id,
      key,
    )
    .map(linkOf);
}

/** Sessions behind a commit or pull request, each once: most confident, then newest first. */
export function linked(
  db: Database,
  finder: LinkFinder,
  { team_id }: Reader,
  query: GitLinkQuery,
  limit: number,
): Awaited<ReturnType<SessionStore['linked']>> {
  const condition = conditionOf(finder, query);
  if (condition === null) return [];
  return db.snapshot(() => {
    const rows = db.all<LinkRow & Happening>(
      `SELECT ${LINK_COLUMNS}, ${HAPPENING_COLUMNS} FROM git_link l
       CROSS JOIN message m USING (message_id) CROSS JOIN session s ON s.session_id = l.session_id
       WHERE ${condition.sql} AND s.team_id = ? AND s.presence NOT IN ('trashed', 'deleted') ORDER BY ${OLDEST_FIRST}`,
      ...condition.parameters,
      team_id,
    );
    const best = new Map<number, LinkRow & Happening>();
    for (const row of withoutCopies(rows).sort((a, b) => a.doubt - b.doubt || byTime(a, b)))
      if (!best.has(row.session_id)) best.set(row.session_id, row);
    const shown = [...best.values()].slice(0, Math.max(0, limit));
    const sessions = summariesById(
      db,
      team_id,
      shown.map(({ session_id }) => session_id),
    );
    return shown.flatMap((row) => {
      const session = sessions.get(row.session_id);
      return session ? [{ link: linkOf(row), session }] : [];
    });
  });
}

/** Null: the query names neither a commit nor a pull request. */
function conditionOf(finder: LinkFinder, { sha, url, repository }: GitLinkQuery): Condition | null {
  const within = repository === undefined ? '' : ' AND (l.repository IS NULL OR l.repository = ? COLLATE NOCASE)';
  const narrowing = repository === undefined ? [] : [repository];
  const matches = sha === undefined ? null : shaMatches(sha);
  if (matches !== null)
    return {
      sql: `(l.sha >= ? AND l.sha < ? OR l.sha IN (SELECT value FROM json_each(?)))${within}`,
      parameters: [matches.from, matches.before, JSON.stringify(matches.beginnings), ...narrowing],
    };
  const canonical = url === undefined ? null : finder.canonicalUrl(url, repository ?? null);
  return canonical === null ? null : { sql: `l.url = ?${within}`, parameters: [canonical, ...narrowing] };
}

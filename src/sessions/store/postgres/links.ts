import { SEGMENT_ORDINALS } from '../../../agents/conversation.ts';
import type { Postgres, PostgresConnection } from '../../../storage/postgres/postgres.ts';
import { storable } from '../../../storage/postgres/steps.ts';
import { shaMatches } from '../../links/sha.ts';
import { byTime, withoutCopies, type Happening } from '../copies.ts';
import { CONFIDENCE, type LinkFinder } from '../link-finder.ts';
import type { GitLink, GitLinkQuery, Reader, SessionStore } from '../session-store.ts';
import { HAPPENING_COLUMNS, OLDEST_FIRST } from './happening.ts';
import { messagesWithCalls } from './messages.ts';
import type { SessionRows } from './put-rows.ts';
import { summariesById } from './summary.ts';
import { Parameters } from './visible.ts';

interface LinkRow extends Omit<GitLink, 'confidence'> {
  doubt: number;
}

/** Messages whose links are found anew at once. */
const RELINKED_AT_ONCE = 256;

const LINK_COLUMNS = 's.key, l.ordinal, l.kind, l.sha, l.url, l.repository, l.branch, l.doubt';

function linkOf({ doubt, key, ordinal, kind, sha, url, repository, branch }: LinkRow): GitLink {
  return { key, ordinal, kind, sha, url, repository, branch, confidence: CONFIDENCE[doubt] ?? 'low' };
}

/** The links of one session, in the order of its messages. */
export async function linksOfSession(postgres: Postgres, { team_id }: Reader, key: string): Promise<GitLink[]> {
  const rows = await postgres.query<LinkRow>(
    `SELECT ${LINK_COLUMNS} FROM syncline_sessions.session s JOIN syncline_sessions.git_link l USING (session_id)
     WHERE s.team_id = $1 AND s.key = $2 ORDER BY l.ordinal, l.link_id`,
    [storable(team_id), storable(key)],
  );
  return rows.map(linkOf);
}

/** Sessions behind a commit or pull request, each once: most confident, then newest first. */
export async function linked(
  postgres: Postgres,
  finder: LinkFinder,
  { team_id }: Reader,
  query: GitLinkQuery,
  limit: number,
): Promise<Awaited<ReturnType<SessionStore['linked']>>> {
  const parameters = new Parameters();
  const condition = conditionOf(finder, query, parameters);
  if (condition === null) return [];
  return postgres.snapshot(async (connection) => {
    const rows = await connection.query<LinkRow & Happening>(
      `SELECT ${LINK_COLUMNS}, ${HAPPENING_COLUMNS} FROM syncline_sessions.git_link l
         JOIN syncline_sessions.message m USING (session_id, ordinal)
         JOIN syncline_sessions.session s USING (session_id)
       WHERE ${condition} AND s.team_id = ${parameters.add(team_id)} AND s.presence NOT IN ('trashed', 'deleted')
       ORDER BY ${OLDEST_FIRST}`,
      parameters.values,
    );
    const best = new Map<number, LinkRow & Happening>();
    for (const row of withoutCopies(rows).sort((a, b) => a.doubt - b.doubt || byTime(a, b)))
      if (!best.has(row.session_id)) best.set(row.session_id, row);
    const shown = [...best.values()].slice(0, Math.max(0, limit));
    const ids = shown.map(({ session_id }) => session_id);
    const sessions = await summariesById(connection, team_id, ids);
    return shown.flatMap((row) => {
      const session = sessions.get(row.session_id);
      return session ? [{ link: linkOf(row), session }] : [];
    });
  });
}

/** Null: the query names neither a commit nor a pull request. */
function conditionOf(
  finder: LinkFinder,
  { sha, url, repository }: GitLinkQuery,
  parameters: Parameters,
): string | null {
  const within = (): string =>
    repository === undefined
      ? ''
      : ` AND (l.repository IS NULL OR lower(l.repository) = lower(${parameters.add(repository)}))`;
  const matches = sha === undefined ? null : shaMatches(sha);
  if (matches !== null) {
    const range = `l.sha >= ${parameters.add(matches.from)} AND l.sha < ${parameters.add(matches.before)}`;
    return `(${range} OR l.sha = ANY (${parameters.add(matches.beginnings)}::text[]))${within()}`;
  }
  const canonical = url === undefined ? null : finder.canonicalUrl(url, repository ?? null);
  return canonical === null ? null : `l.url = ${parameters.add(canonical)}${within()}`;
}

/** The session is known to be of another repository now: the links of its segments that stay, found anew. */
export async function keptLinks(
  connection: PostgresConnection,
  { session_id, links, context }: SessionRows,
  replaced: ReadonlySet<number>,
): Promise<GitLink[]> {
  const found: GitLink[] = [];
  for (let from = 0; ;) {
    const messages = await messagesWithCalls(connection, session_id, from, RELINKED_AT_ONCE);
    for (const message of messages)
      if (!replaced.has(Math.floor(message.ordinal / SEGMENT_ORDINALS))) found.push(...links.linksOf(message, context));
    const last = messages.at(-1);
    if (last === undefined || messages.length < RELINKED_AT_ONCE) return found;
    from = last.ordinal + 1;
  }
}

import type { Postgres } from '../../../storage/postgres/postgres.ts';
import { storable } from '../../../storage/postgres/steps.ts';
import { limitOf, listCursor, parseListCursor } from '../cursor.ts';
import { MOST_CANDIDATES, NO_START, ambiguous, isNativeBeginning, keysBeginning } from '../looking-up.ts';
import type { Page, Reader, SessionFilter, SessionPage, SessionStore, SessionSummary } from '../session-store.ts';
import { SUMMARY_COLUMNS, summaryOf, type SummaryRow } from './summary.ts';
import { Parameters, isVisible, readable } from './visible.ts';

/** @throws InvalidInputError `sessions.cursor` */
export async function listSessions(
  postgres: Postgres,
  reader: Reader,
  filter: SessionFilter,
  page: Page,
): Promise<SessionPage> {
  const after = page.after === null ? null : parseListCursor(page.after);
  const limit = limitOf(page);
  return postgres.snapshot(async (connection) => {
    const parameters = new Parameters();
    const condition = isVisible(await readable(connection, reader, filter), parameters);
    const [count] = await connection.query<{ total: number }>(
      `SELECT count(*) AS total FROM syncline_sessions.session s WHERE ${condition}`,
      parameters.values,
    );
    const start = after && parameters.add(after.start ?? NO_START);
    const beyond = after === null ? '' : `AND (s.start_order, s.key) < (${start}, ${parameters.add(after.key)})`;
    const rows = await connection.query<SummaryRow>(
      `SELECT ${SUMMARY_COLUMNS} FROM syncline_sessions.session s WHERE ${condition} ${beyond}
       ORDER BY s.start_order DESC, s.key DESC LIMIT ${parameters.add(limit + 1)}`,
      parameters.values,
    );
    const sessions = rows.slice(0, limit).map(summaryOf);
    const last = rows.length > limit ? sessions.at(-1) : undefined;
    const next = last ? listCursor({ start: last.started_at_ms, key: last.key }) : null;
    return { sessions, total: count?.total ?? 0, next };
  });
}

/** @throws InvalidInputError `sessions.ambiguous` */
export async function findSession(postgres: Postgres, { team_id }: Reader, id: string): Promise<SessionSummary | null> {
  const among = async (condition: string, ...values: string[]): Promise<SessionSummary | null> => {
    const rows = await postgres.query<SummaryRow>(
      `SELECT ${SUMMARY_COLUMNS} FROM syncline_sessions.session s
       WHERE s.team_id = $1 AND s.presence <> 'deleted' AND (${condition}) ORDER BY s.key LIMIT ${MOST_CANDIDATES + 1}`,
      [team_id, ...values].map(storable),
    );
    const found = rows.map(summaryOf);
    if (found.length > 1) throw ambiguous(found);
    return found[0] ?? null;
  };
  const found = (await among('s.key = $2', id)) ?? (await among('s.native_id = $2', id));
  if (found) return found;
  const range = keysBeginning(id) ?? { from: '', before: '' };
  // The beginning of a key and that of an agent's id look alike: both are looked for, and two that fit are two.
  const native = isNativeBeginning(id) ? [id, `${id}\u{10FFFF}`] : ['', ''];
  const condition = 's.key >= $2 AND s.key < $3 OR s.native_id >= $4 AND s.native_id < $5';
  return among(condition, range.from, range.before, ...native);
}

export async function facets(
  postgres: Postgres,
  reader: Reader,
  filter: SessionFilter,
): Promise<Awaited<ReturnType<SessionStore['facets']>>> {
  const parameters = new Parameters();
  const condition = isVisible(await readable(postgres, reader, filter), parameters);
  const [row] = await postgres.query<Awaited<ReturnType<SessionStore['facets']>>>(
    `WITH seen AS MATERIALIZED (
       SELECT s.project, s.agent, s.member, s.models FROM syncline_sessions.session s WHERE ${condition})
     SELECT ARRAY(SELECT DISTINCT project::text FROM seen) AS projects, ARRAY(SELECT DISTINCT agent::text FROM seen) AS agents,
       ARRAY(SELECT DISTINCT member::text FROM seen) AS members, ARRAY(SELECT DISTINCT unnest(models) FROM seen) AS models`,
    parameters.values,
  );
  const sorted = (values: string[] = []): string[] => [...values].sort();
  return {
    projects: sorted(row?.projects),
    agents: sorted(row?.agents),
    members: sorted(row?.members),
    models: sorted(row?.models),
  };
}

export async function totals(
  postgres: Postgres,
  { team_id }: Reader,
): Promise<Awaited<ReturnType<SessionStore['totals']>>> {
  return postgres.snapshot(async (connection) => {
    const team = [storable(team_id)];
    const redactions = await connection.query<{ rule: string; count: number }>(
      `SELECT r.rule, sum(r.count)::bigint AS count FROM syncline_sessions.session s,
         unnest(s.redacted_rules, s.redacted_counts) AS r (rule, count) WHERE s.team_id = $1 GROUP BY r.rule`,
      team,
    );
    const [counts] = await connection.query<{ sessions: number; messages: number; last_stored_ms: number | null }>(
      `SELECT count(*) AS sessions, max(s.stored_at_ms) AS last_stored_ms,
         (SELECT coalesce(sum(g.messages), 0) FROM syncline_sessions.session o
          JOIN syncline_sessions.segment g USING (session_id) WHERE o.team_id = $1) AS messages
       FROM syncline_sessions.session s WHERE s.team_id = $1`,
      team,
    );
    return {
      sessions: counts?.sessions ?? 0,
      messages: counts?.messages ?? 0,
      redactions: Object.fromEntries(redactions.map(({ rule, count }) => [rule, count])),
      last_stored_ms: counts?.last_stored_ms ?? null,
    };
  });
}

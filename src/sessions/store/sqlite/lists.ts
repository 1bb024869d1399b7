import type { Database } from '../../../storage/sqlite/database.ts';
import { limitOf, listCursor, parseListCursor } from '../cursor.ts';
import { MOST_CANDIDATES, NO_START, ambiguous, isNativeBeginning, keysBeginning } from '../looking-up.ts';
import type { Page, Reader, SessionFilter, SessionPage, SessionStore, SessionSummary } from '../session-store.ts';
import { SUMMARY_COLUMNS, summaryOf, type SummaryRow } from './summary.ts';
import { visible } from './visible.ts';

/** @throws InvalidInputError `sessions.cursor` */
export function listSessions(db: Database, reader: Reader, filter: SessionFilter, page: Page): SessionPage {
  const after = page.after === null ? null : parseListCursor(page.after);
  const limit = limitOf(page);
  return db.snapshot(() => {
    const { sql, parameters } = visible(db, reader, filter);
    const total = db.value<number>(`SELECT count(*) FROM session s WHERE ${sql}`, ...parameters);
    const rows = db.all<SummaryRow>(
      `SELECT ${SUMMARY_COLUMNS} FROM session s WHERE ${sql}
       ${after === null ? '' : 'AND (s.start_order, s.key) < (?, ?)'} ORDER BY s.start_order DESC, s.key DESC LIMIT ?`,
      ...parameters,
      ...(after === null ? [] : [after.start ?? NO_START, after.key]),
      limit + 1,
    );
    const sessions = rows.slice(0, limit).map(summaryOf);
    const last = rows.length > limit ? sessions.at(-1) : undefined;
    return { sessions, total, next: last ? listCursor({ start: last.started_at_ms, key: last.key }) : null };
  });
}

/** @throws InvalidInputError `sessions.ambiguous` */
export function findSession(db: Database, { team_id }: Reader, id: string): SessionSummary | null {
  const among = (sql: string, ...parameters: string[]): SessionSummary | null => {
    const rows = db.all<SummaryRow>(
      `SELECT ${SUMMARY_COLUMNS} FROM session s WHERE s.team_id = ? AND s.presence <> 'deleted' AND (${sql})
       ORDER BY s.key LIMIT ${MOST_CANDIDATES + 1}`,
      team_id,
      ...parameters,
    );
    const found = rows.map(summaryOf);
    if (found.length > 1) throw ambiguous(found);
    return found[0] ?? null;
  };
  return db.snapshot(() => {
    const found = among('s.key = ?', id) ?? among('s.native_id = ?', id);
    if (found) return found;
    const range = keysBeginning(id) ?? { from: '', before: '' };
    // The beginning of a key and that of an agent's id look alike: both are looked for, and two that fit are two.
    const native = isNativeBeginning(id) ? [id, `${id}\u{10FFFF}`] : ['', ''];
    return among(
      's.key >= ? AND s.key < ? OR s.native_id >= ? AND s.native_id < ?',
      range.from,
      range.before,
      ...native,
    );
  });
}

export function facets(
  db: Database,
  reader: Reader,
  filter: SessionFilter,
): Awaited<ReturnType<SessionStore['facets']>> {
  return db.snapshot(() => {
    const { sql, parameters } = visible(db, reader, filter);
    const distinct = (column: string, from = 'session s'): string[] =>
      db
        .all<{ value: string }>(`SELECT DISTINCT ${column} AS value FROM ${from} WHERE ${sql}`, ...parameters)
        .map(({ value }) => value)
        .sort();
    return {
      projects: distinct('s.project'),
      agents: distinct('s.agent'),
      members: distinct('s.member'),
      models: distinct('model.value', 'session s, json_each(s.models) AS model'),
    };
  });
}

export function totals(db: Database, { team_id }: Reader): Awaited<ReturnType<SessionStore['totals']>> {
  return db.snapshot(() => {
    const redactions = db.all<{ rule: string; count: number }>(
      `SELECT rule.key AS rule, sum(rule.value) AS count FROM session s, json_each(s.redactions) AS rule
       WHERE s.team_id = ? GROUP BY rule.key`,
      team_id,
    );
    const counts = db.get<{ sessions: number; last_stored_ms: number | null }>(
      'SELECT count(*) AS sessions, max(stored_at_ms) AS last_stored_ms FROM session WHERE team_id = ?',
      team_id,
    );
    const messages = db.value<number>(
      'SELECT coalesce(sum(messages), 0) FROM session s JOIN segment USING (session_id) WHERE s.team_id = ?',
      team_id,
    );
    return {
      sessions: counts?.sessions ?? 0,
      messages,
      redactions: Object.fromEntries(redactions.map(({ rule, count }) => [rule, count])),
      last_stored_ms: counts?.last_stored_ms ?? null,
    };
  });
}

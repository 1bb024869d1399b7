import type { Postgres } from '../../../storage/postgres/postgres.ts';
import { fileName, plainPath } from '../edited-file.ts';
import { byTime, withoutCopies, type Happening } from '../copies.ts';
import type { Reader, SessionFilter, SessionStore } from '../session-store.ts';
import { HAPPENING_COLUMNS, OLDEST_FIRST } from './happening.ts';
import { summariesById } from './summary.ts';
import { Parameters, isVisible, readable } from './visible.ts';

/** Messages whose calls edited a file whose path ends with these whole parts; newest first, copies at the oldest session. */
export async function editing(
  postgres: Postgres,
  reader: Reader,
  path_suffix: string,
  filter: SessionFilter,
  limit: number,
): Promise<Awaited<ReturnType<SessionStore['editing']>>> {
  const path = plainPath(path_suffix);
  if (fileName(path) === '') return [];
  return postgres.snapshot(async (connection) => {
    const parameters = new Parameters();
    const condition = isVisible(await readable(connection, reader, filter), parameters);
    const [name, whole, end] = [fileName(path), path, `/${path}`].map((text) => parameters.add(text));
    const rows = await connection.query<Happening & { ordinal: number }>(
      `SELECT m.ordinal, ${HAPPENING_COLUMNS} FROM syncline_sessions.message m
         JOIN syncline_sessions.session s USING (session_id)
       WHERE (m.session_id, m.ordinal) IN (
           SELECT c.session_id, c.ordinal FROM syncline_sessions.tool_call c
           WHERE c.file_name = ${name} AND (c.edited = ${whole} OR right(c.edited, length(${end})) = ${end}))
         AND ${condition} ORDER BY ${OLDEST_FIRST}`,
      parameters.values,
    );
    const shown = withoutCopies(rows).sort(byTime).slice(0, Math.max(0, limit));
    const ids = shown.map(({ session_id }) => session_id);
    const sessions = await summariesById(connection, reader.team_id, ids);
    return shown.flatMap(({ session_id, ordinal, at_ms }) => {
      const session = sessions.get(session_id);
      return session ? [{ session, ordinal, at_ms }] : [];
    });
  });
}

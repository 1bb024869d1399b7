import type { Database } from '../../../storage/sqlite/database.ts';
import type { Reader, SessionFilter, SessionStore } from '../session-store.ts';
import { fileName, plainPath } from '../edited-file.ts';
import { byTime, withoutCopies, type Happening } from '../copies.ts';
import { HAPPENING_COLUMNS, OLDEST_FIRST } from './happening.ts';
import { ordinalOf } from './ids.ts';
import { summariesById } from './summary.ts';
import { visible } from './visible.ts';

/** Messages whose calls edited a file whose path ends with these whole parts; newest first, copies at the oldest session. */
export function editing(
  db: Database,
  reader: Reader,
  path_suffix: string,
  filter: SessionFilter,
  limit: number,
): Awaited<ReturnType<SessionStore['editing']>> {
  const path = plainPath(path_suffix);
  if (fileName(path) === '') return [];
  return db.snapshot(() => {
    const { sql, parameters } = visible(db, reader, filter);
    const rows = db.all<Happening>(
      `SELECT DISTINCT ${HAPPENING_COLUMNS} FROM tool_call c
       CROSS JOIN message m USING (message_id) CROSS JOIN session s ON s.session_id = m.message_id >> 24
       WHERE c.file_name = ? AND (c.edited = ? OR substr(c.edited, -length(?)) = ?) AND ${sql} ORDER BY ${OLDEST_FIRST}`,
      fileName(path),
      path,
      `/${path}`,
      `/${path}`,
      ...parameters,
    );
    const shown = withoutCopies(rows).sort(byTime).slice(0, Math.max(0, limit));
    const sessions = summariesById(
      db,
      reader.team_id,
      shown.map(({ session_id }) => session_id),
    );
    return shown.flatMap(({ session_id, message_id, at_ms }) => {
      const session = sessions.get(session_id);
      return session ? [{ session, ordinal: ordinalOf(message_id), at_ms }] : [];
    });
  });
}

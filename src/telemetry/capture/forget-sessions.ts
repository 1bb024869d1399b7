import type { Database } from '../../storage/sqlite/database.ts';

/**
 * Forgets what capture remembers of sessions beside their entries: their account and their tool spans. How far their files
 * were read stays, and so does what is known of copied turns. The caller erases the subjects, which cleans the file.
 */
export function forgetSessions(db: Database, hashes: readonly string[]): void {
  const among = JSON.stringify(hashes);
  db.transaction(() => {
    db.run('DELETE FROM telemetry_span WHERE session IN (SELECT value FROM json_each(?))', among);
    db.run('DELETE FROM telemetry_session WHERE session IN (SELECT value FROM json_each(?))', among);
  });
}

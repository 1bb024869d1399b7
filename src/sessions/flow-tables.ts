import type { Database } from '../storage/sqlite/database.ts';
import { migrate } from '../storage/sqlite/migrations.ts';

const MIGRATIONS = new URL('./migrations/', import.meta.url);

/** Brings the sessions flow's own tables in the journal's file up to date. */
export function migrateSessionTables(db: Database, now_ms: number): void {
  migrate(db, MIGRATIONS, now_ms, 'sessions');
}

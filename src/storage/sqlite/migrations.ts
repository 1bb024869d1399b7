import { chmodSync, existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SynclineError } from '../../platform/errors.ts';
import type { Database } from './database.ts';

/** Backups that stay for each room of a file, made before its schema changed; older ones are removed. */
const BACKUPS_KEPT = 2;

interface Migration {
  number: number;
  name: string;
  sql: string;
}

/**
 * Brings a database to the newest schema of `folder` (`0001-name.sql`, `0002-…`), each file in a transaction of its
 * own, its row first: a second process that races collides on the key and finds the work done.
 * `room` keeps apart the schemas that share a file: the engine's and its flow's.
 * A file that holds data is copied beside itself first (`engine.db.before-main-0002`), and the last two copies of each room stay.
 * @throws SynclineError `storage.newer_schema` when the database was written by a newer program.
 */
export function migrate(db: Database, folder: URL, now_ms: number, room = 'main'): void {
  const migrations = readMigrations(folder);
  const newest = migrations.at(-1)?.number ?? 0;
  db.exec(
    `CREATE TABLE IF NOT EXISTS migration (room TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL, applied_ms INTEGER NOT NULL,
       PRIMARY KEY (room, number)) STRICT`,
  );
  const current = schemaVersion(db, room);
  if (current > newest) throw newerSchema(db, room, current, newest);
  const pending = migrations.filter((migration) => migration.number > current);
  if (current > 0 && pending[0]) backUp(db, room, pending[0].number);
  for (const migration of pending) apply(db, room, migration, now_ms);
}

/** Number of the last migration applied; 0 for an empty database. */
export function schemaVersion(db: Database, room = 'main'): number {
  return db.value<number | null>('SELECT max(number) FROM migration WHERE room = ?', room) ?? 0;
}

function readMigrations(folder: URL): Migration[] {
  const path = fileURLToPath(folder);
  return readdirSync(path)
    .filter((file) => /^\d{4}-.+\.sql$/.test(file))
    .sort()
    .map((file) => ({ number: Number(file.slice(0, 4)), name: file, sql: readFileSync(join(path, file), 'utf8') }));
}

function apply(db: Database, room: string, migration: Migration, now_ms: number): void {
  db.transaction(() => {
    const added = db.run(
      'INSERT INTO migration (room, number, name, applied_ms) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING',
      room,
      migration.number,
      migration.name,
      now_ms,
    );
    if (added === 1) db.exec(migration.sql);
  });
}

function backUp(db: Database, room: string, number: number): void {
  if (db.path === ':memory:') return;
  const prefix = `${basename(db.path)}.before-${room}-`;
  const folder = dirname(db.path);
  const copy = join(folder, `${prefix}${String(number).padStart(4, '0')}`);
  // Left by an upgrade that was cut off; VACUUM INTO refuses to overwrite.
  if (existsSync(copy)) rmSync(copy);
  db.run('VACUUM INTO ?', copy);
  chmodSync(copy, 0o600);
  const copies = readdirSync(folder)
    .filter((file) => file.startsWith(prefix))
    .sort();
  for (const old of copies.slice(0, -BACKUPS_KEPT)) rmSync(join(folder, old));
}

function newerSchema(db: Database, room: string, current: number, newest: number): SynclineError {
  return new SynclineError(
    'storage.newer_schema',
    `${basename(db.path)} has schema ${current} (${room}); this program knows schemas up to ${newest}`,
    { hint: 'It was written by a newer Syncline. Start that version, or restore the backup made before its upgrade.' },
  );
}

/** Removes the copies that migrations left in a folder: they hold what was erased since. */
export function removeCopies(folder: string): void {
  for (const file of readdirSync(folder))
    if (/\.db\.before-[a-z]+-\d{4}(-wal|-shm)?$/.test(file)) rmSync(join(folder, file), { force: true });
}

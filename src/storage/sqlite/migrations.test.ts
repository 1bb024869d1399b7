import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { Database } from './database.ts';
import { migrate, schemaVersion } from './migrations.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let db: Database;
beforeEach(() => {
  scratch = scratchDirectory();
  db = new Database(join(scratch.path, 'engine.db'));
});
afterEach(() => {
  db.close();
  scratch.remove();
});

/** A folder with these migrations. */
function folder(name: string, files: Record<string, string>): URL {
  const path = join(scratch.path, name);
  mkdirSync(path, { recursive: true });
  for (const [file, sql] of Object.entries(files)) writeFileSync(join(path, file), sql);
  return pathToFileURL(`${path}/`);
}

const first = { '0001-first.sql': 'CREATE TABLE a (x INTEGER); INSERT INTO a VALUES (1);' };
const second = { ...first, '0002-second.sql': 'ALTER TABLE a ADD COLUMN y INTEGER DEFAULT 2;' };
const backups = (): string[] => readdirSync(scratch.path).filter((file) => file.includes('.before-'));

test('a fresh database gets every migration, once', () => {
  const migrations = folder('m', { ...second, 'README.md': 'no migration' });
  migrate(db, migrations, 7);
  migrate(db, migrations, 8);
  expect(db.all('SELECT x, y FROM a')).toEqual([{ x: 1, y: 2 }]);
  expect(db.all('SELECT room, number, name, applied_ms FROM migration')).toEqual([
    { room: 'main', number: 1, name: '0001-first.sql', applied_ms: 7 },
    { room: 'main', number: 2, name: '0002-second.sql', applied_ms: 7 },
  ]);
  expect(backups()).toEqual([]);
});

test('before a database with data is changed, it is copied beside itself; two copies stay', () => {
  migrate(db, folder('m', first), 1);
  migrate(db, folder('m', second), 2);
  expect(backups()).toEqual(['engine.db.before-main-0002']);
  const copy = new Database(join(scratch.path, 'engine.db.before-main-0002'), { read_only: true });
  expect(copy.all('SELECT * FROM a')).toEqual([{ x: 1 }]);
  copy.close();
  expect(statSync(join(scratch.path, 'engine.db.before-main-0002')).mode & 0o777).toBe(0o600);
  for (const number of ['0003', '0004'])
    migrate(db, folder('m', { [`${number}-more.sql`]: `CREATE TABLE t${number} (x INTEGER);` }), 3);
  expect(backups()).toEqual(['engine.db.before-main-0003', 'engine.db.before-main-0004']);
});

test('a copy left by an upgrade that was cut off is replaced', () => {
  migrate(db, folder('m', first), 1);
  writeFileSync(join(scratch.path, 'engine.db.before-main-0002'), 'half a copy');
  migrate(db, folder('m', second), 2);
  const copy = new Database(join(scratch.path, 'engine.db.before-main-0002'), { read_only: true });
  expect(copy.value('SELECT count(*) FROM a')).toBe(1);
  copy.close();
});

test('rooms of one file have schemas and copies of their own', () => {
  migrate(db, folder('engine', second), 1);
  migrate(db, folder('flow', { '0001-flow.sql': 'CREATE TABLE flow (x INTEGER);' }), 1, 'flow');
  migrate(db, folder('flow', { '0002-flow.sql': 'CREATE TABLE flow2 (x INTEGER);' }), 1, 'flow');
  expect([schemaVersion(db), schemaVersion(db, 'flow')]).toEqual([2, 2]);
  expect(backups()).toEqual(['engine.db.before-flow-0002']);
});

test('a database of a newer program is refused, with both versions named, and left alone', () => {
  migrate(db, folder('m', second), 1);
  const older = folder('older', first);
  expect(() => migrate(db, older, 2)).toThrow(
    expect.objectContaining({
      code: 'storage.newer_schema',
      message: 'engine.db has schema 2 (main); this program knows schemas up to 1',
    }) as Error,
  );
  expect(schemaVersion(db)).toBe(2);
});

test('a migration that fails leaves nothing of itself', () => {
  const bad = folder('bad', {
    ...first,
    '0002-bad.sql': 'CREATE TABLE b (x INTEGER); INSERT INTO nowhere VALUES (1);',
  });
  expect(() => migrate(db, bad, 1)).toThrow(/nowhere/);
  expect(schemaVersion(db)).toBe(1);
  expect(db.all(`SELECT name FROM sqlite_schema WHERE name = 'b'`)).toEqual([]);
  migrate(db, folder('m', second), 2);
  expect(schemaVersion(db)).toBe(2);
});

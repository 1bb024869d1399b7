import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { FullError, InvariantError } from '../../platform/errors.ts';
import { Database } from './database.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let db: Database;
beforeEach(() => {
  scratch = scratchDirectory();
  db = new Database(join(scratch.path, 'test.db'));
  db.exec('CREATE TABLE t (x INTEGER PRIMARY KEY, text TEXT)');
});
afterEach(() => {
  db.close();
  scratch.remove();
});

test('every file is durable, overwrites what is deleted, and belongs to its user alone', () => {
  const pragma = (name: string): unknown => db.value(`PRAGMA ${name}`);
  expect([pragma('journal_mode'), pragma('synchronous'), pragma('secure_delete'), pragma('foreign_keys')]).toEqual([
    'wal',
    2,
    1,
    1,
  ]);
  for (const file of ['test.db', 'test.db-wal', 'test.db-shm'])
    expect([file, statSync(join(scratch.path, file)).mode & 0o777]).toEqual([file, 0o600]);
});

test('a transaction commits whole or not at all; inner ones join the outer', () => {
  expect(() =>
    db.transaction(() => {
      db.run('INSERT INTO t (x) VALUES (1)');
      db.transaction(() => db.run('INSERT INTO t (x) VALUES (2)'));
      throw new Error('changed my mind');
    }),
  ).toThrow('changed my mind');
  expect(db.value('SELECT count(*) FROM t')).toBe(0);
  db.transaction(() => db.run('INSERT INTO t (x) VALUES (1)'));
  expect(db.value('SELECT count(*) FROM t')).toBe(1);
});

test('a transaction cannot be held over an await', () => {
  expect(() =>
    db.transaction(async () => {
      db.run('INSERT INTO t (x) VALUES (1)');
    }),
  ).toThrow(InvariantError);
  expect(db.value('SELECT count(*) FROM t')).toBe(0);
});

test('a snapshot sees one state and writes nothing', () => {
  const other = new Database(db.path);
  db.snapshot(() => {
    expect(db.value('SELECT count(*) FROM t')).toBe(0);
    other.run('INSERT INTO t (x) VALUES (1)');
    expect(db.value('SELECT count(*) FROM t')).toBe(0);
  });
  expect(db.value('SELECT count(*) FROM t')).toBe(1);
  other.close();
});

test('a full file is a FullError, rolls back whole, and can be emptied and used again', () => {
  db.limitBytes(64 * 4096);
  const fill = (): void =>
    db.transaction(() => {
      for (let i = 0; i < 100; i++) db.run('INSERT INTO t (text) VALUES (?)', 'x'.repeat(4000));
    });
  expect(fill).toThrow(FullError);
  expect(db.value('SELECT count(*) FROM t')).toBe(0);
  for (let i = 0; i < 40; i++) db.run('INSERT INTO t (text) VALUES (?)', 'x'.repeat(4000));
  db.run('DELETE FROM t');
  for (let i = 0; i < 40; i++) db.run('INSERT INTO t (text) VALUES (?)', 'x'.repeat(4000));
  expect(db.usedBytes()).toBeGreaterThan(40 * 4000);
  db.run('DELETE FROM t');
  expect(db.usedBytes()).toBeLessThan(db.sizeBytes() / 4);
});

test('a checkpoint leaves nothing in the WAL, and says when a reader prevents it', () => {
  const path = join(scratch.path, 'quick.db');
  const writer = new Database(path, { busy_timeout_ms: 0 });
  writer.exec('CREATE TABLE t (text TEXT)');
  writer.run('INSERT INTO t VALUES (?)', 'here today');
  const reader = new Database(path, { read_only: true });
  reader.snapshot(() => {
    expect(reader.value('SELECT count(*) FROM t')).toBe(1);
    writer.run('DELETE FROM t');
    expect(writer.checkpoint()).toBe(false);
  });
  reader.close();
  expect(writer.checkpoint()).toBe(true);
  expect(statSync(`${path}-wal`).size).toBe(0);
  expect(readFileSync(path).includes('here today')).toBe(false);
  writer.close();
});

test('a damaged file, a folder and a missing file are told apart, without their path', () => {
  const damaged = join(scratch.path, 'damaged.db');
  writeFileSync(damaged, 'this is no database, and long enough to be read as one'.repeat(100));
  expect(() => new Database(damaged)).toThrow(expect.objectContaining({ code: 'storage.corrupt' }) as Error);
  const missing = join(scratch.path, 'missing.db');
  expect(() => new Database(missing, { read_only: true })).toThrow(
    expect.objectContaining({
      code: 'storage.open',
      message: expect.not.stringContaining(scratch.path) as string,
    }) as Error,
  );
});

test('a statement that cannot be read names the file and the reason', () => {
  expect(() => db.all('SELECT x FROM nowhere')).toThrow(/test\.db: no such table: nowhere/);
});

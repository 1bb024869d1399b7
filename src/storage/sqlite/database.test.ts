import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
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

describe('what shares a commit', () => {
  const insert = (x: number) => () => db.run('INSERT INTO t (x) VALUES (?)', x);
  /** What another connection sees: what is committed. */
  const committed = (): number => {
    const other = new Database(db.path);
    const count = other.value<number>('SELECT count(*) FROM t');
    other.close();
    return count;
  };

  test('is done at once, and on disk when it resolves: all of one turn in one transaction', async () => {
    const resolved: number[] = [];
    const all = [1, 2, 3].map((x) => db.together(insert(x)).then(() => resolved.push(x)));
    expect([committed(), resolved]).toEqual([0, []]);
    await all[0];
    expect(committed()).toBe(3);
    await Promise.all(all);
    expect(resolved).toEqual([1, 2, 3]);
  });

  test.each([0, 1, 2])('stands alone where member %i fails', async (bad) => {
    const undone: number[] = [];
    const work = [0, 1, 2].map((x) =>
      db.together(
        () => {
          insert(x)();
          if (x === bad) throw new Error('no');
        },
        { undone: () => undone.push(x) },
      ),
    );
    const ends = await Promise.allSettled(work);
    expect(ends.map(({ status }) => status === 'fulfilled')).toEqual([0, 1, 2].map((x) => x !== bad));
    expect([committed(), undone]).toEqual([2, [bad]]);
  });

  test('goes together where the transaction itself is lost, and nobody is told that it is on disk', async () => {
    const undone: number[] = [];
    db.limitBytes(64 * 4096);
    const first = db.together(insert(1), { undone: () => undone.push(1) });
    const large = db.together(() => db.run('INSERT INTO t (text) VALUES (?)', 'x'.repeat(2 ** 20)), {
      undone: () => undone.push(2),
    });
    await expect(large).rejects.toThrow(FullError);
    const [{ status }] = await Promise.allSettled([first]);
    // SQLite may undo the statement or all of the transaction; either way what is told is what is there.
    expect([status, undone]).toEqual(committed() === 1 ? ['fulfilled', [2]] : ['rejected', [1, 2]]);
  });

  test('is committed before anything else is asked of the connection', () => {
    void db.together(insert(1));
    expect(committed()).toBe(0);
    expect(db.value('SELECT count(*) FROM t')).toBe(1);
    expect(committed()).toBe(1);
    void db.together(insert(2));
    expect(() =>
      db.transaction(() => {
        insert(3)();
        throw new Error('changed my mind');
      }),
    ).toThrow('changed my mind');
    expect(committed()).toBe(2);
  });

  test('is not lost when the connection is closed, and is bounded', () => {
    for (let x = 0; x < 20; x++) void db.together(insert(x));
    expect(committed()).toBe(16);
    const { path } = db;
    db.close();
    db = new Database(path);
    expect(committed()).toBe(20);
  });

  test('may wait for the disk in the background: others see it before, and all else still waits itself', async () => {
    const background = new Database(join(scratch.path, 'background.db'), { background_sync: true });
    const put = (x: number) => () => background.run('INSERT INTO t (x) VALUES (?)', x);
    background.exec('CREATE TABLE t (x INTEGER PRIMARY KEY)');
    const resolved: string[] = [];
    const durable = background.together(put(1)).then(() => resolved.push('disk'));
    const visible = background.together(put(2), { waits_for: 'commit' }).then(() => resolved.push('commit'));
    const failed = background.together(put(2)).catch(() => resolved.push('failed'));
    await Promise.all([visible, failed]);
    expect([resolved.includes('disk'), background.value('SELECT count(*) FROM t')]).toEqual([false, 2]);
    await durable;
    expect(resolved.at(-1)).toBe('disk');
    expect(background.value('PRAGMA synchronous')).toBe(2);
    const last = background.together(put(3));
    background.close();
    await last;
  });

  test('cannot be asked for inside a transaction', () => {
    expect(() => db.transaction(() => void db.together(insert(1)))).toThrow(InvariantError);
  });
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

import { createServer, type AddressInfo } from 'node:net';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { query, startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { seededRandom } from '../../platform/random.ts';
import { systemTimers } from '../../platform/timers.ts';
import { CopyChunks, CopyRows } from './copy-rows.ts';
import { migratePostgres, schemaVersion } from './migrations.ts';
import { Postgres, type PostgresOptions } from './postgres.ts';
import { arrayText, storable } from './steps.ts';

let cluster: TestPostgres;
const opened: Postgres[] = [];
beforeAll(async () => {
  cluster = await startPostgres();
});
afterAll(async () => {
  for (const postgres of opened) await postgres.close();
  await cluster.remove();
});

function connect(url: string, over: Partial<PostgresOptions> = {}): Postgres {
  const postgres = new Postgres({ url, timers: systemTimers, random: seededRandom(1), ...over });
  opened.push(postgres);
  return postgres;
}

describe('steps', () => {
  it('write texts, numbers, bytes and arrays as they are, in one round trip with the commit', async () => {
    const url = await cluster.createDatabase();
    await query(url, 'CREATE TABLE t (a int2, b int4, c int8, d int8, e text, f bytea, g bool, h int4[], i text[])');
    const rows = new CopyRows();
    const texts = ['', 'a\tb\\N\n"', '😀 ü', 'x'.repeat(400_000), null];
    for (const [i, text] of texts.entries()) {
      rows.row(9);
      rows.int2(-i);
      rows.int4(-2_000_000_000);
      rows.int8(i % 2 === 0 ? -9_007_199_254_740_991 : 2n ** 61n);
      rows.int8(i === 0 ? null : -1);
      rows.text(text);
      rows.bytes(Buffer.from([0, 255, i]));
      rows.bool(i > 0);
      rows.int4Array([1, -2, i]);
      rows.bytes(Buffer.from([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 25]));
    }
    const postgres = connect(url);
    await postgres.transaction(async (connection) => {
      await connection.begin('');
      await connection.commit([
        { sql: 'COPY t FROM STDIN (FORMAT binary)', copy: rows.finish() },
        {
          sql: 'UPDATE t SET i = $1::text[] WHERE a = $2::int2',
          values: [arrayText(['a"b', 'c\\d', '', 'NULL', null]), '-1'],
        },
      ]);
    });
    const found = await query(url, 'SELECT * FROM t ORDER BY a DESC');
    expect(found.map(({ e }) => e)).toEqual(texts);
    expect(found.map(({ a }) => a)).toEqual([0, -1, -2, -3, -4].map((a) => a + 0));
    expect(found[1]).toMatchObject({ b: -2_000_000_000, c: String(2n ** 61n), d: '-1', g: true, h: [1, -2, 1] });
    expect(found[1]).toMatchObject({ f: Buffer.from([0, 255, 1]), i: ['a"b', 'c\\d', '', 'NULL', null] });
    expect(found[0]).toMatchObject({ c: '-9007199254740991', d: null, g: false, i: [] });
  });

  it('have buffers that were sent before, in which nothing is left of what stood there', async () => {
    const url = await cluster.createDatabase();
    await query(url, 'CREATE TABLE t (a int4, b text)');
    const postgres = connect(url);
    const chunks = new CopyChunks();
    const used = new Set<ArrayBufferLike>();
    const text = (id: number): string => `${id} `.repeat(1 + ((id * 7_919) % 10_000));
    const write = async (from: number): Promise<void> => {
      const rows = new CopyRows(chunks);
      for (let id = from; id < from + 5; id++) {
        rows.row(2);
        rows.int4(id);
        rows.text(text(id));
      }
      const copy = rows.finish();
      for (const { buffer } of copy) used.add(buffer);
      await postgres.transaction(async (connection) => {
        await connection.begin('');
        await connection.commit([{ sql: 'COPY t FROM STDIN (FORMAT binary)', copy }]);
      });
      chunks.giveBack(copy);
    };
    for (let round = 0; round < 20; round++) await Promise.all([0, 5, 10].map((from) => write(round * 15 + from)));
    const found = await query(url, 'SELECT a, b FROM t ORDER BY a');
    expect(found.map(({ a }) => a)).toEqual(Array.from({ length: 300 }, (_, id) => id));
    expect(found.every(({ a, b }) => b === text(Number(a)))).toBe(true);
    const sent = found.reduce((sum, { b }) => sum + String(b).length, 0);
    expect([...used].reduce((sum, { byteLength }) => sum + byteLength, 0)).toBeLessThan(sent);
  });

  it('do nothing at all when one of them fails, whichever it is, and leave the connection usable', async () => {
    const url = await cluster.createDatabase();
    await query(url, 'CREATE TABLE t (a int4 PRIMARY KEY)');
    const postgres = connect(url, { max_connections: 1 });
    const copy = (value: number): Buffer[] => {
      const rows = new CopyRows();
      for (let i = 0; i < 50_000; i++) {
        rows.row(1);
        rows.int4(i === 25_000 ? value : i);
      }
      return rows.finish();
    };
    const good = { sql: 'INSERT INTO t VALUES ($1::int4)', values: ['-1'] };
    const bad = { sql: 'INSERT INTO t VALUES ($1::int4)', values: ['secret-value'] };
    const double = { sql: 'COPY t FROM STDIN (FORMAT binary)', copy: copy(1) };
    const whole = { sql: 'COPY t FROM STDIN (FORMAT binary)', copy: copy(25_000) };
    for (const steps of [
      [bad, whole, good],
      [good, double, good],
      [whole, bad],
      [good, good, whole],
    ]) {
      const writing = postgres.transaction(async (connection) => {
        await connection.begin('');
        await connection.commit(steps);
      });
      await expect(writing).rejects.toMatchObject({ code: 'storage.statement' });
      await expect(writing).rejects.not.toThrow(/secret-value/);
      expect(await postgres.query('SELECT count(*) AS n FROM t')).toEqual([{ n: 0 }]);
    }
  });

  it('can be given any text', async () => {
    const postgres = connect(cluster.url);
    const [row] = await postgres.query('SELECT $1::text AS text', [storable('a\0b\ud800c😀')]);
    expect(row).toEqual({ text: 'a\ufffdb\ufffdc😀' });
  });
});

describe('a transaction', () => {
  it('is made again when PostgreSQL gives it up for another one', async () => {
    const url = await cluster.createDatabase();
    await query(url, 'CREATE TABLE t (a int PRIMARY KEY, n int NOT NULL); INSERT INTO t VALUES (1, 0), (2, 0)');
    const postgres = connect(url);
    let attempts = 0;
    // Each locks one row, and then wants the other's: a deadlock whenever they meet.
    const add = (first: number, second: number): Promise<void> =>
      postgres.transaction(async (connection) => {
        attempts++;
        await connection.begin(`UPDATE t SET n = n + 1 WHERE a = ${first}; SELECT pg_sleep(0.02)`);
        await connection.commit([{ sql: 'UPDATE t SET n = n + 1 WHERE a = $1::int', values: [String(second)] }]);
      });
    for (let round = 0; round < 3; round++) await Promise.all([add(1, 2), add(2, 1)]);
    expect(await query(url, 'SELECT n FROM t')).toEqual([{ n: 6 }, { n: 6 }]);
    expect(attempts).toBeGreaterThan(6);
  });

  it('that is left open is rolled back', async () => {
    const url = await cluster.createDatabase();
    const postgres = connect(url, { max_connections: 1 });
    await postgres.transaction((connection) => connection.begin('CREATE TABLE left_open (a int)'));
    expect(await postgres.query(`SELECT to_regclass('left_open') AS t`)).toEqual([{ t: null }]);
  });

  it('ends when the caller wants no more, also in the middle of a statement', async () => {
    const postgres = connect(cluster.url, { max_connections: 1 });
    const asked = new AbortController();
    const waiting = postgres.transaction(async (connection) => {
      await connection.begin('');
      queueMicrotask(() => asked.abort(new Error('no more')));
      await connection.query('SELECT pg_sleep(60)');
    }, asked.signal);
    await expect(waiting).rejects.toThrow('no more');
    expect(await postgres.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    await expect(postgres.transaction(() => Promise.resolve(), asked.signal)).rejects.toThrow('no more');
  });

  it('says what takes too long: a statement for the server, an answer for us', async () => {
    const slow = connect(cluster.url, { statement_timeout_ms: 50 });
    await expect(slow.query('SELECT pg_sleep(60)')).rejects.toMatchObject({ code: 'storage.timeout', exit: 3 });
    const late = connect(cluster.url, { transaction_timeout_ms: 100 });
    const waiting = late.transaction(async (connection) => {
      await connection.begin('');
      await connection.query('SELECT pg_sleep(60)');
    });
    await expect(waiting).rejects.toMatchObject({ code: 'storage.timeout' });
  });
});

describe('a PostgreSQL that is not there', () => {
  const PASSWORD = 'hunter2';
  const refusals = async (url: string): Promise<string> => {
    const postgres = connect(url, { connect_timeout_ms: 1_000 });
    const error = await postgres.query('SELECT 1').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'storage.unreachable', exit: 3 });
    const told = [error, (error as Error).cause].map((one) =>
      JSON.stringify(one, Object.getOwnPropertyNames(one ?? {})),
    );
    expect(told.join()).not.toContain(PASSWORD);
    return (error as Error).message;
  };

  it('is named without its password, with the reason', async () => {
    const closed = `postgres://postgres:${PASSWORD}@127.0.0.1:1/db`;
    expect(await refusals(closed)).toBe('PostgreSQL at 127.0.0.1:1/db does not answer: ECONNREFUSED');
    const missing = `postgres://postgres:${PASSWORD}@127.0.0.1:${cluster.port}/no_such`;
    expect(await refusals(missing)).toBe(`There is no such database: 127.0.0.1:${cluster.port}/no_such`);
    const plain = `postgres://postgres:${PASSWORD}@127.0.0.1:${cluster.port}/postgres?sslmode=verify-full`;
    expect(await refusals(plain)).toContain('does not support SSL');
    const silent = createServer(() => undefined).listen(0, '127.0.0.1');
    await new Promise((resolve) => silent.once('listening', resolve));
    const { port } = silent.address() as AddressInfo;
    expect(await refusals(`postgres://postgres:${PASSWORD}@127.0.0.1:${port}/db`)).toContain('timeout');
    silent.close();
  });

  it('is noticed in the middle, and found again when it is back', async () => {
    const own = await startPostgres();
    try {
      const postgres = connect(own.url);
      const waiting = postgres.query('SELECT pg_sleep(60)').catch((error: unknown) => error);
      await postgres.query('SELECT 1');
      await own.stop('immediate');
      expect(await waiting).toMatchObject({ code: 'storage.unreachable' });
      await expect(postgres.query('SELECT 1')).rejects.toMatchObject({ code: 'storage.unreachable' });
      await own.start();
      expect(await postgres.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
    } finally {
      await own.remove();
    }
  });

  it('does not hide a defect of ours', async () => {
    const postgres = connect(cluster.url);
    const defect = new TypeError('x is not a function');
    await expect(postgres.transaction(() => Promise.reject(defect))).rejects.toBe(defect);
  });
});

describe('migrations', () => {
  const folderWith = (files: Record<string, string>): URL => {
    const folder = mkdtempSync(join(tmpdir(), 'migrations-'));
    folders.push(folder);
    for (const [name, sql] of Object.entries(files)) writeFileSync(join(folder, name), sql);
    return pathToFileURL(`${folder}/`);
  };
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true });
  });
  const FIRST = { '0001-a.sql': 'CREATE TABLE room.a (x int); INSERT INTO room.a VALUES (1)' };
  const BOTH = { ...FIRST, '0002-b.sql': 'ALTER TABLE room.a ADD y int DEFAULT 7' };

  it('are applied once, by one of several programs that start at the same moment', async () => {
    const url = await cluster.createDatabase();
    const folder = folderWith(BOTH);
    await Promise.all(Array.from({ length: 5 }, () => migratePostgres(connect(url), 'room', folder)));
    expect(await query(url, 'SELECT x, y FROM room.a')).toEqual([{ x: 1, y: 7 }]);
    expect(
      (await query(url, 'SELECT number, name FROM room.migration ORDER BY number')).map(({ name }) => name),
    ).toEqual(['0001-a.sql', '0002-b.sql']);
  });

  it('bring what is older up to date and keep what it has; all of them or none', async () => {
    const url = await cluster.createDatabase();
    const postgres = connect(url);
    await migratePostgres(postgres, 'room', folderWith(FIRST));
    await query(url, 'INSERT INTO room.a VALUES (2)');
    const broken = folderWith({ ...BOTH, '0003-c.sql': 'CREATE TABLE room.c (x int); SELECT 1 / 0' });
    await expect(migratePostgres(postgres, 'room', broken)).rejects.toMatchObject({ code: 'storage.statement' });
    expect(await schemaVersion(postgres, 'room')).toBe(1);
    await migratePostgres(postgres, 'room', folderWith(BOTH));
    expect(await query(url, 'SELECT x, y FROM room.a ORDER BY x')).toEqual([
      { x: 1, y: 7 },
      { x: 2, y: 7 },
    ]);
  });

  it('refuse a database that a newer program wrote, with both versions', async () => {
    const url = await cluster.createDatabase();
    const postgres = connect(url);
    await migratePostgres(postgres, 'room', folderWith(BOTH));
    const older = migratePostgres(postgres, 'room', folderWith(FIRST));
    await expect(older).rejects.toMatchObject({ code: 'storage.newer_schema' });
    await expect(older).rejects.toThrow(/has schema room 2; this program knows schemas up to 1/);
    expect(await schemaVersion(postgres, 'room')).toBe(2);
  });

  it('refuse a file that is not the one that was applied, unless it was applied before checksums were kept', async () => {
    const url = await cluster.createDatabase();
    const postgres = connect(url);
    await migratePostgres(postgres, 'room', folderWith(FIRST));
    const other = folderWith({ ...BOTH, '0001-a.sql': 'CREATE TABLE room.a (x bigint)' });
    await expect(migratePostgres(postgres, 'room', other)).rejects.toMatchObject({ code: 'storage.changed_migration' });
    expect(await schemaVersion(postgres, 'room')).toBe(1);
    await query(url, 'ALTER TABLE room.migration DROP COLUMN checksum');
    await migratePostgres(postgres, 'room', folderWith(BOTH));
    expect(await query(url, 'SELECT number FROM room.migration WHERE checksum IS NULL')).toEqual([{ number: 1 }]);
  });

  it('go into a schema of another name, beside those of another room', async () => {
    const url = await cluster.createDatabase();
    const postgres = connect(url);
    const name = 'A "b"';
    await migratePostgres(postgres, name, folderWith(BOTH), { written_as: 'room', ledger: 'first' });
    const second = { '0001-c.sql': `CREATE TABLE room.c (s text DEFAULT 'classroom.a', "room.x" int)` };
    await migratePostgres(postgres, name, folderWith(second), { written_as: 'room', ledger: 'second' });
    expect(await query(url, `SELECT x, y FROM "A ""b""".a`)).toEqual([{ x: 1, y: 7 }]);
    await query(url, `INSERT INTO "A ""b""".c DEFAULT VALUES`);
    expect(await query(url, `SELECT * FROM "A ""b""".c`)).toEqual([{ s: 'classroom.a', 'room.x': null }]);
    expect(await schemaVersion(postgres, name, 'first')).toBe(2);
    expect(await schemaVersion(postgres, name, 'second')).toBe(1);
  });
});

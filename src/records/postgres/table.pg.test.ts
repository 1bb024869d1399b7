import fc from 'fast-check';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { accountMapping, recordsDatabase, type RecordsDatabase } from '../../../test/support/records-database.ts';
import type { RowWrite } from '../../engine/transaction.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { checkTable, tableColumns } from './columns.ts';
import { refusedRows, rowWriterSql } from './refused-rows.ts';
import { objectWriters, type ObjectWriters } from './row-writers.ts';
import { SETUP_DEFAULTS } from './setup-sql.ts';
import { applySetup } from './setup.ts';
import { PostgresTables, type PostgresFound, type PostgresRecord } from './table.ts';

let cluster: TestPostgres;
const opened: RecordsDatabase[] = [];
beforeAll(async () => {
  cluster = await startPostgres(['track_commit_timestamp=on']);
});
afterAll(async () => {
  for (const database of opened) await database.close();
  await cluster.remove();
});

async function open(columns: string): Promise<RecordsDatabase> {
  const database = await recordsDatabase(cluster, `CREATE SCHEMA crm; CREATE TABLE crm.accounts (${columns})`);
  opened.push(database);
  return database;
}

function tablesOf({ postgres }: RecordsDatabase, ...mappings: ObjectMapping[]): PostgresTables {
  return new PostgresTables({ postgres, mappings: new Map(mappings.map((mapping) => [mapping.name, mapping])) });
}

function recordOf(found: PostgresFound | undefined): PostgresRecord {
  if (found?.kind !== 'record') throw new Error(`expected a record, found ${found?.kind ?? 'nothing'}`);
  return found.record;
}

/** As the engine's back-end runs rows: one statement for all of a writer. Returns the places that were applied. */
async function write(client: pg.Client, { writers }: ObjectWriters, rows: readonly RowWrite[]): Promise<number[]> {
  const applied: number[] = [];
  for (const writer of writers) {
    const mine = [...rows.entries()].filter(([, row]) => row.writer === writer.name);
    if (mine.length === 0) continue;
    const columns = writer.columns.map((_, c) => mine.map(([, { row }]) => row[c] ?? null));
    const result = await client.query<{ i: number }>(rowWriterSql(writer), [mine.map((_, i) => i), ...columns]);
    applied.push(...result.rows.map(({ i }) => mine[i]?.[0] ?? -1));
  }
  return applied.sort((a, b) => a - b);
}

describe('reading by key', () => {
  it('gives documents in neutral form, the texts as they are, and when a row was changed', async () => {
    const database = await open(
      `external_id text PRIMARY KEY, name text, balance numeric(12,2), active bool, since date, seen timestamptz, tags text[], sfid text`,
    );
    await database.run(`ALTER DATABASE ${database.url.split('/').at(-1) ?? ''} SET DateStyle TO 'German'`);
    const mapping = accountMapping(
      [
        { postgres: 'name' },
        { postgres: 'balance', kind: 'decimal', scale: 2 },
        { postgres: 'active', kind: 'boolean' },
        { postgres: 'since', kind: 'date' },
        { postgres: 'seen', kind: 'datetime' },
        { postgres: 'tags', kind: 'multipicklist' },
      ],
      { postgres: { salesforce_id: 'sfid' } },
    );
    await database.run(
      `INSERT INTO crm.accounts VALUES ('A', '', 12.5, NULL, '2026-02-28', '2026-01-02T03:04:05.678901+09', '{y,x}', '001')`,
    );
    const [found, missing] = await tablesOf(database, mapping).readKeys(mapping, ['A', 'a']);
    expect(missing).toEqual({ kind: 'missing' });
    const record = recordOf(found);
    expect(record).toMatchObject({
      key: 'A',
      id: 'A',
      salesforce_id: '001',
      problems: [],
      document: {
        name: null,
        balance: '12.5',
        active: false,
        since: '2026-02-28',
        seen: '2026-01-01T18:04:05.678Z',
        tags: 'x;y',
      },
      raw: { name: '', balance: '12.50', active: null, seen: '2026-01-01 18:04:05.678901+00', tags: '{y,x}' },
    });
    const [{ now_ms } = {}] = await database.run('SELECT extract(epoch FROM now())::float8 * 1000 AS now_ms');
    expect(Math.abs((record.modified_ms ?? 0) - Number(now_ms))).toBeLessThan(60_000);
  });

  it('folds keys as Salesforce does, also letters that the collation does not know, and names spellings that meet', async () => {
    const database = await open('external_id varchar(40) PRIMARY KEY, name text');
    const mapping = accountMapping([{ postgres: 'name' }], { salesforce: { case_sensitive: false } });
    await database.run(`INSERT INTO crm.accounts VALUES ('AbC'), ('ÄÖ-1'), ('x'), ('X'), ('ΣΑΣ')`);
    const keys = ['abc', 'äö-1', 'x', 'nowhere', 'äö', 'σασ'];
    const found = await tablesOf(database, mapping).readKeys(mapping, keys);
    expect(found.map(({ kind }) => kind)).toEqual(['record', 'record', 'ambiguous', 'missing', 'missing', 'record']);
    expect(recordOf(found[0])).toMatchObject({ key: 'abc', id: 'AbC' });
    expect(recordOf(found[1])).toMatchObject({ key: 'äö-1', id: 'ÄÖ-1' });
    expect(found[2]).toMatchObject({ ids: expect.arrayContaining(['x', 'X']) as string[] });
  });

  it('asks a column only for keys that it can hold, and by its index', async () => {
    for (const [type, stored, absent] of [
      ['bigint', '7', ['abc', '007', '99999999999999999999', '']],
      ['uuid', '7d444840-9dc0-11d1-b245-5ffdce74fad2', ['abc', '']],
      ['numeric', '7', ['abc', '7.0']],
      ['varchar(3)', 'abc', ['abcd']],
      ['char(5)', 'abc', ['abc  ', 'abcdef']],
      ['citext', 'Abc', ['abc']],
    ] as const) {
      const database = await open('placeholder int');
      await database.run(`CREATE EXTENSION IF NOT EXISTS citext SCHEMA crm; DROP TABLE crm.accounts; SET search_path TO crm;
        CREATE TABLE crm.accounts (external_id ${type} PRIMARY KEY, name text)`);
      const mapping = accountMapping([{ postgres: 'name' }]);
      await database.run(`INSERT INTO crm.accounts VALUES ('${stored}')`);
      const found = await tablesOf(database, mapping).readKeys(mapping, [stored, ...absent]);
      expect([type, ...found.map(({ kind }) => kind)]).toEqual([type, 'record', ...absent.map(() => 'missing')]);
    }
  });

  it('walks over all rows by pages, each once, and tells those without a key', async () => {
    const database = await open('id int PRIMARY KEY DEFAULT 0, external_id text UNIQUE, name text');
    await database.run(`INSERT INTO crm.accounts SELECT n, 'k' || n FROM generate_series(1, 4500) n`);
    await database.run(`INSERT INTO crm.accounts VALUES (9001, NULL, 'Ada'), (9002, '', 'Bea')`);
    const mapping = accountMapping([{ postgres: 'name' }]);
    const tables = tablesOf(database, mapping);
    const seen: string[] = [];
    const without: string[] = [];
    let from: string | null = null;
    do {
      const page = await tables.scan(mapping, from);
      seen.push(...page.records.map(({ key }) => key));
      without.push(...page.unkeyed.map(({ id }) => id));
      from = page.next;
    } while (from !== null);
    expect(seen).toHaveLength(4500);
    expect(new Set(seen).size).toBe(4500);
    expect(without.sort()).toEqual(['9001', '9002']);
  });
});

describe('writing rows', () => {
  const columns = `external_id text PRIMARY KEY, name text, balance numeric(12,2), seen timestamptz, sfid text, note text DEFAULT 'mine'`;
  const mapping = accountMapping(
    [{ postgres: 'name' }, { postgres: 'balance', kind: 'decimal' }, { postgres: 'seen', kind: 'datetime' }],
    { postgres: { salesforce_id: 'sfid' } },
  );
  async function ready(): Promise<{
    database: RecordsDatabase;
    tables: PostgresTables;
    writers: ObjectWriters;
    client: pg.Client;
  }> {
    const database = await open(columns);
    await applySetup(database.postgres, [mapping], SETUP_DEFAULTS);
    const tables = tablesOf(database, mapping);
    return {
      database,
      tables,
      writers: objectWriters(mapping, await tables.table(mapping), 1),
      client: await database.connect(),
    };
  }

  it('inserts what is not there, sets only the fields that are given, deletes what did not move, and marks it all as ours', async () => {
    const { database, tables, writers, client } = await ready();
    await database.run(`INSERT INTO crm.accounts VALUES ('there', 'theirs')`);
    await client.query('BEGIN');
    const rows = [
      writers.insert('there', { name: 'x' }, '001'),
      writers.insert('new', { name: 'n', balance: '1.50' }, '002'),
      writers.insert('gone', {}, null),
    ];
    expect(await write(client, writers, rows)).toEqual([1, 2]);
    await client.query('COMMIT');
    const [there, made, gone] = (await tables.readKeys(mapping, ['there', 'new', 'gone'])).map(recordOf);
    if (!there || !made || !gone) throw new Error('three records');
    await client.query('BEGIN');
    const second = [
      writers.update(there, { name: null }),
      writers.update(made, { balance: '2', seen: '2026-01-02T03:04:05.678Z' }),
      writers.delete(gone),
      writers.salesforceId('new', '002'),
      writers.salesforceId('there', '009'),
      writers.salesforceId('nowhere', '010'),
    ];
    expect(await write(client, writers, second)).toEqual([0, 1, 2, 3, 4]);
    await client.query('COMMIT');
    expect(
      await database.run('SELECT external_id, name, balance, seen, sfid, note FROM crm.accounts ORDER BY 1'),
    ).toEqual([
      {
        external_id: 'new',
        name: 'n',
        balance: '2.00',
        seen: new Date('2026-01-02T03:04:05.678Z'),
        sfid: '002',
        note: 'mine',
      },
      { external_id: 'there', name: null, balance: null, seen: null, sfid: '009', note: 'mine' },
    ]);
    const outbox = await database.run('SELECT key, operation, ours FROM syncline.outbox ORDER BY pos');
    expect(outbox.filter(({ ours }) => ours !== true)).toEqual([{ key: 'there', operation: 'insert', ours: false }]);
    expect(outbox).toHaveLength(6);
  });

  it('compares what was read, not its neutral form: an empty text, digits beyond milliseconds, a type without =', async () => {
    const database = await open(`external_id text PRIMARY KEY, name text, seen timestamptz, doc json, ref float4`);
    const odd = accountMapping([
      { postgres: 'name' },
      { postgres: 'seen', kind: 'datetime' },
      { postgres: 'doc' },
      { postgres: 'ref', kind: 'decimal' },
    ]);
    const tables = tablesOf(database, odd);
    const writers = objectWriters(odd, await tables.table(odd), 1);
    await database.run(`INSERT INTO crm.accounts VALUES ('A', '', '2026-01-02T03:04:05.678901Z', '{"a" : 1}', 0.1)`);
    const client = await database.connect();
    await client.query(`SET TimeZone TO 'Asia/Tokyo'; SET DateStyle TO 'German'`);
    const record = recordOf((await tables.readKeys(odd, ['A']))[0]);
    expect(
      await write(client, writers, [writers.update(record, { name: 'x', seen: null, doc: '{}', ref: '2' })]),
    ).toEqual([0]);
    const again = recordOf((await tables.readKeys(odd, ['A']))[0]);
    expect(again.document).toEqual({ name: 'x', seen: null, doc: '{}', ref: '2' });
    expect(await write(client, writers, [writers.delete(again)])).toEqual([0]);
  });

  it('does not write over a change that another transaction is about to commit', async () => {
    const { database, tables, writers, client } = await ready();
    await database.run(`INSERT INTO crm.accounts VALUES ('A', 'old', 1), ('B', 'old', 1)`);
    const [a, b] = (await tables.readKeys(mapping, ['A', 'B'])).map(recordOf);
    if (!a || !b) throw new Error('two records');
    const other = await database.connect();
    await other.query(
      `BEGIN; UPDATE crm.accounts SET name = 'theirs' WHERE external_id = 'A'; UPDATE crm.accounts SET balance = 5 WHERE external_id = 'B'`,
    );
    const writing = write(client, writers, [writers.update(a, { name: 'ours' }), writers.update(b, { name: 'ours' })]);
    await other.query('COMMIT');
    // B: only another column moved.
    expect(await writing).toEqual([1]);
    expect(await database.run('SELECT external_id, name, balance FROM crm.accounts ORDER BY 1')).toEqual([
      { external_id: 'A', name: 'theirs', balance: '1.00' },
      { external_id: 'B', name: 'ours', balance: '5.00' },
    ]);
  });

  it('never inserts another spelling of a key that is one in Salesforce', async () => {
    const database = await open('external_id text PRIMARY KEY, name text');
    const folded = accountMapping([{ postgres: 'name' }], { salesforce: { case_sensitive: false } });
    const writers = objectWriters(folded, await tablesOf(database, folded).table(folded), 1);
    await database.run(`INSERT INTO crm.accounts VALUES ('ABC')`);
    const client = await database.connect();
    expect(await write(client, writers, [writers.insert('abc', {}, null), writers.insert('d', {}, null)])).toEqual([1]);
  });

  it('says which row PostgreSQL refuses and why, without its values, and writes nothing', async () => {
    const database = await open(
      `external_id text PRIMARY KEY, name varchar(3) NOT NULL, mail text UNIQUE, age int CHECK (age > 0), at date`,
    );
    const strict = accountMapping([
      { postgres: 'name' },
      { postgres: 'mail' },
      { postgres: 'age', kind: 'integer' },
      { postgres: 'at', kind: 'date' },
    ]);
    const writers = objectWriters(strict, await tablesOf(database, strict).table(strict), 1);
    await database.run(`INSERT INTO crm.accounts VALUES ('there', 'x', 'secret@example.com')`);
    const rows = [
      writers.insert('1', { name: 'ok' }, null),
      writers.insert('2', { name: null }, null),
      writers.insert('3', { name: 'x', mail: 'secret@example.com' }, null),
      writers.insert('4', { name: 'x', age: '-1' }, null),
      writers.insert('5', { name: 'x', at: 'secret' }, null),
    ];
    const refusals = await refusedRows(database.postgres, writers.writers, rows);
    expect(refusals.map((refusal) => refusal?.code ?? null)).toEqual([
      null,
      'postgres.23502',
      'postgres.23505',
      'postgres.23514',
      'postgres.22007',
    ]);
    expect(refusals[1]).toMatchObject({ field: 'name' });
    expect(JSON.stringify(refusals)).not.toContain('secret');
    expect(await database.run('SELECT count(*)::int AS n FROM crm.accounts')).toEqual([{ n: 1 }]);
  });

  it('never loses an update: whatever is edited between the read and the write', async () => {
    const { database, tables, writers, client } = await ready();
    const value = {
      name: fc.constantFrom(null, '', 'a', 'A'),
      balance: fc.constantFrom(null, '1', '1.0', '2.50'),
      seen: fc.constantFrom(null, '2026-01-01T00:00:00Z', '2026-01-01T00:00:00.0001Z'),
    };
    const row = fc.record(value);
    const edit = fc.oneof(fc.constant('delete' as const), fc.record(value, { requiredKeys: [] }));
    const action = fc.oneof(
      fc.constant('delete' as const),
      fc.constant('insert' as const),
      fc.record(value, { requiredKeys: [] }),
    );
    const property = fc.asyncProperty(
      fc.array(fc.tuple(fc.option(row), edit, action, fc.boolean()), { minLength: 1, maxLength: 8 }),
      async (cases) => {
        await client.query('TRUNCATE crm.accounts');
        const set = async (key: string, values: Record<string, string | null>): Promise<void> => {
          for (const [column, text] of Object.entries(values))
            await client.query(`UPDATE crm.accounts SET ${column} = $2 WHERE external_id = $1`, [key, text]);
        };
        const keys = cases.map((_, i) => `k${i}`);
        for (const [i, [first]] of cases.entries()) {
          if (first === null) continue;
          await client.query('INSERT INTO crm.accounts (external_id) VALUES ($1)', [`k${i}`]);
          await set(`k${i}`, first);
        }
        const read = await tables.readKeys(mapping, keys);
        for (const [i, [, change, , isEdited]] of cases.entries()) {
          if (!isEdited) continue;
          if (change === 'delete') await client.query('DELETE FROM crm.accounts WHERE external_id = $1', [`k${i}`]);
          else await set(`k${i}`, change);
        }
        const edited = await tables.readKeys(mapping, keys);
        const rows: RowWrite[] = [];
        const meant: {
          key: number;
          expected: (now: PostgresFound) => Record<string, string | null> | null;
          may: boolean;
        }[] = [];
        for (const [i, [, , act]] of cases.entries()) {
          const [before, now] = [read[i], edited[i]];
          if (!before || !now) throw new Error('one answer a key');
          const rawNow = now.kind === 'record' ? now.record.raw : null;
          if (act === 'insert') {
            rows.push(writers.insert(`k${i}`, { name: 'ours' }, null));
            meant.push({ key: i, may: rawNow === null, expected: () => ({ name: 'ours', balance: null, seen: null }) });
          } else if (before.kind !== 'record') continue;
          else if (act === 'delete') {
            rows.push(writers.delete(before.record));
            const same =
              rawNow !== null &&
              Object.keys(rawNow).every((name) => sameValue(name, rawNow[name], before.record.raw[name]));
            meant.push({ key: i, may: same, expected: () => null });
          } else {
            rows.push(writers.update(before.record, act));
            const same =
              rawNow !== null &&
              Object.keys(act).every((name) => sameValue(name, rawNow[name], before.record.raw[name]));
            meant.push({ key: i, may: same, expected: () => ({ ...rawNow, ...act }) });
          }
        }
        const applied = new Set(await write(client, writers, rows));
        const after = await tables.readKeys(mapping, keys);
        for (const [place, { key, may, expected }] of meant.entries()) {
          expect(applied.has(place)).toBe(may);
          const now = after[key];
          if (!now || !edited[key]) throw new Error('one answer a key');
          const raw = now.kind === 'record' ? now.record.raw : null;
          const wanted = may ? expected(now) : edited[key].kind === 'record' ? edited[key].record.raw : null;
          expect(raw === null).toBe(wanted === null);
          for (const name of Object.keys(wanted ?? {})) expect(sameValue(name, raw?.[name], wanted?.[name])).toBe(true);
        }
      },
    );
    await fc.assert(property, { numRuns: 60 });
    expect(await database.run('SELECT 1 AS alive')).toEqual([{ alive: 1 }]);
  });
});

/** Whether PostgreSQL takes two texts of a column for one value. */
function sameValue(name: string, a: string | null | undefined, b: string | null | undefined): boolean {
  const [left, right] = [a ?? null, b ?? null];
  if (left === null || right === null || name === 'name') return left === right;
  if (name === 'balance') return Number(left) === Number(right);
  const micros = (text: string): string => {
    const [, seconds = '', fraction = ''] = /^(.{10}.{9})(?:\.(\d+))?/.exec(text.replace(' ', 'T')) ?? [];
    return `${seconds}.${fraction.padEnd(6, '0')}`;
  };
  return micros(left) === micros(right);
}

describe('the columns of a table', () => {
  it('are told with types, keys, enums and what PostgreSQL computes', async () => {
    const database = await open('placeholder int');
    await database.run(`DROP TABLE crm.accounts; CREATE TYPE crm.colour AS ENUM ('red', 'green'); CREATE DOMAIN crm.short AS varchar(5);
      CREATE TABLE crm.accounts ("Key" text PRIMARY KEY, colour crm.colour, short crm.short NOT NULL, tags text[], n numeric(5,2) DEFAULT 1,
        made int GENERATED ALWAYS AS IDENTITY, total numeric GENERATED ALWAYS AS (n * 2) STORED, seen numeric GENERATED ALWAYS AS (n * 3) VIRTUAL);
      CREATE INDEX ON crm.accounts (lower("Key")); CREATE UNIQUE INDEX ON crm.accounts (short) WHERE n > 1; CREATE UNIQUE INDEX ON crm.accounts (n)`);
    const mapping = accountMapping([{ postgres: 'colour' }], { postgres: { key: 'Key' } });
    const table = await tableColumns(database.postgres, mapping);
    expect(
      Object.fromEntries(
        [...(table?.columns ?? [])].map(([name, { type, declared, generated }]) => [
          name,
          `${type} ${declared} ${generated}`,
        ]),
      ),
    ).toEqual({
      Key: 'text text no',
      colour: 'colour crm.colour no',
      short: 'varchar crm.short no',
      tags: '_text text[] no',
      n: 'numeric numeric(5,2) no',
      made: 'int4 integer always',
      total: 'numeric numeric stored',
      seen: 'numeric numeric virtual',
    });
    expect(table).toMatchObject({
      kind: 'table',
      primary_key: ['Key'],
      unique: new Set(['Key', 'n']),
      folded: new Set(['Key']),
    });
    expect(table?.columns.get('colour')?.labels).toEqual(['red', 'green']);
  });

  it('say why a mapping does not fit, and what changed since it was applied', async () => {
    const database = await open(
      `external_id text, name text, total numeric GENERATED ALWAYS AS (1) STORED, must text NOT NULL, flag bool, parent text`,
    );
    const mapping = accountMapping(
      [{ postgres: 'name' }, { postgres: 'total' }, { postgres: 'nowhere' }, { postgres: 'flag', kind: 'date' }],
      { salesforce: { case_sensitive: false } },
    );
    const codes = async (sql: string | null, before: Record<string, string> | null = null): Promise<string[]> => {
      if (sql !== null) await database.run(sql);
      const problems = checkTable(mapping, await tableColumns(database.postgres, mapping), before);
      for (const { message } of problems) expect(message).toContain('crm.accounts');
      return problems.map(({ code, column }) => `${code} ${column ?? ''}`.trim()).sort();
    };
    expect(await codes(null, { name: 'integer', nowhere: 'text' })).toEqual([
      'generated_column total',
      'key_not_unique external_id',
      'key_nullable external_id',
      'key_without_folded_index external_id',
      'no_column nowhere',
      'required_column must',
      'type_changed name',
      'wrong_type flag',
    ]);
    expect(
      await codes(`ALTER TABLE crm.accounts ADD PRIMARY KEY (external_id), ALTER must SET DEFAULT '', ADD nowhere text, DROP total, ADD total text,
      ALTER flag TYPE date USING NULL; CREATE UNIQUE INDEX ON crm.accounts (lower(external_id))`),
    ).toEqual([]);
    expect(
      await codes(
        `ALTER TABLE crm.accounts ADD FOREIGN KEY (parent) REFERENCES crm.accounts ON DELETE CASCADE; CREATE TABLE crm.heirs () INHERITS (crm.accounts)`,
      ),
    ).toEqual(['cascades_on_itself', 'inherited']);
    expect(await codes('ALTER TABLE crm.accounts RENAME TO others')).toEqual(['no_table']);
  });

  it('count rows that policies hide as a reason to stop', async () => {
    const database = await open('external_id text PRIMARY KEY, name text');
    await database.run(
      `CREATE ROLE limited LOGIN; GRANT USAGE ON SCHEMA crm TO limited; GRANT SELECT ON crm.accounts TO limited; ALTER TABLE crm.accounts ENABLE ROW LEVEL SECURITY`,
    );
    const mapping = accountMapping([{ postgres: 'name' }]);
    const limited = await recordsDatabase(
      { ...cluster, createDatabase: () => Promise.resolve(database.url.replace('//postgres@', '//limited@')) },
      'SELECT 1',
    );
    opened.push(limited);
    await expect(tablesOf(limited, mapping).readKeys(mapping, ['a'])).rejects.toMatchObject({ code: 'records.table' });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { accountMapping, recordsDatabase, type RecordsDatabase } from '../../../test/support/records-database.ts';
import { oursFlag, SETUP_DEFAULTS, setupParts, setupScript } from './setup-sql.ts';
import { applySetup, verifySetup } from './setup.ts';

let cluster: TestPostgres;
const opened: RecordsDatabase[] = [];
beforeAll(async () => {
  cluster = await startPostgres();
});
afterAll(async () => {
  for (const database of opened) await database.close();
  await cluster.remove();
});

const TABLE = `CREATE SCHEMA crm; CREATE TABLE crm.accounts (
  external_id text PRIMARY KEY, name text, balance numeric, seen timestamptz, tags text[], note text)`;
const mapping = accountMapping([
  { postgres: 'name' },
  { postgres: 'balance', kind: 'decimal' },
  { postgres: 'seen', kind: 'datetime' },
  { postgres: 'tags', kind: 'multipicklist' },
]);

async function open(sql = TABLE): Promise<RecordsDatabase> {
  const database = await recordsDatabase(cluster, sql);
  opened.push(database);
  return database;
}

async function ready(sql = TABLE, mappings = [mapping]): Promise<RecordsDatabase> {
  const database = await open(sql);
  await applySetup(database.postgres, mappings, SETUP_DEFAULTS);
  return database;
}

const captured = ({ run }: RecordsDatabase): Promise<Record<string, unknown>[]> =>
  run('SELECT operation, key, key_before, changed, ours, session FROM syncline.outbox ORDER BY pos');

describe('the triggers', () => {
  it('write down what changed, by column, in one text form whatever the writer set', async () => {
    const database = await ready();
    await database.run(`SET TimeZone TO 'Asia/Tokyo'; SET DateStyle TO 'German'; SET extra_float_digits TO -10`);
    await database.run(
      `INSERT INTO crm.accounts VALUES ('A', 'Ada', 12.50, '2026-01-02T03:04:05.678901Z', '{x,"y;z"}', 'n')`,
    );
    await database.run(`UPDATE crm.accounts SET name = 'Bea', balance = 12.50, note = 'changed'`);
    await database.run(`UPDATE crm.accounts SET name = NULL`);
    await database.run(`DELETE FROM crm.accounts`);
    const row = { ours: false, session: null, key: 'A', key_before: null };
    expect(await captured(database)).toEqual([
      {
        ...row,
        operation: 'insert',
        changed: { name: 'Ada', balance: '12.50', seen: '2026-01-02 03:04:05.678901+00', tags: '{x,y;z}' },
      },
      { ...row, operation: 'update', changed: { name: 'Bea' } },
      { ...row, operation: 'update', changed: { name: null } },
      { ...row, operation: 'delete', changed: null },
    ]);
  });

  it('say nothing when no mapped column changed, and tell a change of case where the type takes it for none', async () => {
    const database = await ready(`CREATE EXTENSION IF NOT EXISTS citext; ${TABLE.replace('name text', 'name citext')}`);
    await database.run(`INSERT INTO crm.accounts (external_id, name) VALUES ('A', 'Ada')`);
    await database.run(`UPDATE crm.accounts SET note = 'x'`);
    await database.run(`UPDATE crm.accounts SET name = name`);
    await database.run(`UPDATE crm.accounts SET name = 'ADA'`);
    expect((await captured(database)).map(({ changed }) => changed)).toEqual([
      expect.objectContaining({ name: 'Ada' }),
      { name: 'ADA' },
    ]);
  });

  it('tell a changed key with the one before', async () => {
    const database = await ready();
    await database.run(`INSERT INTO crm.accounts (external_id) VALUES ('A')`);
    await database.run(`UPDATE crm.accounts SET external_id = 'B'`);
    expect((await captured(database)).at(-1)).toMatchObject({
      operation: 'update',
      key: 'B',
      key_before: 'A',
      changed: null,
    });
  });

  it('mark as ours what our statement changed, and not what the customer’s triggers and foreign keys do in its wake', async () => {
    const database = await ready(
      `${TABLE};
      CREATE TABLE crm.parents (id text PRIMARY KEY, label text);
      ALTER TABLE crm.accounts ADD parent text REFERENCES crm.parents ON DELETE SET NULL;
      CREATE FUNCTION crm.cascade() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE crm.accounts SET name = NEW.label WHERE parent = NEW.id; RETURN NULL; END $$;
      CREATE TRIGGER cascade AFTER UPDATE ON crm.parents FOR EACH ROW EXECUTE FUNCTION crm.cascade()`,
      [
        accountMapping([{ postgres: 'name' }, { postgres: 'parent' }]),
        accountMapping([{ postgres: 'label' }], { name: 'parents', postgres: { table: 'crm.parents', key: 'id' } }),
      ],
    );
    await database.run(
      `INSERT INTO crm.parents VALUES ('P'); INSERT INTO crm.accounts (external_id, parent) VALUES ('A', 'P')`,
    );
    const ours = (operation: 'update' | 'delete'): string =>
      `BEGIN; SELECT set_config('syncline.ours', '${oursFlag('parents', operation)}', true);`;
    await database.run(`${ours('update')} UPDATE crm.parents SET label = 'x'; COMMIT`);
    await database.run(`${ours('delete')} DELETE FROM crm.parents; COMMIT`);
    await database.run(`UPDATE crm.accounts SET name = 'later'`);
    const found = (await captured(database)).slice(2).map(({ key, ours: by_us }) => [key, by_us]);
    expect(found).toEqual([
      ['P', true],
      ['A', false],
      ['P', true],
      ['A', false],
      ['A', false],
    ]);
  });

  it('take for news what a trigger of the table does to other rows of the same table', async () => {
    const database = await ready(`${TABLE};
      CREATE FUNCTION crm.spread() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        UPDATE crm.accounts SET name = NEW.name WHERE name IS DISTINCT FROM NEW.name; RETURN NULL; END $$;
      CREATE TRIGGER spread AFTER UPDATE ON crm.accounts FOR EACH ROW EXECUTE FUNCTION crm.spread()`);
    await database.run(`INSERT INTO crm.accounts (external_id) VALUES ('A'), ('B')`);
    const flag = oursFlag('accounts', 'update');
    await database.run(`BEGIN; SELECT set_config('syncline.ours', '${flag}', true);
      UPDATE crm.accounts SET name = 'x' WHERE external_id = 'A'; COMMIT`);
    const found = (await captured(database)).slice(2).map(({ key, ours }) => [key, ours]);
    expect(found).toEqual([
      ['A', true],
      ['B', false],
    ]);
  });

  it('carry the session that the writer named', async () => {
    const database = await ready();
    await database.run(
      `BEGIN; SET LOCAL syncline.session TO 'abc123'; INSERT INTO crm.accounts (external_id) VALUES ('A'); COMMIT`,
    );
    await database.run(`INSERT INTO crm.accounts (external_id) VALUES ('B')`);
    expect((await captured(database)).map(({ session }) => session)).toEqual(['abc123', null]);
  });

  it('work in savepoints, COPY, bulk statements, upserts and under session_replication_role', async () => {
    const database = await ready();
    await database.run(`BEGIN; INSERT INTO crm.accounts (external_id) VALUES ('kept');
      SAVEPOINT s; INSERT INTO crm.accounts (external_id) VALUES ('gone'); ROLLBACK TO s; COMMIT`);
    await database.run(`COPY crm.accounts (external_id, name) FROM PROGRAM 'printf "c1\\\\tx\\nc2\\\\ty\\n"'`);
    await database.run(`UPDATE crm.accounts SET name = 'all'`);
    await database.run(
      `INSERT INTO crm.accounts VALUES ('c1', 'again') ON CONFLICT (external_id) DO UPDATE SET name = excluded.name`,
    );
    await database.run(
      `SET session_replication_role TO replica; DELETE FROM crm.accounts WHERE external_id = 'kept'; RESET session_replication_role`,
    );
    const found = (await captured(database)).map(({ operation, key }) => `${String(operation)} ${String(key)}`);
    expect(found).toEqual([
      'insert kept',
      'insert c1',
      'insert c2',
      'update kept',
      'update c1',
      'update c2',
      'update c1',
      'delete kept',
    ]);
  });

  it('take a TRUNCATE for a question, not for deletions', async () => {
    const database = await ready();
    await database.run(`INSERT INTO crm.accounts (external_id) VALUES ('A'), ('B')`);
    await database.run('TRUNCATE crm.accounts');
    expect((await captured(database)).slice(2)).toEqual([
      { operation: 'truncate', key: null, key_before: null, changed: null, ours: false, session: null },
    ]);
  });

  it('serve partitioned tables, also partitions that come later and rows that move between them', async () => {
    const database = await ready(
      `CREATE SCHEMA crm;
      CREATE TABLE crm.accounts (external_id text, name text, region text, PRIMARY KEY (external_id, region)) PARTITION BY LIST (region);
      CREATE TABLE crm.east PARTITION OF crm.accounts FOR VALUES IN ('east')`,
      [accountMapping([{ postgres: 'name' }])],
    );
    await database.run(`CREATE TABLE crm.west PARTITION OF crm.accounts FOR VALUES IN ('west')`);
    await database.run(`INSERT INTO crm.accounts VALUES ('A', 'a', 'east')`);
    await database.run(`UPDATE crm.west SET name = 'none'; UPDATE crm.east SET name = 'direct'`);
    await database.run(`UPDATE crm.accounts SET region = 'west'`);
    const found = (await captured(database)).map(({ operation, key }) => `${String(operation)} ${String(key)}`);
    expect(found).toEqual(['insert A', 'update A', 'delete A', 'insert A']);
  });

  it('quote whatever names there are, also such as would end a quote', async () => {
    const odd = `Oh "my"; DROP TABLE x; -- $syncline$ 'q' \\`;
    const id = (name: string): string => `"${name.replaceAll('"', '""')}"`;
    const table = `${id(odd)}.${id('Mixed Case.dot')}`;
    const database = await ready(
      `CREATE SCHEMA ${id(odd)}; CREATE TABLE ${table} (${id(odd)} text PRIMARY KEY, "Select" text, ${id(`${odd}2`)} text)`,
      [
        accountMapping([{ postgres: 'Select' }, { postgres: `${odd}2` }], {
          name: `it's "${'long '.repeat(20)}"`,
          postgres: { table: `${odd}.Mixed Case.dot`, key: odd },
        }),
      ],
    );
    await database.run(`INSERT INTO ${table} VALUES ('k', 's', 't')`);
    expect(await captured(database)).toMatchObject([{ key: 'k', changed: { Select: 's', [`${odd}2`]: 't' } }]);
  });

  it('never fail the customer’s statement when a column was renamed or dropped, and say that the object is unreadable', async () => {
    const database = await ready();
    const client = await database.connect();
    await client.query(`INSERT INTO crm.accounts (external_id) VALUES ('A')`);
    await database.run('ALTER TABLE crm.accounts RENAME COLUMN name TO title');
    await client.query(`UPDATE crm.accounts SET title = 'x'`);
    await client.query(`INSERT INTO crm.accounts (external_id) VALUES ('B')`);
    await database.run('ALTER TABLE crm.accounts DROP COLUMN title CASCADE');
    await client.query(`INSERT INTO crm.accounts (external_id) VALUES ('C')`);
    const found = (await captured(database)).map(({ operation }) => operation);
    expect(found).toEqual(['insert', 'unreadable', 'unreadable', 'unreadable']);
    const { findings } = await verifySetup(database.postgres, [mapping], SETUP_DEFAULTS);
    expect(findings.filter(({ state }) => state !== 'present')).toMatchObject([
      { kind: 'trigger', name: '_syncline_accounts_update', state: 'missing' },
      { name: '_syncline_accounts_notify' },
    ]);
  });

  it('need no right of the writer on anything of ours, and give it none', async () => {
    const database = await ready();
    await database.run(
      `CREATE ROLE clerk_1 LOGIN; GRANT USAGE ON SCHEMA crm TO clerk_1; GRANT SELECT, INSERT, UPDATE ON crm.accounts TO clerk_1`,
    );
    const clerk = await database.connect('clerk_1');
    // What the clerk could put before the names that the function uses.
    await clerk.query(
      `CREATE TEMP TABLE outbox (pos int); CREATE FUNCTION pg_temp.lower(text) RETURNS text LANGUAGE sql AS $$ SELECT 'delete' $$`,
    );
    await clerk.query(`SET search_path TO pg_temp, public; INSERT INTO crm.accounts (external_id) VALUES ('A')`);
    expect(await database.run('SELECT actor, operation FROM syncline.outbox')).toEqual([
      { actor: 'clerk_1', operation: 'insert' },
    ]);
    const [right] = await database.run(
      `SELECT has_function_privilege('clerk_1', 'syncline.capture_accounts()', 'EXECUTE') AS execute`,
    );
    expect(right).toEqual({ execute: false });
    for (const sql of ['SELECT * FROM syncline.outbox', 'DELETE FROM syncline.outbox'])
      await expect(clerk.query(sql)).rejects.toMatchObject({ code: '42501' });
    await expect(
      clerk.query(
        `CREATE TEMP TABLE own (external_id text); CREATE TRIGGER t AFTER INSERT ON own FOR EACH ROW EXECUTE FUNCTION syncline.capture_accounts()`,
      ),
    ).rejects.toMatchObject({ code: '42501' });
  });
});

describe('the setup', () => {
  it('is a file that psql can run, and running it again changes nothing', async () => {
    const database = await open();
    const script = setupScript(setupParts([mapping], SETUP_DEFAULTS));
    await database.run(script);
    await database.run(script);
    const state = await verifySetup(database.postgres, [mapping], SETUP_DEFAULTS);
    expect(state.pending).toEqual([]);
    expect(new Set(state.findings.map((finding) => finding.state))).toEqual(new Set(['present']));
  });

  it('shows and makes only the difference after a mapping changed, and drops what no mapping needs', async () => {
    const database = await ready();
    const other = accountMapping([{ postgres: 'name' }, { postgres: 'note' }]);
    const state = await verifySetup(database.postgres, [other], SETUP_DEFAULTS);
    expect(
      state.findings.filter((finding) => finding.state !== 'present').map(({ name, state: is }) => `${name} ${is}`),
    ).toEqual([
      'capture_accounts different',
      '_syncline_accounts_update different',
      '_syncline_accounts_notify different',
    ]);
    await applySetup(database.postgres, [other], SETUP_DEFAULTS);
    await database.run(`INSERT INTO crm.accounts (external_id, note) VALUES ('A', 'x')`);
    await database.run(`UPDATE crm.accounts SET note = 'y'`);
    expect((await captured(database)).map(({ changed }) => changed)).toEqual([
      { name: null, note: 'x' },
      { note: 'y' },
    ]);
    await applySetup(database.postgres, [], SETUP_DEFAULTS);
    await database.run(`INSERT INTO crm.accounts (external_id) VALUES ('B')`);
    expect(await captured(database)).toHaveLength(2);
    expect((await verifySetup(database.postgres, [], SETUP_DEFAULTS)).pending).toEqual([]);
  });

  it('finds a trigger that was turned off and a function that was written anew, and puts both back', async () => {
    const database = await ready();
    await database.run(`ALTER TABLE crm.accounts DISABLE TRIGGER _syncline_accounts_update`);
    await database.run(
      `CREATE OR REPLACE FUNCTION syncline.capture_accounts() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN RETURN NULL; END'`,
    );
    const state = await verifySetup(database.postgres, [mapping], SETUP_DEFAULTS);
    expect(state.findings.filter((finding) => finding.state !== 'present')).toMatchObject([
      { kind: 'function', state: 'different' },
      { kind: 'trigger', name: '_syncline_accounts_update', state: 'disabled' },
    ]);
    await applySetup(database.postgres, [mapping], SETUP_DEFAULTS);
    expect((await verifySetup(database.postgres, [mapping], SETUP_DEFAULTS)).pending).toEqual([]);
  });

  it('calls PostgreSQL’s own functions, whatever the one who runs it has in the path', async () => {
    const database = await open();
    await database.run(
      `CREATE FUNCTION public.current_setting(text, boolean) RETURNS text LANGUAGE sql AS $$ SELECT 'x' $$`,
    );
    const runner = await database.connect();
    await runner.query('SET search_path TO public, pg_catalog');
    await runner.query(setupScript(setupParts([mapping], SETUP_DEFAULTS)));
    const [definition] = await database.run(
      `SELECT pg_get_triggerdef(oid) AS sql FROM pg_trigger WHERE tgname = '_syncline_accounts_notify'`,
    );
    expect(definition?.sql).not.toContain('public.current_setting');
    await database.run('DROP FUNCTION public.current_setting(text, boolean)');
  });

  it('gives up on a table that stays busy, and on names that are not there, in words without values', async () => {
    const database = await open();
    const missing = accountMapping([{ postgres: 'nowhere' }]);
    await expect(applySetup(database.postgres, [missing], SETUP_DEFAULTS)).rejects.toMatchObject({
      code: 'records.setup_names',
    });
    await expect(
      applySetup(database.postgres, [mapping], { ...SETUP_DEFAULTS, role: 'nobody_knows' }),
    ).rejects.toMatchObject({ code: 'records.no_role' });
    await database.run('CREATE VIEW crm.seen AS SELECT * FROM crm.accounts');
    const view = accountMapping([{ postgres: 'name' }], { postgres: { table: 'crm.seen' } });
    await expect(applySetup(database.postgres, [view], SETUP_DEFAULTS)).rejects.toMatchObject({
      code: 'records.setup_kind',
    });
    const writer = await database.connect();
    await writer.query(`BEGIN; INSERT INTO crm.accounts (external_id) VALUES ('A')`);
    await expect(applySetup(database.postgres, [mapping], SETUP_DEFAULTS)).rejects.toMatchObject({
      code: 'records.setup_busy',
    });
    await writer.query('COMMIT');
    expect(await database.run(`SELECT 1 FROM pg_namespace WHERE nspname = 'syncline'`)).toEqual([]);
  });
});

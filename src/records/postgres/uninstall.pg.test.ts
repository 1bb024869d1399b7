import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { query, startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { accountMapping, recordsDatabase, type RecordsDatabase } from '../../../test/support/records-database.ts';
import { systemTimers } from '../../platform/timers.ts';
import { systemClock } from '../../platform/clock.ts';
import { seededRandom } from '../../platform/random.ts';
import { Postgres } from '../../storage/postgres/postgres.ts';
import { objectsOfRecords, openRecords } from '../sync/open-records.ts';
import type { MappedTables } from './outbox-reader.ts';
import { OutboxReader } from './outbox-reader.ts';
import { rowWriterSql } from './refused-rows.ts';
import { objectWriters } from './row-writers.ts';
import { dumpDifference, schemaDump } from './schema-dump.ts';
import { SETUP_DEFAULTS, setupParts, setupScript } from './setup-sql.ts';
import { applySetup, verifySetup } from './setup.ts';
import { PostgresTables } from './table.ts';
import { planUninstall, uninstall, uninstallScript } from './uninstall.ts';

let cluster: TestPostgres;
const opened: { close(): Promise<void> }[] = [];
beforeAll(async () => {
  cluster = await startPostgres();
  await query(cluster.url, 'CREATE ROLE worker LOGIN');
  await query(cluster.url, 'CREATE ROLE clerk LOGIN');
});
afterAll(async () => {
  for (const one of opened) await one.close();
  await cluster.remove();
});

const mapping = accountMapping([{ postgres: 'name' }, { postgres: 'Phone' }], { postgres: { salesforce_id: 'sfid' } });
const contacts = accountMapping([{ postgres: 'mail' }], {
  name: 'contacts',
  salesforce: { case_sensitive: false },
  postgres: { table: 'crm.Contacts', key: 'Id' },
});
const options = { ...SETUP_DEFAULTS, role: 'worker' };

/** A database with much that a dump must tell, of whatever kind. */
async function customer(): Promise<RecordsDatabase> {
  const database = await recordsDatabase(
    cluster,
    `CREATE SCHEMA crm;
     CREATE TYPE crm.colour AS ENUM ('red', 'green');
     CREATE DOMAIN crm.short AS text CHECK (length(VALUE) < 9);
     CREATE TABLE crm.accounts (external_id text PRIMARY KEY, name text COLLATE "C", "Phone" crm.short, sfid text UNIQUE, colour crm.colour);
     CREATE TABLE crm."Contacts" ("Id" text NOT NULL UNIQUE, mail text, account text REFERENCES crm.accounts, region int DEFAULT 1);
     CREATE FUNCTION crm.touch() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
     CREATE TRIGGER touch BEFORE UPDATE ON crm.accounts FOR EACH ROW EXECUTE FUNCTION crm.touch();
     CREATE VIEW crm.named AS SELECT name FROM crm.accounts;
     CREATE TABLE crm.log (at timestamptz, what text) PARTITION BY RANGE (at);
     CREATE TABLE crm.log_1 PARTITION OF crm.log FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
     GRANT SELECT ON crm.accounts TO worker; GRANT UPDATE (name) ON crm.accounts TO worker; GRANT SELECT ON crm.named TO clerk;
     COMMENT ON TABLE crm.accounts IS 'accounts'`,
  );
  opened.push(database);
  return database;
}

function asRole({ url }: RecordsDatabase, role: string): Postgres {
  const postgres = new Postgres({
    url: url.replace('//postgres@', `//${role}@`),
    timers: systemTimers,
    random: seededRandom(1),
  });
  opened.push(postgres);
  return postgres;
}

describe('the removal', () => {
  it('leaves the schema as it was before: setup, use, a changed mapping, and away', async () => {
    const database = await customer();
    const before = await schemaDump(database.postgres);
    await applySetup(database.postgres, [mapping, contacts], options);
    expect(dumpDifference(before, await schemaDump(database.postgres)).length).toBeGreaterThan(50);
    await database.run(
      `INSERT INTO crm.accounts (external_id) VALUES ('A'); INSERT INTO crm."Contacts" VALUES ('C', 'm', 'A')`,
    );
    const client = await database.connect('clerk');
    await client.query('SELECT 1');
    await applySetup(database.postgres, [accountMapping([{ postgres: 'name' }])], options);
    await database.run('CREATE TABLE syncline.link (key text); CREATE TABLE syncline.intent (id int)');
    const plan = await planUninstall(database.postgres, 'syncline', ['link', 'intent']);
    expect(plan.drops_schema).toBe(true);
    expect(plan.statements).toContain('REVOKE UPDATE ("Phone") ON TABLE crm.accounts FROM worker');
    // The worker had these before; they are not ours to take.
    expect(plan.statements.join('\n')).not.toMatch(/REVOKE (?:SELECT|UPDATE \(name\)) ON TABLE crm\.accounts/);
    await uninstall(database.postgres, 'syncline', ['link', 'intent']);
    expect(dumpDifference(before, await schemaDump(database.postgres))).toEqual([]);
    expect(await database.run('SELECT * FROM crm.accounts')).toHaveLength(1);
    await uninstall(database.postgres, 'syncline', []);
    await database.run(`UPDATE crm.accounts SET name = 'goes on'`);
  });

  it('is a file that psql can run; a schema that was there before stays', async () => {
    const database = await customer();
    await database.run('CREATE SCHEMA syncline');
    const before = await schemaDump(database.postgres);
    await database.run(setupScript(setupParts([mapping], options)));
    await database.run(uninstallScript(await planUninstall(database.postgres, 'syncline', [])));
    expect(dumpDifference(before, await schemaDump(database.postgres))).toEqual([]);
  });

  it('does nothing when somebody else keeps something there, or depends on it', async () => {
    const database = await customer();
    await applySetup(database.postgres, [mapping], options);
    await database.run('CREATE TABLE syncline.theirs (x int)');
    const after = await schemaDump(database.postgres);
    await expect(uninstall(database.postgres, 'syncline', [])).rejects.toMatchObject({
      code: 'records.foreign_objects',
      message: expect.stringContaining('theirs') as string,
    });
    await database.run('DROP TABLE syncline.theirs; CREATE VIEW crm.spy AS SELECT * FROM syncline.outbox');
    await expect(uninstall(database.postgres, 'syncline', [])).rejects.toMatchObject({ code: 'records.in_use' });
    await database.run('DROP VIEW crm.spy');
    expect(
      dumpDifference(after, await schemaDump(database.postgres)).filter((line) => !line.includes('theirs')),
    ).toEqual([]);
  });

  it('removes what it can after the customer dropped and renamed tables', async () => {
    const database = await customer();
    await applySetup(database.postgres, [mapping, contacts], options);
    await database.run('DROP TABLE crm."Contacts"; ALTER TABLE crm.accounts RENAME TO clients');
    await uninstall(database.postgres, 'syncline', []);
    const left = (await schemaDump(database.postgres)).split('\n').filter((line) => line.includes('syncline'));
    expect(left).toEqual([]);
  });
});

describe('the removal of everything', () => {
  it('takes the engine’s and the flow’s tables, which the worker’s role made, and needs no superuser', async () => {
    const database = await customer();
    const name = database.url.split('/').at(-1) ?? '';
    await database.run(`CREATE ROLE dba LOGIN; GRANT CREATE ON DATABASE ${name} TO dba; ALTER SCHEMA crm OWNER TO dba;
      ALTER TABLE crm.accounts OWNER TO dba; ALTER TABLE crm."Contacts" OWNER TO dba`);
    const [dba, worker] = [asRole(database, 'dba'), asRole(database, 'worker')];
    const before = await schemaDump(database.postgres);
    await applySetup(dba, [mapping, contacts], options);
    const mappings = [mapping, contacts];
    const records = await openRecords({
      postgres: worker,
      schema: 'syncline',
      mappings,
      clock: systemClock,
      random: seededRandom(1),
    });
    expect([...records.unusable.values()]).toEqual([]);
    await records.store.close();
    const plan = await uninstall(dba, 'syncline', objectsOfRecords());
    expect(plan.tables.map((table) => table.name)).toEqual(expect.arrayContaining(['link', 'task', 'outbox']));
    expect(dumpDifference(before, await schemaDump(database.postgres))).toEqual([]);
  });

  it('drops the schema also when the migrations made it', async () => {
    const database = await customer();
    const before = await schemaDump(database.postgres);
    await openRecords({
      postgres: database.postgres,
      schema: 'acme',
      mappings: [mapping],
      clock: systemClock,
      random: seededRandom(1),
    });
    await applySetup(database.postgres, [mapping], { ...options, schema: 'acme' });
    await uninstall(database.postgres, 'acme', objectsOfRecords());
    expect(dumpDifference(before, await schemaDump(database.postgres))).toEqual([]);
  });
});

describe('the dump', () => {
  it('tells each kind of change', async () => {
    const database = await customer();
    for (const [change, undo, told] of [
      [
        'GRANT UPDATE (name) ON crm.accounts TO clerk',
        'REVOKE UPDATE (name) ON crm.accounts FROM clerk',
        'column crm.accounts.name right clerk UPDATE',
      ],
      [
        'GRANT DELETE ON crm.accounts TO clerk',
        'REVOKE DELETE ON crm.accounts FROM clerk',
        'relation crm.accounts right clerk DELETE',
      ],
      ['GRANT USAGE ON SCHEMA crm TO clerk', 'REVOKE USAGE ON SCHEMA crm FROM clerk', 'schema crm right clerk USAGE'],
      ['ALTER TABLE crm.accounts DISABLE TRIGGER touch', 'ALTER TABLE crm.accounts ENABLE TRIGGER touch', 'enabled D'],
      [
        'ALTER TABLE crm.accounts ALTER name SET NOT NULL',
        'ALTER TABLE crm.accounts ALTER name DROP NOT NULL',
        'not null',
      ],
      ['CREATE INDEX odd ON crm.accounts (name)', 'DROP INDEX crm.odd', 'CREATE INDEX odd'],
      ['CREATE SEQUENCE crm.s', 'DROP SEQUENCE crm.s', 'sequence crm.s'],
      [
        'ALTER TABLE crm.accounts ADD CHECK (true)',
        'ALTER TABLE crm.accounts DROP CONSTRAINT accounts_check',
        'CHECK (true)',
      ],
      ['CREATE FUNCTION crm.f() RETURNS int LANGUAGE sql AS $$SELECT 1$$', 'DROP FUNCTION crm.f()', 'function crm.f()'],
      [
        'REVOKE EXECUTE ON FUNCTION crm.touch() FROM PUBLIC',
        'GRANT EXECUTE ON FUNCTION crm.touch() TO PUBLIC',
        'right PUBLIC EXECUTE',
      ],
      ['CREATE TABLE crm.t (x int)', 'DROP TABLE crm.t', 'relation crm.t'],
      [
        'ALTER DEFAULT PRIVILEGES IN SCHEMA crm GRANT SELECT ON TABLES TO clerk',
        'ALTER DEFAULT PRIVILEGES IN SCHEMA crm REVOKE SELECT ON TABLES FROM clerk',
        'default right',
      ],
      [
        `ALTER TYPE crm.colour RENAME VALUE 'red' TO 'blue'`,
        `ALTER TYPE crm.colour RENAME VALUE 'blue' TO 'red'`,
        "'blue'",
      ],
      ['CREATE PUBLICATION p FOR TABLE crm.accounts', 'DROP PUBLICATION p', 'publication p'],
    ] as const) {
      const before = await schemaDump(database.postgres);
      await database.run(change);
      const difference = dumpDifference(before, await schemaDump(database.postgres));
      expect(difference.join('\n'), change).toContain(told);
      await database.run(undo);
      expect(dumpDifference(before, await schemaDump(database.postgres)), undo).toEqual([]);
    }
  });
});

describe('the printed grants', () => {
  it('are all that the role needs to read, write, notice and trim', async () => {
    const database = await customer();
    await applySetup(database.postgres, [mapping, contacts], options);
    const postgres = asRole(database, 'worker');
    await database.run(`INSERT INTO crm.accounts (external_id, name) VALUES ('A', 'a'), ('B', 'b')`);
    const failed = await database.connect();
    await failed.query(`BEGIN; INSERT INTO crm.accounts (external_id) VALUES ('X'); ROLLBACK`);
    await database.run(`INSERT INTO crm."Contacts" VALUES ('C', 'm', 'A')`);
    const both = new Map([
      ['accounts', mapping],
      ['contacts', contacts],
    ]);
    const tables = new PostgresTables({ postgres, mappings: both });
    const known: MappedTables = new Map([...both].map(([name, of]) => [name, { mapping: of, types: new Map() }]));
    const reader = new OutboxReader(postgres, 'syncline');
    const first = await reader.read(known, null);
    const second = await reader.read(known, first.checkpoint);
    expect([...first.changes, ...second.changes].map(({ key }) => key)).toEqual(['A', 'B', 'c']);
    const trimmed = await reader.trim(second.checkpoint, 4_102_444_800_000);
    expect(trimmed.removed).toBe(3);
    const writers = objectWriters(mapping, await tables.table(mapping), 1);
    const [a, b] = await tables.readKeys(mapping, ['A', 'B']);
    if (a?.kind !== 'record' || b?.kind !== 'record') throw new Error('two records');
    const rows = [
      writers.insert('N', { name: 'n' }, '001'),
      writers.update(a.record, { name: 'x', Phone: '1' }),
      writers.delete(b.record),
      writers.salesforceId('A', '002'),
    ];
    for (const { writer, row } of rows) {
      const known_writer = writers.writers.find(({ name }) => name === writer);
      if (known_writer === undefined) throw new Error(writer);
      const applied = writer.endsWith('delete') ? [] : [{ i: 0 }];
      const result = await postgres.query(rowWriterSql(known_writer), [[0], ...row.map((value) => [value])]);
      expect(result).toEqual(applied.length === 0 ? [{ i: 0 }] : applied);
    }
    expect((await tables.scan(contacts, null)).records).toHaveLength(1);
    expect((await verifySetup(postgres, [mapping, contacts], options)).pending).toEqual([]);
    // And not more.
    await expect(postgres.query('UPDATE crm.accounts SET external_id = name')).rejects.toMatchObject({
      code: 'storage.forbidden',
    });
    await expect(postgres.query('UPDATE crm."Contacts" SET region = 2')).rejects.toMatchObject({
      code: 'storage.forbidden',
    });
  });
});

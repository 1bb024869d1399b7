import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { accountMapping, recordsDatabase, type RecordsDatabase } from '../../../test/support/records-database.ts';
import { TableBackfill } from './backfill.ts';
import { OutboxReader, type MappedTables } from './outbox-reader.ts';
import { SETUP_DEFAULTS } from './setup-sql.ts';
import { applySetup } from './setup.ts';
import { PostgresTables } from './table.ts';

let cluster: TestPostgres;
const opened: RecordsDatabase[] = [];
beforeAll(async () => {
  cluster = await startPostgres();
});
afterAll(async () => {
  for (const database of opened) await database.close();
  await cluster.remove();
});

const mapping = accountMapping([{ postgres: 'name' }]);
const tables: MappedTables = new Map([['accounts', { mapping, types: new Map() }]]);

async function ready(): Promise<
  RecordsDatabase & { backfill: TableBackfill; reader: OutboxReader; rows: PostgresTables }
> {
  const database = await recordsDatabase(
    cluster,
    `CREATE SCHEMA crm; CREATE TABLE crm.accounts (external_id text PRIMARY KEY, name text)`,
  );
  opened.push(database);
  const { postgres } = database;
  await applySetup(postgres, [mapping], SETUP_DEFAULTS);
  const rows = new PostgresTables({ postgres, mappings: new Map([['accounts', mapping]]) });
  const reader = new OutboxReader(postgres, 'syncline');
  return { ...database, rows, reader, backfill: new TableBackfill({ postgres, tables: rows, reader }) };
}

/** What a customer's program does meanwhile: transactions of any length that end either way. */
async function disturb(client: pg.Client, seed: number, more: () => boolean): Promise<void> {
  for (let i = seed; more(); i += 7) {
    await client.query('BEGIN');
    const key = `k${String((i * 7919) % 600).padStart(4, '0')}`;
    const other = `k${String((i * 104_729) % 600).padStart(4, '0')}`;
    if (i % 3 === 0) await client.query('DELETE FROM crm.accounts WHERE external_id = $1', [key]);
    else
      await client.query(
        `INSERT INTO crm.accounts VALUES ($1, $2) ON CONFLICT (external_id) DO UPDATE SET name = excluded.name`,
        [key, `v${i}`],
      );
    // Two that wait for each other's rows: PostgreSQL ends one of them.
    const move = 'UPDATE crm.accounts SET external_id = $2 WHERE external_id = $1';
    const isLost =
      i % 5 === 0 &&
      (await client.query(move, [other, `moved-${seed}-${i}`]).then(
        () => false,
        () => true,
      ));
    if (isLost) {
      await client.query('ROLLBACK');
      continue;
    }
    if (i % 4 === 0) await client.query('SELECT pg_sleep(0.003)');
    await client.query(i % 6 === 0 ? 'ROLLBACK' : 'COMMIT');
  }
}

describe('a backfill', () => {
  it('and the outbox from its watermark lose nothing of what writers do during the walk', async () => {
    const { run, connect, backfill, reader, rows } = await ready();
    await run(
      `INSERT INTO crm.accounts SELECT 'k' || lpad(n::text, 4, '0'), 'first' FROM generate_series(0, 599, 2) n`,
    );
    let walking = true;
    const writers = await Promise.all([1, 2, 3, 4].map(() => connect()));
    const writing = Promise.all(writers.map((client, i) => disturb(client, i + 1, () => walking)));
    // A copy of the table that is told only keys, and reads each as it then is.
    const copy = new Map<string, string | null>();
    const look = async (keys: readonly string[]): Promise<void> => {
      for (let i = 0; i < keys.length; i += 1000) {
        const asked = keys.slice(i, i + 1000);
        for (const [j, found] of (await rows.readKeys(mapping, asked)).entries()) {
          if (found.kind === 'record') copy.set(asked[j] ?? '', found.record.raw.name ?? null);
          else copy.delete(asked[j] ?? '');
        }
      }
    };
    let place: string | null = null;
    let checkpoint: string | null = null;
    let walked = 0;
    do {
      const page = await backfill.page(mapping, place, 25);
      checkpoint ??= page.watermark;
      walked += page.keys.length;
      await look(page.keys);
      const told = await reader.read(tables, checkpoint, 50);
      checkpoint = told.checkpoint;
      await look(told.changes.map(({ key }) => key));
      place = page.place;
    } while (place !== null);
    walking = false;
    await writing;
    for (let quiet = 0; quiet < 3;) {
      const told = await reader.read(tables, checkpoint);
      checkpoint = told.checkpoint;
      await look(told.changes.map(({ key }) => key));
      quiet = told.changes.length > 0 ? 0 : quiet + 1;
    }
    expect(walked).toBeGreaterThan(200);
    const now = await run('SELECT external_id AS key, name FROM crm.accounts');
    expect(Object.fromEntries([...copy].sort())).toEqual(
      Object.fromEntries(now.map(({ key, name }) => [String(key), name]).sort()),
    );
  });

  it('begins after what the outbox holds already, before what a running writer will commit, and goes on where it was', async () => {
    const { run, connect, backfill, reader } = await ready();
    await run(`INSERT INTO crm.accounts SELECT 'k' || n, 'first' FROM generate_series(1, 5) n`);
    const slow = await connect();
    await slow.query(`BEGIN; INSERT INTO crm.accounts VALUES ('k0')`);
    await run(`INSERT INTO crm.accounts VALUES ('k6')`);
    const first = await backfill.page(mapping, null, 3);
    expect(first).toMatchObject({ keys: ['k1', 'k2', 'k3'], watermark: '5' });
    await slow.query('COMMIT');
    const second = await backfill.page(mapping, first.place, 10);
    expect(second).toEqual({ keys: ['k4', 'k5', 'k6'], place: null, watermark: '5' });
    const { changes } = await reader.read(tables, first.watermark);
    expect(changes.map(({ key }) => key)).toEqual(['k0', 'k6']);
  });
});

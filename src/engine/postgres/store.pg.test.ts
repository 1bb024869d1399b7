import pg from 'pg';
import { afterAll, beforeAll } from 'vitest';
import { FaultyPostgres } from '../../../test/support/faulty-postgres.ts';
import { startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { seededRandom } from '../../platform/random.ts';
import { systemTimers } from '../../platform/timers.ts';
import { Postgres } from '../../storage/postgres/postgres.ts';
import { NOW } from '../contract/scene.ts';
import type { OpenStore, StoreUnderTest } from '../contract/store-under-test.ts';
import { engineContract } from '../engine.contract.ts';
import { openPostgresStore, postgresStoreOn } from './store.ts';

const clock = { now_ms: () => NOW, monotonic_ms: () => 0 };

let cluster: TestPostgres;
let postgres: Postgres;
let admin: pg.Client;
/** Schemas that are made and empty. */
const free: string[] = [];
let schemas = 0;

beforeAll(async () => {
  cluster = await startPostgres();
  const url = await cluster.createDatabase();
  postgres = new Postgres({ url, timers: systemTimers, random: seededRandom(1) });
  admin = new pg.Client({ connectionString: url });
  await admin.connect();
});
afterAll(async () => {
  await postgres.close();
  await admin.end();
  await cluster.remove();
});

const rowsOf = async <T extends object>(sql: string, values: unknown[] = []): Promise<T[]> =>
  (await admin.query<T>(sql, values)).rows;

/** Tables of the engine with rows that are its state. */
async function tablesOf(schema: string): Promise<string[]> {
  const rows = await rowsOf<{ tablename: string }>(
    `SELECT tablename FROM pg_tables WHERE schemaname = $1 AND tablename <> 'engine_migration' ORDER BY tablename`,
    [schema],
  );
  return rows.map(({ tablename }) => `${schema}.${tablename}`);
}

/** Empties a schema and sets its counters back: faster than a new one. */
async function clear(schema: string): Promise<void> {
  const tables = await tablesOf(schema);
  const rows = await rowsOf<{ sequencename: string }>('SELECT sequencename FROM pg_sequences WHERE schemaname = $1', [
    schema,
  ]);
  await admin.query(tables.map((table) => `DELETE FROM ${table};`).join(' '));
  for (const { sequencename } of rows) await admin.query(`SELECT setval('${schema}.${sequencename}', 1, false)`);
}

async function dump(schema: string): Promise<Record<string, unknown[]>> {
  const all: Record<string, unknown[]> = {};
  for (const table of await tablesOf(schema)) {
    // A counter is the sum of its slots; which of them a connection has is chance.
    const source = table.endsWith('.counter')
      ? `(SELECT name, label, sum(value) AS value FROM ${table} GROUP BY name, label)`
      : table;
    const rows = await rowsOf<{ row: unknown }>(
      `SELECT to_jsonb(t) AS row FROM ${source} t ORDER BY to_jsonb(t)::text`,
    );
    all[table.slice(schema.length + 1)] = rows.map(({ row }) => row);
  }
  return all;
}

const openPostgres: OpenStore = async (options = {}) => {
  const random = seededRandom(1);
  let schema = free.pop();
  if (schema === undefined) {
    schema = `engine_${++schemas}`;
    await openPostgresStore(postgres, { clock, random: seededRandom(9), schema });
    await clear(schema);
  }
  const faulty = new FaultyPostgres(postgres);
  const store = (): ReturnType<typeof postgresStoreOn> =>
    postgresStoreOn(faulty, { clock, random, schema, lease_time: 'caller', ...options });
  const sut: { -readonly [K in keyof StoreUnderTest]: StoreUnderTest[K] } = {
    store: await store(),
    reopen: async () => {
      faulty.revive();
      return (sut.store = await store());
    },
    crashAt: (statement, side) => faulty.crashAt(statement, side),
    flowSql: (sql) => {
      let n = 0;
      return sql.replace('UPDATE source', 'UPDATE syncline.source').replace(/\?/g, () => `$${++n}`);
    },
    dump: () => dump(schema),
    holds: async (text) => {
      for (const table of await tablesOf(schema)) {
        const found = await rowsOf(`SELECT 1 FROM ${table} t WHERE strpos(to_jsonb(t)::text, $1) > 0 LIMIT 1`, [text]);
        if (found.length > 0) return true;
      }
      return false;
    },
    close: async () => {
      await clear(schema);
      free.push(schema);
    },
  };
  return sut;
};
openPostgres.takes_rows = true;

engineContract('PostgreSQL', openPostgres);

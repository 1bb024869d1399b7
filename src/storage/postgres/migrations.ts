import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { SynclineError } from '../../platform/errors.ts';
import type { Postgres, PostgresConnection } from './postgres.ts';

interface Migration {
  number: number;
  name: string;
  sql: string;
}

/**
 * Brings a schema of a PostgreSQL to the newest of `folder` (`0001-name.sql`, `0002-…`; all names in them qualified), in one
 * transaction below an advisory lock: of several programs that start at once, one does it and the others find it done.
 * @throws SynclineError `storage.newer_schema` when a newer program wrote it; nothing is changed then
 */
export async function migratePostgres(postgres: Postgres, schema: string, folder: URL): Promise<void> {
  const migrations = readMigrations(folder);
  const newest = migrations.at(-1)?.number ?? 0;
  // Without a lock first: in the usual case there is nothing to do, and no right to create anything is needed.
  if ((await schemaVersion(postgres, schema)) === newest) return;
  await postgres.transaction(async (connection) => {
    await connection.begin(`SELECT pg_advisory_xact_lock(hashtextextended('syncline migrations of ${schema}', 0))`);
    const current = await schemaVersion(connection, schema);
    if (current > newest) throw newerSchema(postgres, schema, current, newest);
    const name = pg.escapeIdentifier(schema);
    const pending = migrations.filter(({ number }) => number > current);
    await connection.query(`CREATE SCHEMA IF NOT EXISTS ${name}`);
    await connection.query(
      `CREATE TABLE IF NOT EXISTS ${name}.migration
         (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    for (const migration of pending) await connection.query(migration.sql);
    const rows = pending.map(({ number, name: file }) => ({ number, name: file }));
    await connection.query(
      `INSERT INTO ${name}.migration (number, name) SELECT number, name FROM json_to_recordset($1) AS r (number int, name text)`,
      [JSON.stringify(rows)],
    );
    await connection.commit([]);
  });
}

/** Number of the last migration applied; 0: none. */
export async function schemaVersion(
  database: Pick<PostgresConnection, 'query'> | Postgres,
  schema: string,
): Promise<number> {
  // Not `to_regclass`: in a transaction that waited for a lock it answers from before what the lock's holder did.
  const found = await database.query(`SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = 'migration'`, [
    schema,
  ]);
  if (found.length === 0) return 0;
  const [row] = await database.query<{ number: number }>(
    `SELECT coalesce(max(number), 0) AS number FROM ${pg.escapeIdentifier(schema)}.migration`,
  );
  return row?.number ?? 0;
}

function readMigrations(folder: URL): Migration[] {
  const path = fileURLToPath(folder);
  return readdirSync(path)
    .filter((file) => /^\d{4}-.+\.sql$/.test(file))
    .sort()
    .map((file) => ({ number: Number(file.slice(0, 4)), name: file, sql: readFileSync(join(path, file), 'utf8') }));
}

function newerSchema(postgres: Postgres, schema: string, current: number, newest: number): SynclineError {
  return new SynclineError(
    'storage.newer_schema',
    `${postgres.shown} has schema ${schema} ${current}; this program knows schemas up to ${newest}`,
    { hint: 'It was written by a newer Syncline. Start that version, or restore the backup made before its upgrade.' },
  );
}

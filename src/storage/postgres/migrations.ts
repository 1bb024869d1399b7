import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { SynclineError } from '../../platform/errors.ts';
import type { Postgres, PostgresConnection } from './postgres.ts';
import { inSchema, MADE_BY } from './schema-name.ts';

interface Migration {
  number: number;
  name: string;
  sql: string;
  checksum: string;
}

interface Applied {
  number: number;
  /** Null: applied before checksums were kept. */
  checksum: string | null;
}

export interface MigrationOptions {
  /** What the files call the schema, where it may have another name in the database (`inSchema`). */
  written_as?: string;
  /** Table of what was applied: rooms that share a schema have one each. Default `migration`. */
  ledger?: string;
}

/**
 * Brings a schema of a PostgreSQL to the newest of `folder` (`0001-name.sql`, `0002-…`; all names in them qualified), in one
 * transaction below an advisory lock: of several programs that start at once, one does it and the others find it done.
 * @throws SynclineError `storage.newer_schema` when a newer program wrote it, `storage.changed_migration` when a file is
 * not the one that was applied; nothing is changed then
 */
export async function migratePostgres(
  postgres: Postgres,
  schema: string,
  folder: URL,
  { written_as = schema, ledger = 'migration' }: MigrationOptions = {},
): Promise<void> {
  const migrations = readMigrations(folder);
  // Without a lock first: in the usual case there is nothing to do, and no right to create anything is needed.
  if (pendingOf(migrations, await applied(postgres, schema, ledger), postgres, schema).length === 0) return;
  await postgres.transaction(async (connection) => {
    await connection.begin(`SELECT pg_advisory_xact_lock(hashtextextended('syncline migrations of ${schema}', 0))`);
    const pending = pendingOf(migrations, await applied(connection, schema, ledger), postgres, schema);
    const table = `${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(ledger)}`;
    await ensureSchema(connection, schema);
    await connection.query(
      `CREATE TABLE IF NOT EXISTS ${table}
         (number integer PRIMARY KEY, name text NOT NULL, applied_at timestamptz NOT NULL DEFAULT now())`,
    );
    await connection.query(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS checksum text`);
    for (const { sql } of pending) await connection.query(inSchema(sql, schema, written_as));
    const rows = pending.map(({ number, name, checksum }) => ({ number, name, checksum }));
    await connection.query(
      `INSERT INTO ${table} (number, name, checksum)
       SELECT number, name, checksum FROM json_to_recordset($1) AS r (number int, name text, checksum text)`,
      [JSON.stringify(rows)],
    );
    await connection.commit([]);
  });
}

/** Not `IF NOT EXISTS`: that needs the right to create schemas in the database also where the schema is there. */
async function ensureSchema(connection: PostgresConnection, schema: string): Promise<void> {
  const found = await connection.query('SELECT 1 FROM pg_namespace WHERE nspname = $1', [schema]);
  if (found.length > 0) return;
  const name = pg.escapeIdentifier(schema);
  await connection.query(`CREATE SCHEMA ${name}; COMMENT ON SCHEMA ${name} IS ${pg.escapeLiteral(MADE_BY)}`);
}

/** Names of the tables and sequences that the files of a folder make, and of the ledger: what is to go when all of it goes. */
export function madeByMigrations(folder: URL, ledger: string): string[] {
  const made = readMigrations(folder).flatMap(({ sql }) =>
    [...sql.matchAll(/^CREATE (?:UNLOGGED )?(?:TABLE|SEQUENCE) (?:IF NOT EXISTS )?\w+\.(\w+)/gm)].map(
      ([, name = '']) => name,
    ),
  );
  return [ledger, ...new Set(made)];
}

/** Number of the last migration applied; 0: none. */
export async function schemaVersion(
  database: Pick<PostgresConnection, 'query'> | Postgres,
  schema: string,
  ledger = 'migration',
): Promise<number> {
  return (await applied(database, schema, ledger)).at(-1)?.number ?? 0;
}

async function applied(
  database: Pick<PostgresConnection, 'query'> | Postgres,
  schema: string,
  ledger: string,
): Promise<Applied[]> {
  // Not `to_regclass`: in a transaction that waited for a lock it answers from before what the lock's holder did.
  const found = await database.query(`SELECT 1 FROM pg_tables WHERE schemaname = $1 AND tablename = $2`, [
    schema,
    ledger,
  ]);
  if (found.length === 0) return [];
  // As JSON, because a ledger that an older program wrote has no checksums.
  return database.query<Applied>(
    `SELECT number, to_jsonb(m) ->> 'checksum' AS checksum
     FROM ${pg.escapeIdentifier(schema)}.${pg.escapeIdentifier(ledger)} m ORDER BY number`,
  );
}

/** What is left to apply. */
function pendingOf(
  migrations: readonly Migration[],
  done: readonly Applied[],
  postgres: Postgres,
  schema: string,
): Migration[] {
  const current = done.at(-1)?.number ?? 0;
  const newest = migrations.at(-1)?.number ?? 0;
  if (current > newest) throw newerSchema(postgres, schema, current, newest);
  const checksums = new Map(done.map(({ number, checksum }) => [number, checksum]));
  const changed = migrations.find(({ number, checksum }) => (checksums.get(number) ?? checksum) !== checksum);
  if (changed) throw changedMigration(postgres, schema, changed.name);
  return migrations.filter(({ number }) => number > current);
}

function readMigrations(folder: URL): Migration[] {
  const path = fileURLToPath(folder);
  return readdirSync(path)
    .filter((file) => /^\d{4}-.+\.sql$/.test(file))
    .sort()
    .map((file) => {
      const sql = readFileSync(join(path, file), 'utf8').replaceAll('\r\n', '\n');
      const checksum = createHash('sha256').update(sql).digest('hex');
      return { number: Number(file.slice(0, 4)), name: file, sql, checksum };
    });
}

function newerSchema(postgres: Postgres, schema: string, current: number, newest: number): SynclineError {
  return new SynclineError(
    'storage.newer_schema',
    `${postgres.shown} has schema ${schema} ${current}; this program knows schemas up to ${newest}`,
    { hint: 'It was written by a newer Syncline. Start that version, or restore the backup made before its upgrade.' },
  );
}

function changedMigration(postgres: Postgres, schema: string, name: string): SynclineError {
  return new SynclineError(
    'storage.changed_migration',
    `${name} is not what was applied to schema ${schema} of ${postgres.shown}`,
    { hint: 'The program was changed, or another one wrote the schema. Install the version that wrote it anew.' },
  );
}

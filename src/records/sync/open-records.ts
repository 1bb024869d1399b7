import { ENGINE_MIGRATIONS, openPostgresStore } from '../../engine/postgres/store.ts';
import type { EngineStore } from '../../engine/store.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import { madeByMigrations, migratePostgres } from '../../storage/postgres/migrations.ts';
import type { Postgres } from '../../storage/postgres/postgres.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import { PostgresTables } from '../postgres/table.ts';
import { FlowDatabase } from './flow-database.ts';
import { RECORD_ROW_WRITERS } from './row-writers.ts';
import { openStream, type RecordStream } from './streams.ts';
import { TableWrites } from './table-writes.ts';

export interface OpenRecordsOptions {
  postgres: Postgres;
  schema: string;
  mappings: readonly ObjectMapping[];
  clock: Clock;
  random: Random;
}

/** One object with what its pair needs of the database. */
export interface OpenObject {
  mapping: ObjectMapping;
  stream: RecordStream;
  table: TableWrites;
}

/** Journal, flow tables and customer's tables of one database, open. */
export interface OpenRecords {
  store: EngineStore;
  database: FlowDatabase;
  tables: PostgresTables;
  /** By name. An object whose table does not fit its mapping is not among them. */
  objects: ReadonlyMap<string, OpenObject>;
  /** Why others are not. */
  unusable: ReadonlyMap<string, unknown>;
}

const MIGRATIONS = new URL('./migrations/', import.meta.url);
const LEDGER = 'records_migration';

/** Names of the tables and sequences that migrations make in the schema, for its removal (`uninstall`). */
export function objectsOfRecords(): string[] {
  const { folder, ledger } = ENGINE_MIGRATIONS;
  return [...madeByMigrations(folder, ledger), ...madeByMigrations(MIGRATIONS, LEDGER)];
}

/**
 * Brings the schema up to date and opens it, for any number of processes. `postgres` stays the caller's, who closes it.
 * @throws SynclineError `storage.newer_schema`, and what `Postgres.transaction` throws
 */
export async function openRecords(options: OpenRecordsOptions): Promise<OpenRecords> {
  const { postgres, schema, mappings, clock, random } = options;
  const tables = new PostgresTables({ postgres, mappings: new Map(mappings.map((one) => [one.name, one])) });
  const usable = new Map<string, { mapping: ObjectMapping; table: TableWrites }>();
  const unusable = new Map<string, unknown>();
  for (const mapping of mappings)
    await tables.table(mapping).then(
      (table) => usable.set(mapping.name, { mapping, table: new TableWrites(mapping, table) }),
      (error: unknown) => unusable.set(mapping.name, error),
    );
  const writers = [...RECORD_ROW_WRITERS, ...[...usable.values()].flatMap(({ table }) => table.writers)];
  const store = await openPostgresStore(postgres, { clock, random, schema, writers });
  await migratePostgres(postgres, schema, MIGRATIONS, { written_as: 'syncline', ledger: LEDGER });
  const objects = new Map<string, OpenObject>();
  for (const [name, { mapping, table }] of usable)
    objects.set(name, { mapping, table, stream: await openStream(store, mapping, clock.now_ms()) });
  return { store, database: new FlowDatabase(postgres, schema), tables, objects, unusable };
}

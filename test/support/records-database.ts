import pg from 'pg';
import { seededRandom } from '../../src/platform/random.ts';
import { systemTimers } from '../../src/platform/timers.ts';
import type { FieldMapping, ObjectMapping } from '../../src/records/model/mapping.ts';
import { Postgres } from '../../src/storage/postgres/postgres.ts';
import type { TestPostgres } from './postgres.ts';

/** A mapping of `crm.accounts`, changed as a test wants it. */
export function accountMapping(
  fields: readonly (Partial<FieldMapping> & { postgres: string })[],
  over: Partial<Omit<ObjectMapping, 'postgres' | 'salesforce'>> & {
    postgres?: Partial<ObjectMapping['postgres']>;
    salesforce?: Partial<ObjectMapping['salesforce']>;
  } = {},
): ObjectMapping {
  return {
    name: 'accounts',
    version: '0123456789abcdef',
    direction: 'both',
    policy: 'manual',
    deletes: 'propagate',
    natural_keys: [],
    brakes: { max_deletes: 100, max_creates: 1000, max_changes_percent: 20 },
    fields: fields.map((field) => ({
      name: field.postgres,
      salesforce: field.postgres,
      kind: 'text',
      direction: 'both',
      owner: 'shared',
      references: null,
      relationship: null,
      length: null,
      scale: null,
      ...field,
    })),
    ...over,
    salesforce: { object: 'Account', external_id: 'External_Id__c', case_sensitive: true, ...over.salesforce },
    postgres: { table: 'crm.accounts', key: 'external_id', salesforce_id: null, ...over.postgres },
  };
}

/** A database of a test's own, with the tables that `sql` makes. */
export interface RecordsDatabase {
  readonly url: string;
  readonly postgres: Postgres;
  /** Another connection, as a customer's program has: its transactions are the test's. */
  connect: (role?: string) => Promise<pg.Client>;
  /** One statement of a customer's program, committed. */
  run: (sql: string, values?: unknown[]) => Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

export async function recordsDatabase(cluster: TestPostgres, sql: string): Promise<RecordsDatabase> {
  const url = await cluster.createDatabase();
  const postgres = new Postgres({ url, timers: systemTimers, random: seededRandom(1) });
  const clients: pg.Client[] = [];
  const connect = async (role?: string): Promise<pg.Client> => {
    const client = new pg.Client({
      connectionString: role === undefined ? url : url.replace('//postgres@', `//${role}@`),
    });
    client.on('error', () => undefined);
    await client.connect();
    clients.push(client);
    return client;
  };
  const main = await connect();
  await main.query(sql);
  return {
    url,
    postgres,
    connect,
    run: async (statement, values = []) => (await main.query<Record<string, unknown>>(statement, values)).rows,
    close: async () => {
      await Promise.all(clients.map((client) => client.end()));
      await postgres.close();
    },
  };
}

import { invariant, UsageError } from '../../platform/errors.ts';
import type { ObjectMapping } from '../../records/model/mapping.ts';
import { OutboxReader } from '../../records/postgres/outbox-reader.ts';
import { openSalesforceSide, type OpenSalesforceSide } from '../../records/salesforce/side.ts';
import { noteMapping } from '../../records/sync/mapping-states.ts';
import { openRecords, type OpenRecords } from '../../records/sync/open-records.ts';
import { Postgres } from '../../storage/postgres/postgres.ts';
import { databaseUrl, readMappings, type RecordsInputs } from './records-inputs.ts';
import { certificateAuthority, salesforceSignIn } from './salesforce-sign-in.ts';

/** Both sides of the configured objects, open. */
export interface RecordsDirectory extends AsyncDisposable {
  inputs: RecordsInputs;
  mappings: readonly ObjectMapping[];
  postgres: Postgres;
  records: OpenRecords;
  outbox: OutboxReader;
  salesforce: OpenSalesforceSide;
  close(): Promise<void>;
}

/**
 * Opens the database, brings its schema up to date and makes ready to call Salesforce; nothing is asked of that yet.
 * @throws UsageError for what the configuration lacks, UnreachableError when the database does not answer
 */
export async function openRecordsDirectory(inputs: RecordsInputs): Promise<RecordsDirectory> {
  const { config, clock, timers, random } = inputs;
  const mappings = readMappings(inputs);
  const postgres = new Postgres({ url: databaseUrl(inputs), timers, random });
  let salesforce: OpenSalesforceSide | undefined;
  try {
    salesforce = openSide(inputs, mappings);
    await requireSetup(postgres, config.schema);
    const records = await openRecords({ postgres, schema: config.schema, mappings, clock, random });
    for (const mapping of mappings) await noteMapping(records.database, mapping);
    const side = salesforce;
    const close = async (): Promise<void> => {
      await side.close();
      await postgres.close();
    };
    const outbox = new OutboxReader(postgres, config.schema);
    return { inputs, mappings, postgres, records, outbox, salesforce: side, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await salesforce?.close();
    await postgres.close();
    throw error;
  }
}

/** Nothing is made in a customer's database before the SQL for it was seen (R19). */
async function requireSetup(postgres: Postgres, schema: string): Promise<void> {
  const found = await postgres.query(
    `SELECT 1 FROM pg_catalog.pg_tables WHERE schemaname = $1 AND tablename = 'outbox'`,
    [schema],
  );
  if (found.length > 0) return;
  throw new UsageError('records.not_set_up', `${postgres.shown} is not set up for records`, {
    field: 'records.postgres',
    hint: '`syncline records init` shows the SQL that it needs; with --apply-sql it runs it.',
  });
}

/** Salesforce as configured; nothing is asked of it yet. */
export function openSide(inputs: RecordsInputs, mappings: readonly ObjectMapping[]): OpenSalesforceSide {
  const { config, clock, timers, random } = inputs;
  const { salesforce } = config;
  invariant(salesforce !== undefined, 'records are opened only when Salesforce is configured');
  const by_name = new Map(mappings.map((mapping) => [mapping.name, mapping]));
  return openSalesforceSide({
    signIn: salesforceSignIn(salesforce, inputs),
    mappings: () => by_name,
    ...{ clock, timers, random, client: salesforce.client, budget_share: salesforce.calls_percent / 100 },
    ca: certificateAuthority(salesforce, inputs.config_file),
  });
}

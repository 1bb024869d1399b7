import { readFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import type { Environment } from '../../config/environment.ts';
import type { Config } from '../../config/schema.ts';
import { resolveSecret } from '../../config/secret.ts';
import type { Clock } from '../../platform/clock.ts';
import { UsageError } from '../../platform/errors.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import type { ObjectMapping } from '../../records/model/mapping.ts';
import { checkReferences, parseMapping } from '../../records/model/parse-mapping.ts';

export type RecordsConfig = NonNullable<Config['records']>;
export type SalesforceConfig = NonNullable<RecordsConfig['salesforce']>;

/** What records need of the program around them. */
export interface RecordsInputs {
  config: RecordsConfig;
  config_file: string;
  env: Environment;
  clock: Clock;
  timers: Timers;
  random: Random;
  /** One line of the log; no value, no key. */
  report: (message: string, detail: Record<string, string | number>) => void;
}

/** @throws UsageError `records.not_configured` */
export function configuredRecords(config: Config, config_file: string): RecordsConfig {
  if (config.records?.postgres !== undefined && config.records.salesforce !== undefined) return config.records;
  throw new UsageError('records.not_configured', 'No PostgreSQL or no Salesforce is configured for records', {
    field: 'records',
    hint: `Run \`syncline records init\`, or write [records] into ${config_file}: docs/records.md.`,
  });
}

/** The address of the database. @throws UsageError `secret.missing` */
export function databaseUrl({
  config,
  config_file,
  env,
}: Pick<RecordsInputs, 'config' | 'config_file' | 'env'>): string {
  if (config.postgres === undefined)
    throw new UsageError('records.not_configured', 'No PostgreSQL is configured for records', {
      field: 'records.postgres',
    });
  return resolveSecret(config.postgres.url, { key: 'records.postgres.url', config_file, env });
}

/** Where the mapping file of an object stands. */
export function mappingFile(named: string, config_file: string): string {
  return isAbsolute(named) ? named : join(dirname(config_file), named);
}

/** All mappings of the configuration. @throws UsageError `mapping.invalid`, `mapping.missing` with every fault at its place */
export function readMappings({ config, config_file }: Pick<RecordsInputs, 'config' | 'config_file'>): ObjectMapping[] {
  const { max_deletes, max_creates, max_changes_percent } = config;
  const brakes = { max_deletes, max_creates, max_changes_percent };
  const mappings = config.object.map(({ name, mapping }) =>
    parseMapping(readMappingFile(mapping, config_file), { name, file: mapping, brakes }),
  );
  const [problem] = checkReferences(mappings);
  if (problem !== undefined) throw new UsageError('mapping.invalid', problem, { field: 'records.object' });
  return mappings;
}

function readMappingFile(named: string, config_file: string): string {
  try {
    return readFileSync(mappingFile(named, config_file), 'utf8');
  } catch (error) {
    throw new UsageError('mapping.missing', `The mapping file ${named} cannot be read`, {
      field: 'records.object',
      hint: 'A relative name stands beside the configuration file; `syncline records init` writes one.',
      cause: error,
    });
  }
}

/** What `records init` and `records uninstall` do to a database, and the first sign-in of a person. */
import { describeTable } from '../../records/model/table-description.ts';
import { proposeMapping, type ProposedMapping } from '../../records/model/propose-mapping.ts';
import type { ObjectMapping } from '../../records/model/mapping.ts';
import { tableColumns } from '../../records/postgres/columns.ts';
import { applySetup, verifySetup, type SetupState } from '../../records/postgres/setup.ts';
import { setupScript, type SetupOptions } from '../../records/postgres/setup-sql.ts';
import { planUninstall, uninstall, uninstallScript, type UninstallPlan } from '../../records/postgres/uninstall.ts';
import { HttpClient } from '../../records/salesforce/http.ts';
import { checkPermissions, type PermissionReport } from '../../records/salesforce/permissions.ts';
import { browserSignIn } from '../../records/salesforce/sign-in/browser.ts';
import { deviceSignIn } from '../../records/salesforce/sign-in/device.ts';
import { refreshTokenFile } from '../../records/salesforce/sign-in/refresh-token-file.ts';
import type { OpenSalesforceSide } from '../../records/salesforce/side.ts';
import { objectsOfRecords } from '../../records/sync/open-records.ts';
import { Postgres } from '../../storage/postgres/postgres.ts';
import { UsageError } from '../../platform/errors.ts';
import { openSide } from './open-records-directory.ts';
import { databaseUrl, readMappings, type RecordsInputs } from './records-inputs.ts';
import { besideConfig, certificateAuthority } from './salesforce-sign-in.ts';

/** The database and Salesforce before anything of ours is in either. */
export interface UnsetRecords extends AsyncDisposable {
  inputs: RecordsInputs;
  mappings: readonly ObjectMapping[];
  postgres: Postgres;
  salesforce: OpenSalesforceSide;
}

/** Opens both sides and changes neither. */
export function openUnset(inputs: RecordsInputs): UnsetRecords {
  const mappings = readMappings(inputs);
  const { timers, random } = inputs;
  const salesforce = openSide(inputs, mappings);
  const postgres = new Postgres({ url: databaseUrl(inputs), timers, random });
  const close = async (): Promise<void> => {
    await salesforce.close();
    await postgres.close();
  };
  return { inputs, mappings, postgres, salesforce, [Symbol.asyncDispose]: close };
}

/** How a person signs in: where the browser is to go, or where to enter which code. */
export interface SignInScreens {
  open: (address: string) => Promise<void>;
  show: (page: { address: string; code: string }) => Promise<void>;
}

/** Whether a person has to sign in before anything can be read. */
export async function needsSignIn({ config, config_file }: RecordsInputs): Promise<boolean> {
  const file = config.salesforce?.refresh_token;
  return file !== undefined && (await refreshTokenFile(besideConfig(file, config_file)).read()) === null;
}

/** Has a person sign in, and keeps what lets the program do it by itself from then on. Throws what the sign-in throws. */
export async function signIn(
  inputs: RecordsInputs,
  how: 'browser' | 'device',
  screens: SignInScreens,
  signal: AbortSignal,
): Promise<void> {
  const { salesforce } = inputs.config;
  if (salesforce?.refresh_token === undefined) return;
  const { clock, timers, random } = inputs;
  const http = new HttpClient({ timers, ca: certificateAuthority(salesforce, inputs.config_file) });
  const { login, client_id } = salesforce;
  try {
    const token =
      how === 'browser'
        ? await browserSignIn({ http, login, client_id, random, open: screens.open }, signal)
        : await deviceSignIn({ http, login, client_id, clock, timers, show: screens.show }, signal);
    if (token.refresh_token === null)
      throw new UsageError('salesforce.no_refresh_token', 'The connected app gave no refresh token', {
        field: 'records.salesforce.client_id',
        hint: 'Add the scope "Perform requests at any time (refresh_token)" to the connected app.',
      });
    const file = besideConfig(salesforce.refresh_token, inputs.config_file);
    await refreshTokenFile(file).write(token.refresh_token);
  } finally {
    await http.close();
  }
}

/** A first mapping file of an object and a table. @throws UsageError `records.table` */
export async function propose(
  { postgres, salesforce, mappings }: UnsetRecords,
  object: string,
  table: string,
  signal: AbortSignal,
): Promise<ProposedMapping> {
  const columns = await tableColumns(postgres, { postgres: { table } });
  if (columns === null)
    throw new UsageError('records.table', `There is no table ${table}`, {
      field: '--table',
      hint: 'With its schema, as in public.accounts.',
    });
  const described = await salesforce.descriptions.of(object, signal);
  const parents = new Map(mappings.map((mapping) => [mapping.name, mapping]));
  return proposeMapping(described, describeTable(table, columns), parents);
}

/** What the sign-in may do in Salesforce. */
export function permissions(
  { salesforce, inputs, mappings }: UnsetRecords,
  objects: readonly string[],
  signal: AbortSignal,
): Promise<PermissionReport> {
  const named = [...new Set([...objects, ...mappings.map((mapping) => mapping.salesforce.object)])];
  const { transport, descriptions } = salesforce;
  return checkPermissions({ transport, descriptions, poll_every_ms: inputs.config.poll_every }, named, signal);
}

export interface SetupSql {
  state: SetupState;
  /** For review, or for `psql`. Empty when nothing is to be done. */
  script: string;
}

/** What is missing in the database for these mappings, as SQL; nothing is run. */
export async function setupSql({ postgres, mappings, inputs }: UnsetRecords, role: string | null): Promise<SetupSql> {
  const state = await verifySetup(postgres, mappings, setupOptions(inputs, role));
  const title = `Setup of Syncline. Beside this, the program makes the tables of its journal in schema ${inputs.config.schema} when it starts`;
  return { state, script: state.pending.length === 0 ? '' : setupScript(state.pending, title) };
}

/** Runs that SQL, in one transaction. */
export function runSetup({ postgres, mappings, inputs }: UnsetRecords, role: string | null): Promise<SetupState> {
  return applySetup(postgres, mappings, setupOptions(inputs, role));
}

function setupOptions({ config }: RecordsInputs, role: string | null): SetupOptions {
  return { schema: config.schema, role, notify: true };
}

/** What removing everything would do; the same as SQL. */
export async function uninstallSql({
  postgres,
  inputs,
}: UnsetRecords): Promise<{ plan: UninstallPlan; script: string }> {
  const plan = await planUninstall(postgres, inputs.config.schema, objectsOfRecords());
  return { plan, script: uninstallScript(plan) };
}

/** Removes everything that was made there, in one transaction. */
export function runUninstall({ postgres, inputs }: UnsetRecords): Promise<UninstallPlan> {
  return uninstall(postgres, inputs.config.schema, objectsOfRecords());
}

import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '../../../src/config/load.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { systemTimers } from '../../../src/platform/timers.ts';
import { startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { flushRecords } from '../../../src/runtime/records/flush-records.ts';
import { openRecordsDirectory, type RecordsDirectory } from '../../../src/runtime/records/open-records-directory.ts';
import { configuredRecords, type RecordsInputs } from '../../../src/runtime/records/records-inputs.ts';
import { apply, objectNamed, plan } from '../../../src/runtime/records/records-verbs.ts';
import { openUnset, runSetup } from '../../../src/runtime/records/set-up-records.ts';
import { SANDBOX_APP } from '../../../src/sandbox/salesforce/oauth/connected-app.ts';
import { startSalesforceSandbox, type SalesforceSandbox } from '../../../src/sandbox/salesforce/start-sandbox.ts';
import { Postgres } from '../../../src/storage/postgres/postgres.ts';

const MAPPING = `direction = "both"
[salesforce]
object = "Account"
external_id = "External_Id__c"
[postgres]
table = "public.accounts"
key = "external_id"
salesforce_id = "sfid"
[brakes]
max_creates = 10000000
max_deletes = 10000000
max_changes_percent = 100
[fields]
name = { salesforce = "Name", kind = "text", length = 255 }
phone = { salesforce = "Phone", kind = "text", length = 40 }
`;

/** Longer than polling looks back: what is there is not told again. */
const LONG_AGO_MS = 86_400_000;

/** Both real sides, in step, with the flow open between them; the organisation is simulated, the database is not. */
export interface RecordsWorld extends AsyncDisposable {
  directory: RecordsDirectory;
  sandbox: SalesforceSandbox;
  postgres: Postgres;
  /** API calls since it was asked last; sign-ins are none. */
  calls(): number;
  /** Carries over what waits. */
  flush(): Promise<void>;
}

/** Two sides with so many accounts each, paired and equal. */
export async function openRecordsWorld(
  folder: string,
  accounts: number,
  settings: { poll_every?: string } = {},
): Promise<RecordsWorld> {
  const home = mkdtempSync(join(folder, 'records-'));
  const cluster = await startPostgres(['fsync=on', 'shared_buffers=256MB']);
  const sandbox = await startSalesforceSandbox({ port: 0, max_requests: 10_000_000, max_logged: 1_000_000 });
  sandbox.org.seed('Account', Array.from({ length: accounts }, (_, i) => ({ Name: `Account ${i}`, External_Id__c: `a-${i}` })), { stamp_ms: systemClock.now_ms() - LONG_AGO_MS }); // prettier-ignore
  const inputs = await inputsFor(home, cluster, sandbox, settings);
  const postgres = new Postgres({ url: cluster.url, timers: systemTimers, random: systemRandom });
  await postgres.query(`CREATE TABLE public.accounts (external_id text PRIMARY KEY, name text NOT NULL, phone text, sfid text)`); // prettier-ignore
  {
    await using unset = openUnset(inputs);
    await runSetup(unset, null);
  }
  const directory = await openRecordsDirectory(inputs);
  const object = objectNamed(directory, 'accounts');
  const { signal } = new AbortController();
  await apply(directory, object, await plan(directory, object, signal), 'bench', signal);
  const flush = async (): Promise<void> => void (await flushRecords(directory, [object], 3_600_000, signal));
  await flush();
  let seen = sandbox.requests.length;
  return {
    ...{ directory, sandbox, postgres, flush },
    calls: () => {
      const made = sandbox.requests.slice(seen).filter(({ target }) => !target.includes('/oauth2/'));
      seen = sandbox.requests.length;
      return made.length;
    },
    [Symbol.asyncDispose]: async () => {
      await directory.close();
      await postgres.close();
      await sandbox.close();
      await cluster.remove();
    },
  };
}

async function inputsFor(
  home: string,
  cluster: TestPostgres,
  sandbox: SalesforceSandbox,
  { poll_every = '1h' }: { poll_every?: string },
): Promise<RecordsInputs> {
  const config_file = join(home, 'config.toml');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'accounts.toml'), MAPPING);
  writeFileSync(
    config_file,
    `[records]
poll_every = "${poll_every}"
postgres = { url = { env = "BENCH_POSTGRES" } }
salesforce = { login = "${sandbox.url}", client_id = "${SANDBOX_APP.client_id}", client_secret = { env = "BENCH_SECRET" }, pubsub = "off", calls_percent = 100 }
[[records.object]]
name = "accounts"
mapping = "accounts.toml"
`,
  );
  const env = { BENCH_POSTGRES: cluster.url, BENCH_SECRET: SANDBOX_APP.client_secret };
  const { config } = loadConfig({ file: config_file, file_required: true, env: {} });
  const report = (message: string): void => void process.stderr.write(`  ${message}\n`);
  return Promise.resolve({
    ...{ config: configuredRecords(config, config_file), config_file, env, report },
    ...{ clock: systemClock, timers: systemTimers, random: systemRandom },
  });
}

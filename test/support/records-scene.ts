/**
 * Records as a user has them: a PostgreSQL with a table, the Salesforce sandbox over TLS with change events, a machine whose configuration
 * names both, and the real program. For tests and for `npm run demo:records`.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../src/platform/random.ts';
import { systemTimers } from '../../src/platform/timers.ts';
import { SANDBOX_APP } from '../../src/sandbox/salesforce/oauth/connected-app.ts';
import { startPubSub, type RunningPubSub } from '../../src/sandbox/salesforce/pubsub/server.ts';
import { makeSelfSigned } from '../../src/sandbox/salesforce/self-signed.ts';
import { startSalesforceSandbox, type SalesforceSandbox } from '../../src/sandbox/salesforce/start-sandbox.ts';
import { Machine, type RunOptions } from './machine.ts';
import { query, startPostgres, type TestPostgres } from './postgres.ts';
import type { Ended } from './program.ts';

/** A record or row as both sides show it. */
export interface Account {
  name: string;
  phone: string | null;
}

const TABLE = `CREATE TABLE public.accounts (
  external_id text PRIMARY KEY,
  name text NOT NULL,
  phone text,
  sfid text
)`;

export class RecordsScene implements AsyncDisposable {
  readonly machine: Machine;
  readonly sandbox: SalesforceSandbox;
  readonly pubsub: RunningPubSub;
  readonly database: string;
  /** How often the program asks for what change events tell by themselves. */
  poll_every = '1s';
  readonly #cluster: TestPostgres;

  private constructor(
    machine: Machine,
    sandbox: SalesforceSandbox,
    pubsub: RunningPubSub,
    cluster: TestPostgres,
    database: string,
  ) {
    this.machine = machine;
    this.sandbox = sandbox;
    this.pubsub = pubsub;
    this.#cluster = cluster;
    this.database = database;
  }

  /** Both sides with a table and no record; the configuration without an object. Whatever fails, nothing stays. */
  static async start(): Promise<RecordsScene> {
    await using started = new AsyncDisposableStack();
    const machine = started.use(new Machine());
    const cluster = started.adopt(await startPostgres(), (one) => one.remove());
    const tls = await makeSelfSigned();
    const random = seededRandom(1);
    const sandbox = started.adopt(await startSalesforceSandbox({ port: 0, tls, random }), (one) => one.close());
    const { org, sessions } = sandbox;
    const acceptsToken = (token: string): boolean => sessions.find(token) !== null;
    const options = { port: 0, tls, acceptsToken, timers: systemTimers, random };
    const pubsub = started.adopt(await startPubSub(org, options), (one) => one.close());
    const database = await cluster.createDatabase();
    await query(database, TABLE);
    const scene = new RecordsScene(machine, sandbox, pubsub, cluster, database);
    machine.write('state/sandbox.pem', tls.cert);
    scene.configure();
    started.move();
    return scene;
  }

  /** Writes the configuration; `objects`: those that are mapped. */
  configure(objects: readonly string[] = [], more = ''): void {
    this.machine.configure(`[records]
postgres = { url = { env = "RECORDS_DATABASE" } }
poll_every = "${this.poll_every}"
${more}
[records.salesforce]
login = "${this.sandbox.url}"
client_id = "${SANDBOX_APP.client_id}"
client_secret = { env = "SALESFORCE_SECRET" }
certificate_authority = "sandbox.pem"
pubsub = "localhost:${this.pubsub.port}"
${objects.map((name) => `[[records.object]]\nname = "${name}"\nmapping = "records/${name}.toml"\n`).join('')}`);
  }

  get options(): RunOptions {
    const { client_secret } = SANDBOX_APP;
    return { env: { RECORDS_DATABASE: this.database, SALESFORCE_SECRET: client_secret, USER: 'ada' } };
  }

  run(...args: string[]): Promise<Ended> {
    return this.machine.run(args, this.options);
  }

  /** @throws Error with what it printed when the command ends with another code than `exit`. */
  async expect(exit: number, ...args: string[]): Promise<string> {
    const ended = await this.run(...args);
    if (ended.exit === exit) return ended.stdout + ended.stderr;
    throw new Error(`syncline ${args.join(' ')} ended with ${ended.exit}, not ${exit}: ${ended.stderr}${ended.stdout}`);
  }

  get mapping_file(): string {
    return join(this.machine.state, 'records', 'accounts.toml');
  }

  /** Changes the proposed mapping as a person does in an editor. */
  editMapping(edit: (toml: string) => string): void {
    mkdirSync(join(this.machine.state, 'records'), { recursive: true });
    writeFileSync(this.mapping_file, edit(readFileSync(this.mapping_file, 'utf8')));
  }

  sql(text: string, values: unknown[] = []): Promise<Record<string, unknown>[]> {
    return query(this.database, text, values);
  }

  /** The rows by key. */
  async rows(): Promise<Record<string, Account>> {
    const rows = await this.sql('SELECT external_id, name, phone FROM public.accounts ORDER BY external_id');
    return Object.fromEntries(rows.map(({ external_id, ...row }) => [String(external_id), row as unknown as Account]));
  }

  /** The records by key, without those that have none. */
  records(): Record<string, Account> {
    const rows = this.sandbox.org.rows('Account').filter((row) => typeof row['External_Id__c'] === 'string');
    const shown = rows.map((row): [string, Account] => {
      const { External_Id__c, Name, Phone } = row as unknown as Record<string, string | null>;
      return [External_Id__c ?? '', { name: Name ?? '', phone: Phone ?? null }];
    });
    return Object.fromEntries(shown.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Somebody edits a record on its page. @throws Error for a key that no record has */
  editRecord(key: string, values: Record<string, string | null>): void {
    const { org } = this.sandbox;
    const id = org.findByExternalId('Account', 'External_Id__c', key);
    if (id === null) throw new Error(`There is no record ${key} in Salesforce`);
    org.update('Account', id, values);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.machine[Symbol.asyncDispose]();
    await this.pubsub.close();
    await this.sandbox.close();
    await this.#cluster.remove();
  }
}

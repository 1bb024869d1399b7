import { KeyedDelivery } from '../../src/engine/keyed/delivery.ts';
import type { EngineStore, NewEntry } from '../../src/engine/store.ts';
import { invariant } from '../../src/platform/errors.ts';
import { seededRandom, type Random } from '../../src/platform/random.ts';
import { fieldOf, mappingOf } from '../../src/records/model/generated.contract.ts';
import type { ObjectMapping } from '../../src/records/model/mapping.ts';
import { columnTypes } from '../../src/records/postgres/columns.ts';
import { OutboxReader } from '../../src/records/postgres/outbox-reader.ts';
import { applySetup } from '../../src/records/postgres/setup.ts';
import { SETUP_DEFAULTS } from '../../src/records/postgres/setup-sql.ts';
import { captureOutbox } from '../../src/records/sync/capture-outbox.ts';
import { pollObject } from '../../src/records/sync/capture-poll.ts';
import { markApplied, markPlanned, noteMapping } from '../../src/records/sync/mapping-states.ts';
import { openRecords, type OpenObject, type OpenRecords } from '../../src/records/sync/open-records.ts';
import { RecordPair } from '../../src/records/sync/record-pair.ts';
import { Org } from '../../src/sandbox/salesforce/org/org.ts';
import { Postgres } from '../../src/storage/postgres/postgres.ts';
import { OrgSide } from './org-side.ts';
import type { TestPostgres } from './postgres.ts';
import { VirtualTime } from './virtual-time.ts';

/** Three fields: text, text with an owner, a decimal. */
export const ACCOUNTS: ObjectMapping = mappingOf(
  [
    fieldOf('text', { name: 'name', salesforce: 'Name', postgres: 'name' }),
    fieldOf('text', { name: 'phone', salesforce: 'Phone', postgres: 'phone' }),
    fieldOf('decimal', { name: 'revenue', salesforce: 'AnnualRevenue', postgres: 'revenue', scale: 0 }),
  ],
  {
    name: 'accounts',
    salesforce: { object: 'Account', external_id: 'External_Id__c', case_sensitive: false },
    postgres: { table: 'public.accounts', key: 'ext', salesforce_id: 'sfid' },
  },
);

const TABLE = `CREATE TABLE public.accounts (ext text PRIMARY KEY, name text NOT NULL, phone text, revenue numeric(18, 0), sfid text)`;

/** A record as both sides show it. */
export interface Shown {
  name: unknown;
  phone: unknown;
  revenue: unknown;
}

/** Two real sides (a database, a simulated organisation) and the flow between them, driven by hand. */
export class RecordsRig {
  /** Of the organisation. */
  readonly time: VirtualTime;
  readonly random: Random;
  readonly mapping: ObjectMapping;
  readonly org: Org;
  readonly salesforce: OrgSide;
  readonly postgres: Postgres;
  readonly records: OpenRecords;
  readonly delivery: KeyedDelivery;
  readonly reports: unknown[] = [];
  paused = 0;
  #told = 0;

  private constructor(
    postgres: Postgres,
    records: OpenRecords,
    mapping: ObjectMapping,
    org: Org,
    time: VirtualTime,
    seed: number,
  ) {
    this.time = time;
    this.postgres = postgres;
    this.records = records;
    this.mapping = mapping;
    this.org = org;
    this.salesforce = new OrgSide(org);
    this.random = seededRandom(seed);
    const { clock, random, timers } = this.ports;
    this.delivery = new KeyedDelivery({
      ...{ store: this.store, destination: this.pair(), clock, random, timers },
      retry: { base_ms: 100, cap_ms: 1000, retry_after_cap_ms: 1000 },
      ...{ concurrency: 1, idle_ms: 1000, most_attempts: 5 },
      report: (error) => void this.reports.push(error),
    });
    this.#told = org.lastCommit;
  }

  static async open(
    cluster: TestPostgres,
    {
      mapping = ACCOUNTS,
      seed = 1,
      applied = true,
    }: { mapping?: ObjectMapping; seed?: number; applied?: boolean } = {},
  ): Promise<RecordsRig> {
    const timers = { sleep: (ms: number, signal?: AbortSignal) => sleepReally(ms, signal) };
    const postgres = new Postgres({ url: await cluster.createDatabase(), timers, random: seededRandom(seed) });
    await postgres.query(TABLE);
    const time = new VirtualTime();
    const org = new Org({ clock: time, random: seededRandom(seed) });
    await applySetup(postgres, [mapping], SETUP_DEFAULTS);
    const clock = { now_ms: () => Date.now(), monotonic_ms: () => performance.now() };
    const options = { postgres, schema: 'syncline', mappings: [mapping], clock, random: seededRandom(seed) };
    const records = await openRecords(options);
    const rig = new RecordsRig(postgres, records, mapping, org, time, seed);
    await noteMapping(records.database, mapping);
    if (applied) await rig.apply();
    return rig;
  }

  get ports() {
    // Real time: leases are by the database's. Sleeps are the database's retries only.
    const clock = { now_ms: () => Date.now(), monotonic_ms: () => performance.now() };
    return { clock, random: this.random, timers: { sleep: sleepReally } };
  }

  get store(): EngineStore {
    return this.records.store;
  }

  get object(): OpenObject {
    const object = this.records.objects.get(this.mapping.name);
    invariant(object, 'the table fits the mapping');
    return object;
  }

  pair(): RecordPair {
    const { database, tables } = this.records;
    const { clock, random } = this.ports;
    const paused = (): void => void this.paused++;
    return new RecordPair({
      ...this.object,
      database,
      salesforce: this.salesforce,
      postgres: tables,
      clock,
      random,
      paused,
    });
  }

  async apply(): Promise<void> {
    const { stream } = this.object.stream;
    await markPlanned(this.records.database, stream, this.mapping.version);
    await markApplied(this.records.database, stream, this.mapping.version, 'test');
  }

  /** Moves what the triggers wrote into the journal. */
  async captureTable(): Promise<number> {
    const { store, database } = this.records;
    const { mapping, stream } = this.object;
    const types = columnTypes(await this.records.tables.table(mapping));
    const { appended } = await captureOutbox({
      ...{ store, database, clock: this.ports.clock, onProblem: () => undefined },
      reader: new OutboxReader(this.postgres, 'syncline'),
      tables: new Map([[mapping.name, { mapping, types }]]),
      streams: new Map([[mapping.name, stream]]),
    });
    return appended;
  }

  /** Tells the flow of the organisation's commits since the last time, as change events do. */
  async captureEvents(choose: (entries: NewEntry[]) => NewEntry[] = (all) => all): Promise<number> {
    const { stream } = this.object;
    const commits = this.org.commitsAfter(this.#told);
    this.#told = this.org.lastCommit;
    const now_ms = this.ports.clock.now_ms();
    const entries = commits.flatMap((commit): NewEntry[] => {
      const event = this.salesforce.eventOf(this.mapping, commit);
      if (event === null) return [];
      const cursor = `${commit.commit_number}:${commit.sequence_number}`;
      const { partition_id } = stream.salesforce;
      return [{ partition_id, key: event.key, cursor, subject: null, observed_ms: now_ms, payload: JSON.stringify(event.change) }]; // prettier-ignore
    });
    const { source_id } = await this.store.openSource(stream.stream, 'events', now_ms);
    const chosen = choose(entries);
    if (chosen.length === 0) return 0;
    return (await this.store.append({ source_id, entries: chosen, checkpoint: null, now_ms })).appended;
  }

  async poll(): Promise<number> {
    const { store, database } = this.records;
    const options = { store, database, salesforce: this.salesforce, clock: this.ports.clock };
    return (await pollObject(options, this.mapping, this.object.stream, new AbortController().signal)).appended;
  }

  /** Passes until nothing is due: what waits for a time is not waited for. */
  async deliver(passes = 10): Promise<void> {
    for (let i = 0; i < passes; i++) if ((await this.delivery.pass(new AbortController().signal)).idle !== null) return;
  }

  /** Until neither source has anything and nothing is due. */
  async settle(): Promise<void> {
    for (let i = 0; i < 20; i++) {
      const captured = (await this.captureTable()) + (await this.captureEvents());
      await this.deliver();
      if (captured === 0) return;
    }
  }

  /** What waits for a time is due now: back-offs, circuits, and leases of those who are gone. */
  async hasten(): Promise<void> {
    await this.sql('UPDATE syncline.task SET due_ms = 0 WHERE due_ms > 0');
    await this.sql('UPDATE syncline.destination SET circuit_until_ms = 0');
  }

  async sql(text: string, values: readonly unknown[] = []): Promise<Record<string, unknown>[]> {
    return this.postgres.query(text, values);
  }

  /** The rows by key. */
  async table(): Promise<Record<string, Shown>> {
    const rows = await this.sql('SELECT ext, name, phone, revenue::text AS revenue FROM public.accounts ORDER BY ext');
    return Object.fromEntries(rows.map(({ ext, ...row }) => [String(ext), row as unknown as Shown]));
  }

  /** The organisation's records by key. */
  accounts(): Record<string, Shown> {
    const rows = this.org.rows('Account').filter((row) => typeof row['External_Id__c'] === 'string');
    const shown = rows.map((row): [string, Shown] => [
      String(row['External_Id__c']),
      {
        name: row['Name'],
        phone: row['Phone'] ?? null,
        revenue: row['AnnualRevenue'] === null || row['AnnualRevenue'] === undefined ? null : String(row['AnnualRevenue']), // prettier-ignore
      },
    ]);
    return Object.fromEntries(shown.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** The Salesforce id of a key. */
  idOf(key: string): string {
    return this.org.findByExternalId('Account', 'External_Id__c', key) ?? '';
  }

  async close(): Promise<void> {
    await this.postgres.close();
  }
}

function sleepReally(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}

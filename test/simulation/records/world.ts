import { KeyedDelivery } from '../../../src/engine/keyed/delivery.ts';
import type { NewEntry } from '../../../src/engine/store.ts';
import { uuidv7 } from '../../../src/platform/random.ts';
import { OutboxReader } from '../../../src/records/postgres/outbox-reader.ts';
import { listConflicts, resolveStep } from '../../../src/records/sync/conflicts.ts';
import { findDrift } from '../../../src/records/sync/drift.ts';
import type { Value } from '../../../src/records/model/value.ts';
import type { SalesforceWrite } from '../../../src/records/sides.ts';
import { OrgRefusal } from '../../../src/sandbox/salesforce/org/refusal.ts';
import type { OrgFault } from '../../support/org-side.ts';
import type { TestPostgres } from '../../support/postgres.ts';
import { RecordsRig } from '../../support/records-rig.ts';
import { Draw } from '../draw.ts';
import { FIELDS, RecordsLedger, type FieldName } from './ledger.ts';
import { judge } from './oracle.ts';
import { recordsScenarioOf, type RecordsScenario } from './scenario.ts';

const COLUMN_THERE: Record<FieldName, string> = { name: 'Name', phone: 'Phone', revenue: 'AnnualRevenue' };
const KILLED = new Error('killed');
const ROUNDS = 30;

export interface RecordsOutcome {
  broken: string[];
  trace: string[];
  crashes: number;
  conflicts: number;
}

type Values = Partial<Record<FieldName, string | null>>;

/** One world from a seed: people edit both sides, everything goes wrong, then all heals; says what is broken afterwards. */
export async function simulateRecords(cluster: TestPostgres, seed: number): Promise<RecordsOutcome> {
  const scenario = recordsScenarioOf(seed);
  const rig = await RecordsRig.open(cluster, { mapping: scenario.mapping, seed });
  try {
    const world = new RecordsWorld(rig, scenario);
    await world.live();
    await world.heal();
    await judge(world);
    const { broken, trace, crashes, conflicts } = world;
    return { broken, trace, crashes, conflicts };
  } finally {
    await rig.close();
  }
}

export class RecordsWorld {
  readonly rig: RecordsRig;
  readonly scenario: RecordsScenario;
  readonly ledger = new RecordsLedger();
  readonly broken: string[] = [];
  readonly trace: string[] = [];
  crashes = 0;
  conflicts = 0;
  /** Somebody's write went over a newer one while its worker stood still. */
  froze = false;
  readonly #draw: Draw;
  #chaos = true;
  readonly #workers: KeyedDelivery[];
  #events: NewEntry[] = [];
  readonly #deleted: { key: string; id: string }[] = [];
  readonly #under_way = new Set<string>();

  constructor(rig: RecordsRig, scenario: RecordsScenario) {
    this.rig = rig;
    this.scenario = scenario;
    this.#draw = new Draw(scenario.seed, 'records world');
    this.#workers = Array.from({ length: scenario.workers }, () => this.#worker());
    this.#breakThings();
  }

  /** The bad times. */
  async live(): Promise<void> {
    if (this.scenario.sources.includes('poll')) await this.#poll();
    for (let step = 0; step < this.scenario.steps; step++) await this.#step();
  }

  /** Nothing goes wrong any more; goes on until nothing waits and no conflict is open. */
  async heal(): Promise<void> {
    this.#chaos = false;
    for (let round = 0; round < ROUNDS; round++) {
      const moved = await this.#round();
      if (moved) continue;
      if (await this.#retryDeadLetters()) continue;
      if (await this.resolve()) continue;
      if (round < ROUNDS - 1 && (await this.#repair())) continue;
      return;
    }
    this.broken.push(`it does not come to rest within ${ROUNDS} rounds`);
  }

  /** Captures everything and delivers; whether anything happened. */
  async #round(): Promise<boolean> {
    const captured = await this.#captureAll();
    await this.rig.hasten();
    const before = await this.marks();
    await this.deliver();
    return captured > 0 || (await this.waiting()) > 0 || before !== (await this.marks());
  }

  async #captureAll(): Promise<number> {
    let captured = await this.rig.captureTable();
    if (this.scenario.sources.includes('events')) captured += await this.#captureEvents(true);
    if (this.scenario.sources.includes('poll')) captured += await this.rig.poll();
    return captured;
  }

  async waiting(): Promise<number> {
    return (await this.rig.store.keyed.progress())[0]?.waiting ?? 0;
  }

  /** What was written on either side so far. */
  async marks(): Promise<string> {
    const [row] = await this.rig.sql(
      `SELECT (SELECT count(*) FROM syncline.history) AS history, pg_sequence_last_value(pg_get_serial_sequence('syncline.outbox', 'pos')) AS outbox`,
    );
    return `${this.rig.org.lastCommit} ${JSON.stringify(row)}`;
  }

  /** All workers at once. */
  async deliver(passes = 6): Promise<void> {
    await Promise.all(this.#workers.map((_, i) => this.#run(i, passes)));
  }

  async #run(i: number, passes: number): Promise<void> {
    try {
      for (let pass = 0; pass < passes; pass++) {
        const { idle } = (await this.#workers[i]?.pass(new AbortController().signal)) ?? { idle: 'empty' };
        if (idle !== null) return;
      }
    } catch (error) {
      if (error !== KILLED) throw error;
      this.crashes++;
      this.note(`worker ${i} is killed`);
      this.#workers[i] = this.#worker();
      await this.#endLeases();
    }
  }

  async #endLeases(): Promise<void> {
    await this.rig.sql(`UPDATE syncline.task SET lease_until_ms = 0 WHERE state = 'claimed'`);
  }

  /** A process that was just started. */
  #worker(): KeyedDelivery {
    const { clock, random, timers } = this.rig.ports;
    return new KeyedDelivery({
      ...{ store: this.rig.store, destination: this.rig.pair(), clock, random, timers },
      retry: { base_ms: 1, cap_ms: 1, retry_after_cap_ms: 1 },
      ...{ concurrency: 1, idle_ms: 1, most_attempts: 5 },
      report: (error) =>
        void this.broken.push(`a sender threw ${error instanceof Error ? error.stack : String(error)}`),
    });
  }

  #breakThings(): void {
    const { rig, scenario } = this;
    const chance = (probability: number): boolean => this.#chaos && this.#draw.chance(probability);
    rig.salesforce.fault = () =>
      chance(scenario.fault) ? this.#draw.one<OrgFault>(['lost', 'unreachable', 'throttled']) : 'none';
    rig.salesforce.rowFault = () =>
      chance(scenario.row_fault)
        ? { class: 'retry', code: 'UNABLE_TO_LOCK_ROW', message: 'Locked', fields: [], wait_ms: null }
        : null;
    rig.salesforce.beforeWrite = () => {
      if (chance(scenario.meddling)) this.#editThere('in between');
    };
    const write = rig.salesforce.write.bind(rig.salesforce);
    rig.salesforce.write = async (mapping, writes) => {
      this.#checkWrites(writes);
      if (chance(scenario.frozen)) await this.#freeze(writes);
      await new Promise((resolve) => setImmediate(resolve));
      const results = await write(mapping, writes);
      for (const { key } of writes) this.#under_way.delete(key);
      this.note(
        `ours: ${JSON.stringify(writes)} → ${results.map((one) => (one.kind === 'failed' ? one.failure.code : one.kind)).join()}`,
      );
      return results;
    };
    const { keyed } = rig.store;
    const crashing =
      <A extends unknown[], R>(work: (...given: A) => Promise<R>) =>
      async (...given: A): Promise<R> => {
        const when = chance(scenario.crash) ? this.#draw.one(['before', 'after']) : 'never';
        if (when === 'before') throw KILLED;
        const result = await work(...given);
        if (when === 'after') throw KILLED;
        return result;
      };
    keyed.settle = crashing(keyed.settle.bind(keyed));
    const proceedAll = keyed.proceedAll.bind(keyed);
    // What `sendMany` throws counts as an attempt; a process that dies says nothing more.
    keyed.proceedAll = async (...given) => {
      const when = chance(scenario.crash) ? this.#draw.one(['before', 'after']) : 'never';
      if (when === 'before') return given[0].map(() => false);
      const result = await proceedAll(...given);
      return when === 'after' ? result.map(() => false) : result;
    };
  }

  /** Serial for each key; and only what somebody wrote. */
  #checkWrites(writes: readonly SalesforceWrite[]): void {
    for (const { key, fields } of writes) {
      if (this.#under_way.has(key) && !this.froze) this.broken.push(`two writes of ${key} are under way at once`);
      this.#under_way.add(key);
      for (const [field, value] of Object.entries(fields))
        if (!this.ledger.knows(key, field, value))
          this.broken.push(`${key}.${field} gets ${String(value)}, which nobody wrote`);
    }
  }

  /** Its lease is over, and a worker that was just started does its work. */
  async #freeze(writes: readonly SalesforceWrite[]): Promise<void> {
    this.froze = true;
    this.note(`a worker stands still before ${JSON.stringify(writes)}`);
    await this.#endLeases();
    const other = this.#worker();
    try {
      for (let pass = 0; pass < 2; pass++) await other.pass(new AbortController().signal);
    } catch (error) {
      if (error !== KILLED) throw error;
      this.crashes++;
      await this.#endLeases();
    }
    this.note('it goes on');
  }

  async #step(): Promise<void> {
    const draw = this.#draw;
    this.rig.time.step(draw.between(1, 5) * 1000);
    const what = draw.between(0, 9);
    if (what <= 2) this.#editThere('person');
    else if (what <= 5) await this.#editHere();
    else if (what === 6) await this.rig.captureTable();
    else if (what === 7) await this.#captureThere();
    else {
      if (draw.chance(0.7)) await this.#captureThere();
      if (draw.chance(0.7)) await this.rig.captureTable();
      if (draw.chance(0.6)) await this.rig.hasten();
      this.note('deliver');
      await this.deliver(3);
    }
  }

  async #captureThere(): Promise<void> {
    const source = this.#draw.one(this.scenario.sources);
    if (source === 'events') await this.#captureEvents(false);
    else if (!this.#draw.chance(this.scenario.fault)) await this.#poll();
  }

  async #poll(): Promise<void> {
    const { fault } = this.rig.salesforce;
    this.rig.salesforce.fault = () => 'none';
    this.note(`poll: ${await this.rig.poll()}`);
    this.rig.salesforce.fault = fault;
  }

  /** Events come in their order; some late, some never. Those that were told are told once more now and then. */
  async #captureEvents(all: boolean): Promise<number> {
    const draw = this.#draw;
    return this.rig.captureEvents((found) => {
      const kept = found.filter(() => all || !draw.chance(this.scenario.dropped));
      const waiting = [...this.#events, ...kept];
      const now = all || !draw.chance(this.scenario.late) ? waiting.length : draw.between(0, waiting.length);
      this.#events = waiting.slice(now);
      const told = waiting.slice(0, now);
      this.note(
        `events: ${told.map(({ key, payload }) => `${key} ${payload}`).join(' | ')}; ${found.length - kept.length} lost`,
      );
      return draw.chance(0.2) ? [...told, ...told] : told;
    });
  }

  #values(key: string, is_new: boolean): Values {
    const draw = this.#draw;
    const fields = is_new ? FIELDS : [draw.one(FIELDS), draw.one(FIELDS)];
    const values: Values = {};
    for (const field of fields) {
      const former = draw.chance(0.2) ? this.ledger.formerValue(key, field, (known) => draw.one(known)) : null;
      values[field] = former === null ? this.ledger.freshValue(field) : String(former);
      if (field !== 'name' && draw.chance(0.1)) values[field] = null;
    }
    return values;
  }

  #editThere(who: string): void {
    const { rig, ledger } = this;
    const draw = this.#draw;
    const key = draw.one(this.scenario.keys);
    const id = rig.idOf(key);
    if (draw.chance(0.2 * this.scenario.deletes)) {
      if (id !== '') {
        rig.org.delete('Account', id);
        ledger.deleted(key);
        this.#deleted.push({ key, id });
        return this.note(`${who} deletes ${key} there`);
      }
      const former = this.#deleted.findLast((one) => one.key === key);
      if (former === undefined) return;
      try {
        rig.org.undelete('Account', former.id);
        return this.note(`${who} restores ${key} there`);
      } catch (error) {
        if (!(error instanceof OrgRefusal)) throw error;
        return;
      }
    }
    const values = this.#values(key, id === '');
    const body = Object.fromEntries(
      Object.entries(values).map(([field, value]) => [
        COLUMN_THERE[field as FieldName],
        field === 'revenue' && value !== null ? Number(value) : value,
      ]),
    );
    if (id === '') rig.org.create('Account', { External_Id__c: key, ...body });
    else rig.org.update('Account', id, body);
    ledger.wrote('salesforce', key, values);
    this.note(`${who} writes ${key} there: ${JSON.stringify(values)}`);
  }

  async #editHere(): Promise<void> {
    const { rig, ledger } = this;
    const key = this.#draw.one(this.scenario.keys);
    const [row] = await rig.sql('SELECT ext FROM public.accounts WHERE ext = $1', [key]);
    if (row !== undefined && this.#draw.chance(0.2 * this.scenario.deletes)) {
      await rig.sql('DELETE FROM public.accounts WHERE ext = $1', [key]);
      ledger.deleted(key);
      return this.note(`person deletes ${key} here`);
    }
    const values = this.#values(key, row === undefined);
    const names = Object.keys(values);
    const list: Value[] = Object.values(values);
    if (row === undefined)
      await rig.sql(
        `INSERT INTO public.accounts (ext, ${names.join(', ')}) VALUES ($1, ${names.map((_, i) => `$${i + 2}`).join(', ')})`,
        [key, ...list],
      );
    else
      await rig.sql(
        `UPDATE public.accounts SET ${names.map((name, i) => `${name} = $${i + 2}`).join(', ')} WHERE ext = $1`,
        [key, ...list],
      );
    ledger.wrote('postgres', key, values);
    this.note(`person writes ${key} here: ${JSON.stringify(values)}`);
  }

  async #retryDeadLetters(): Promise<boolean> {
    const letters = await this.rig.store.deadLetters({ state: 'open' });
    for (const { dead_letter_id, code } of letters) {
      this.note(`dead letter ${code} is tried again`);
      await this.rig.store.retryDeadLetter(dead_letter_id, uuidv7(this.rig.ports.clock.now_ms(), this.rig.random));
    }
    return letters.length > 0;
  }

  /** A person decides each open conflict, for a side drawn at random. */
  async resolve(): Promise<boolean> {
    const { database } = this.rig.records;
    const open = await listConflicts(database, { state: 'open' }, 100);
    for (const { conflict_id, key, field, salesforce, postgres } of open) {
      this.conflicts++;
      const take = this.#draw.one(['salesforce', 'postgres'] as const);
      this.note(`conflict ${key}.${field ?? ''} (${String(salesforce)}, ${String(postgres)}): ${take}`);
      await resolveStep(database, { ids: [conflict_id] }, { take }, 'ada');
      await this.touch([key]);
    }
    return open.length > 0;
  }

  async touch(keys: readonly string[]): Promise<void> {
    const { partition_id } = this.rig.object.stream.salesforce;
    await this.rig.store.keyed.touch(
      keys.map((key) => ({ partition_id, key })),
      this.rig.ports.clock.now_ms(),
    );
  }

  /** What no source told is found by comparing both sides. */
  async #repair(): Promise<boolean> {
    if (this.scenario.dropped === 0) return false;
    const { rig } = this;
    const { clock, random } = rig.ports;
    const reader = new OutboxReader(rig.postgres, 'syncline');
    const report = await findDrift(
      {
        ...rig.object,
        ...{
          store: rig.store,
          database: rig.records.database,
          salesforce: rig.salesforce,
          postgres: rig.records.tables,
        },
        ...{ outboxPlace: () => reader.position(), clock, random, repair: true },
      },
      new AbortController().signal,
    );
    this.note(`drift: ${report.repairing} to repair`);
    return report.repairing > 0;
  }

  note(text: string): void {
    this.trace.push(text);
  }
}

import { join } from 'node:path';
import { KeyedDelivery } from '../../../src/engine/keyed/delivery.ts';
import type { Task, TaskSettlement, TaskSettlementResult } from '../../../src/engine/keyed/store.ts';
import { defaultRetryPolicy } from '../../../src/engine/retry.ts';
import { openSqliteStore } from '../../../src/engine/sqlite/store.ts';
import type { DeadLetter, EngineStore } from '../../../src/engine/store.ts';
import { Supervisor } from '../../../src/engine/supervisor.ts';
import { Wakeup } from '../../../src/engine/wakeup.ts';
import { StaleError, messageOf } from '../../../src/platform/errors.ts';
import { FaultyDatabase } from '../../support/faulty-database.ts';
import { scratchDirectory } from '../../support/scratch-directory.ts';
import { VirtualTime } from '../../support/virtual-time.ts';
import { Draw } from '../draw.ts';
import { Life, mortal, reaperOf, type Reaper } from '../process.ts';
import type { Outcome } from '../world.ts';
import { KeyedLedger } from './ledger.ts';
import { judgeKeyed } from './oracle.ts';
import { OtherSide } from './other-side.ts';
import { keyedScenarioOf, type KeyedScenario } from './scenario.ts';
import { LINKS, senderOf } from './sender.ts';
import { KeyedSource } from './source.ts';

const STREAM = 'sessions';
/** Virtual time within which all must have come to its end once everything is well. */
const CALM_MS = 5 * 86_400_000;

interface Process {
  life: Life;
  db: FaultyDatabase;
  store: EngineStore;
  /** Past the observer, for the oracle. */
  inner: EngineStore;
  supervisor: Supervisor;
  ready: boolean;
}

/** A whole run of keyed delivery from a seed: bad times with crashes, then calm until everything has come to its end. */
class KeyedWorld {
  readonly scenario: KeyedScenario;
  readonly time = new VirtualTime();
  readonly ledger = new KeyedLedger();
  readonly source: KeyedSource;
  readonly others: OtherSide[];
  readonly #scratch = scratchDirectory();
  readonly #reaper: Reaper;
  readonly #draw: Draw;
  #chaos = true;
  #runs = 0;
  #process: Process;

  constructor(seed: number) {
    this.scenario = keyedScenarioOf(seed);
    const { crash_rate, crashes, fault_rate, latency_ms, senders, others } = this.scenario;
    const chaos = (): boolean => this.#chaos;
    this.#draw = new Draw(seed, 'keyed world');
    this.source = new KeyedSource(this.scenario, new Draw(seed, 'keyed source'));
    this.#reaper = reaperOf(new Draw(seed, 'keyed reaper'), crash_rate, crashes, chaos);
    const { time, ledger } = this;
    this.others = others.map(
      (scenario) => new OtherSide({ scenario, seed, fault_rate, latency_ms, senders, time, ledger, chaos }),
    );
    this.#process = this.#start();
  }

  async run(): Promise<Outcome> {
    const { ledger } = this;
    try {
      await this.#badTimes();
      this.#chaos = false;
      ledger.note('calm');
      await this.#calm();
      const { inner, db } = this.#process;
      const linked = (destination_id: string, key: string): number =>
        db.value<number>('SELECT version FROM sim_link WHERE destination_id = ? AND key = ?', destination_id, key);
      ledger.broken.push(...(await judgeKeyed(this, inner, linked)));
      const moved = db.value<number>('SELECT count(*) FROM sim_sent');
      if (moved !== ledger.links_moved)
        ledger.broken.push(`${moved} link writes stayed, ${ledger.links_moved} were settled (K7)`);
    } catch (error) {
      ledger.broken.push(`the run ended: ${(error as Error).stack ?? messageOf(error)}`);
    } finally {
      this.#process.life.die();
      this.#process.db.close();
      this.#scratch.remove();
    }
    return { broken: ledger.broken, crashes: ledger.crashes, trace: ledger.trace };
  }

  /** Opens the store from what was committed and starts every loop, as after a crash or at the first start. */
  #start(): Process {
    const { seed } = this.scenario;
    const { random } = new Draw(seed, `keyed engine ${++this.#runs}`);
    const life = new Life(this.time);
    const db = new FaultyDatabase(join(this.#scratch.path, 'engine.db'));
    const inner = openSqliteStore(db, { clock: this.time, random, cap_bytes: 2 ** 30 });
    db.exec(LINKS);
    const store = this.#observed(inner, db, life);
    const report = (loop: string, error: unknown): void =>
      void this.ledger.broken.push(`the loop ${loop} failed: ${(error as Error).stack ?? messageOf(error)}`);
    const supervisor = new Supervisor({ clock: this.time, timers: life.timers, random, report });
    const process: Process = { life, db, store, inner, supervisor, ready: false };
    void this.#startLoops(process, new Draw(seed, `keyed loops ${this.#runs}`));
    return process;
  }

  #observed(inner: EngineStore, db: FaultyDatabase, life: Life): EngineStore {
    const { ledger } = this;
    const mortality = { db, life, reaper: this.#reaper, note: (line: string) => ledger.note(line) };
    const keyed = mortal(inner.keyed, mortality, [], {
      before: () => undefined,
      after: async (name, args, result) => {
        if (name === 'claim') ledger.claimed(result as Task[]);
        if (name === 'settle') ledger.settled(args[0] as TaskSettlement[], result as TaskSettlementResult[]);
      },
    });
    return mortal({ ...inner, keyed }, mortality, ['keyed'], {
      before: () => undefined,
      after: async (name, args) => {
        if (name === 'changeDestination') ledger.changed(args[0] as string, args[1] as string);
      },
    });
  }

  async #startLoops(process: Process, draw: Draw): Promise<void> {
    const { time, scenario } = this;
    const { store, supervisor } = process;
    await store.openSource(STREAM, 'archive', time.now_ms());
    for (const name of scenario.partitions)
      await store.openPartition({ stream: STREAM, name, header: { name }, delivery: 'keyed' });
    const wakeups: Wakeup[] = [];
    const notify = (): void => wakeups.forEach((wakeup) => wakeup.notify());
    for (const other of this.others)
      supervisor.start({
        name: `side ${other.scenario.id}`,
        run: (signal) => this.#serve(process, other, { draw, wakeups, signal }),
      });
    supervisor.start({ name: 'read', run: (signal) => this.#read(process, notify, signal) });
    supervisor.start({ name: 'retain', run: (signal) => this.#retain(process, signal) });
    process.ready = true;
  }

  /** One destination: configured when its time has come, told of all known keys, delivered to by one or two loops. */
  async #serve(
    { store, life, db }: Process,
    other: OtherSide,
    { draw, wakeups, signal }: { draw: Draw; wakeups: Wakeup[]; signal: AbortSignal },
  ): Promise<void> {
    const { scenario, time, source, ledger } = this;
    const { id: destination_id, required, late } = other.scenario;
    while (late && this.#chaos && time.monotonic_ms() < scenario.chaos_ms / 2 && !signal.aborted)
      await life.timers.sleep(60_000, signal);
    const spec = { destination_id, stream: STREAM, delivery: 'keyed', required, start: 'earliest' } as const;
    await store.configureDestination(spec, time.now_ms());
    const chaos = (): boolean => this.#chaos;
    const { meddling, changes_meanwhile } = scenario;
    const disturbance = { meddling, changes_meanwhile, rivals: scenario.senders > 1 };
    const destination = senderOf({ db, life, source, other, ledger, time, draw, chaos, ...disturbance });
    const loops = Array.from({ length: scenario.senders }, () => {
      const wakeup = new Wakeup();
      wakeups.push(wakeup);
      const { random } = draw;
      const delivery = new KeyedDelivery({
        store,
        destination,
        clock: time,
        timers: life.timers,
        random,
        retry: defaultRetryPolicy,
        concurrency: 3,
        idle_ms: 120_000,
      });
      return delivery.run(signal, wakeup);
    });
    await Promise.all([...loops, this.#backfill(store, destination_id, life, signal)]);
  }

  /** What a flow does for a destination that must learn of all known keys. */
  async #backfill(store: EngineStore, destination_id: string, life: Life, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const row = (await store.destinations()).find((one) => one.destination_id === destination_id);
      const from = row?.backfill ?? null;
      if (from === null) {
        await life.timers.sleep(90_000, signal);
        continue;
      }
      const partitions = new Map((await store.partitions()).map((one) => [one.name, one.partition_id]));
      const known = [...this.source.keys.values()].filter(({ version, key }) => version > 0 && key > from);
      const page = known.sort((a, b) => (a.key < b.key ? -1 : 1)).slice(0, 4);
      const touches = page.map(({ key, group, partition }) => ({
        key,
        group,
        partition_id: partitions.get(partition)!,
      }));
      const to = known.length > page.length ? page.at(-1)!.key : null;
      try {
        await store.keyed.enqueueAll({ destination_id, touches, from, to, now_ms: this.time.now_ms() });
      } catch (error) {
        if (!(error instanceof StaleError)) throw error;
      }
    }
  }

  /** Follows the changes of the source from its checkpoint, as a reader of agentsview's database does. */
  async #read({ store, life }: Process, notify: () => void, signal: AbortSignal): Promise<void> {
    const draw = new Draw(this.scenario.seed, `keyed reader ${this.#runs}`);
    while (!signal.aborted) {
      const source = await store.openSource(STREAM, 'archive', this.time.now_ms());
      const read = Number(source.checkpoint ?? 0);
      const page = this.source.changes.slice(read, read + draw.between(1, 9));
      const partitions = new Map((await store.partitions()).map((one) => [one.name, one.partition_id]));
      const now_ms = this.time.now_ms();
      const entries = page.map((key, i) => {
        const { partition, group } = this.source.of(key);
        const due_ms = draw.chance(0.1) ? now_ms + draw.between(1, 1_800_000) : undefined;
        const place = { partition_id: partitions.get(partition)!, cursor: String(read + i), key, group };
        return { ...place, subject: null, observed_ms: now_ms, payload: null, ...(due_ms !== undefined && { due_ms }) };
      });
      const checkpoint = String(read + page.length);
      if (page.length > 0) {
        await store.append({ source_id: source.source_id, entries, checkpoint, now_ms });
        this.ledger.note(`append ${page.join()}`);
        notify();
      }
      if (page.length === 0 || draw.chance(0.3)) await life.timers.sleep(draw.between(1, 4000), signal);
    }
  }

  async #retain({ store, life }: Process, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const now_ms = this.time.now_ms();
      const { more } = await store.retain({
        before_ms: now_ms - this.scenario.retain_age_ms,
        target_bytes: null,
        now_ms,
      });
      if (!more) await life.timers.sleep(200_000, signal);
    }
  }

  async #badTimes(): Promise<void> {
    const { time, scenario, source } = this;
    const draw = this.#draw;
    const keys = [...source.keys.keys()];
    const pace_ms = scenario.chaos_ms / scenario.changes;
    while (time.monotonic_ms() < scenario.chaos_ms) {
      // Bursts on one key, so that changes fall into its attempts.
      const key = draw.one(keys);
      for (let i = draw.between(0, 3); i > 0 && source.changes.length < scenario.changes; i--)
        source.change(draw.chance(0.7) ? key : draw.one(keys));
      if (draw.chance(0.02)) this.#stepClock(draw);
      if (draw.chance(0.01) && this.ledger.crashes < scenario.crashes) this.#crash();
      if (draw.chance(0.01)) await this.#restart();
      if (draw.chance(scenario.operator)) await this.#operate();
      await this.#elapse(draw.between(1, Math.ceil(pace_ms * 4)));
    }
  }

  #stepClock(draw: Draw): void {
    const by_ms = draw.one([-86_400_000, -3_600_000, -1000, 1000, 3_600_000, 30 * 86_400_000]);
    this.ledger.note(`clock ${by_ms}`);
    this.time.step(by_ms);
  }

  #crash(): void {
    this.ledger.note('crash');
    this.#process.life.die();
  }

  /** Stops as `syncline stop` does, and starts again. */
  async #restart(): Promise<void> {
    const { supervisor, life } = this.#process;
    if (life.dead) return;
    this.ledger.note('restart');
    let late: string[] | undefined;
    void supervisor.stop(30_000).then((names) => (late = names));
    await this.time.until(() => late !== undefined || life.dead);
    if (late && late.length > 0) this.ledger.broken.push(`${late.join()} did not stop within 30 s`);
    life.die();
  }

  /** Lets virtual time pass; a process that died is started again from what it had committed. */
  async #elapse(duration_ms: number): Promise<void> {
    let over = false;
    void this.time.sleep(duration_ms).then(() => (over = true));
    await this.time.settle();
    while (!over) {
      await this.#revive();
      await this.time.tick();
    }
    await this.#revive();
  }

  async #revive(): Promise<void> {
    while (this.#process.life.dead) {
      this.ledger.crashes++;
      this.#process.db.close();
      this.#process = this.#start();
      if (this.#process.life.dead) continue;
      const broken = await this.#process.inner.verify();
      this.ledger.broken.push(...broken.map((line) => `after a crash: ${line}`));
      await this.time.settle();
    }
  }

  /** One thing that an operator does; it may be cut by a crash like anything else. */
  async #operate(): Promise<void> {
    const draw = this.#draw;
    const { store, inner, life, ready } = this.#process;
    if (life.dead || !ready) return;
    const configured = (await inner.destinations()).map(({ destination_id }) => destination_id);
    if (configured.length === 0) return;
    const destination = draw.one(configured);
    const open = await inner.deadLetters({ state: 'open' });
    const letter = open.length > 0 ? draw.one(open) : null;
    const key = draw.one([...this.source.keys.keys()]);
    const verbs: (() => Promise<unknown>)[] = [
      () => store.changeDestination(destination, 'pause', draw.one([null, this.time.now_ms() + 600_000])),
      () => store.changeDestination(destination, 'resume', null),
      () => store.changeDestination(destination, 'resume', null),
      () => store.keyed.eraseKey(STREAM, key, this.time.now_ms()),
    ];
    if (letter)
      verbs.push(
        () => this.#retry(store, letter),
        () => this.#giveUp(store, letter),
      );
    draw
      .one(verbs)()
      .catch((error: unknown) => this.ledger.broken.push(`an operator was told: ${messageOf(error)}`));
    await this.time.settle();
  }

  async #retry(store: EngineStore, { dead_letter_id, destination_id, key }: DeadLetter): Promise<void> {
    this.ledger.retried.add(`${destination_id}/${key}`);
    await store.retryDeadLetter(dead_letter_id, 'unused');
  }

  async #giveUp(store: EngineStore, letter: DeadLetter): Promise<void> {
    // A good key that bad weather condemned is tried again; it may be given up only when it is bad.
    if (this.source.of(letter.key ?? '').nature === 'good') return;
    this.ledger.discarded.add(`${letter.destination_id}/${letter.key}`);
    await store.discardDeadLetter(letter.dead_letter_id);
  }

  /** Everything is well: what waits must end, while the witnesses of each group go on changing. */
  async #calm(): Promise<void> {
    await this.#elapse(1);
    await this.#elapse(120_000);
    for (const { id } of this.scenario.others) await this.#process.store.changeDestination(id, 'resume', null);
    const end_ms = this.time.monotonic_ms() + CALM_MS;
    let next_ms = 0;
    while (!(await this.#isOver())) {
      if (this.time.monotonic_ms() >= next_ms) {
        for (const key of this.source.witnesses()) this.source.change(key);
        next_ms = this.time.monotonic_ms() + 3_600_000;
      }
      if (this.time.monotonic_ms() > end_ms)
        throw new Error(`still waiting: ${JSON.stringify(await this.#process.inner.keyed.progress())}`);
      await this.#elapse(60_000);
    }
  }

  async #isOver(): Promise<boolean> {
    const { inner } = this.#process;
    const [source] = await inner.sources(STREAM);
    if (Number(source?.checkpoint ?? 0) < this.source.changes.length) return false;
    const rows = await inner.destinations();
    if (rows.length < this.others.length || rows.some(({ backfill }) => backfill !== null)) return false;
    return this.#isDecided() && (await inner.keyed.progress()).every(({ waiting }) => waiting === 0);
  }

  /** Each destination was asked again about every partition since the bad times ended. */
  #isDecided(): boolean {
    const { scenario } = this;
    return scenario.others.every(({ id, declines }) => {
      const taken = this.#process.db.value<number>(
        'SELECT count(*) FROM subscription WHERE destination_id = ? AND accepts = 1',
        id,
      );
      return taken === scenario.partitions.length - declines.length;
    });
  }
}

/** Runs the keyed world of a seed. */
export function simulateKeyed(seed: number): Promise<Outcome> {
  return new KeyedWorld(seed).run();
}

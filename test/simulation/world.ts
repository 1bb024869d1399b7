import { join } from 'node:path';
import { hash } from 'node:crypto';
import { Delivery } from '../../src/engine/ordered/delivery.ts';
import { defaultRetryPolicy } from '../../src/engine/retry.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { EngineStore } from '../../src/engine/store.ts';
import { Supervisor } from '../../src/engine/supervisor.ts';
import { Wakeup } from '../../src/engine/wakeup.ts';
import { messageOf } from '../../src/platform/errors.ts';
import { uuidv7 } from '../../src/platform/random.ts';
import { FaultyDatabase } from '../support/faulty-database.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';
import { VirtualTime } from '../support/virtual-time.ts';
import { Draw } from './draw.ts';
import { Ledger } from './ledger.ts';
import { judge } from './oracle.ts';
import { Life, idOf, meddlerOf, observedStore, reaperOf, type Reaper } from './process.ts';
import { scenarioOf, type Scenario } from './scenario.ts';
import { Server } from './server.ts';
import { SourceFile, readFile } from './source.ts';

/** Virtual time within which all must have come to its end once everything is well. */
const CALM_MS = 5 * 86_400_000;

export interface Outcome {
  /** Promises that were broken; empty in a right engine. */
  broken: string[];
  crashes: number;
  /** What happened, line by line; the same for the same seed. */
  trace: string[];
}

/** One process of the engine over the store, as the daemon puts it together. */
interface Process {
  life: Life;
  db: FaultyDatabase;
  /** As the process reaches it. */
  store: EngineStore;
  /** Past the observer, for the oracle. */
  inner: EngineStore;
  supervisor: Supervisor;
  /** The destinations are configured; before that no operator is let in. */
  ready: boolean;
}

/** A whole run from a seed: bad times with crashes, then calm until everything has come to its end. */
export class World {
  readonly scenario: Scenario;
  readonly time = new VirtualTime();
  readonly ledger = new Ledger();
  readonly servers: Server[];
  readonly file: SourceFile;
  readonly #scratch = scratchDirectory();
  readonly #reaper: Reaper;
  readonly #agent: Draw;
  readonly #operator: Draw;
  #chaos = true;
  #runs = 0;
  #process: Process;

  constructor(seed: number) {
    this.scenario = scenarioOf(seed);
    const { destinations, fault_rate, crash_rate, crashes } = this.scenario;
    const chaos = (): boolean => this.#chaos;
    this.#agent = new Draw(seed, 'agent');
    this.#operator = new Draw(seed, 'operator');
    this.#reaper = reaperOf(new Draw(seed, 'reaper'), crash_rate, crashes, chaos);
    this.file = new SourceFile(this.scenario, this.ledger, this.#agent);
    this.servers = destinations.map(
      (scenario) => new Server({ scenario, seed, fault_rate, time: this.time, ledger: this.ledger, chaos }),
    );
    this.#process = this.#start();
  }

  async run(): Promise<Outcome> {
    try {
      await this.#badTimes();
      this.#chaos = false;
      this.ledger.note('calm');
      await this.#calm();
      this.ledger.broken.push(...(await judge(this.scenario, this.ledger, this.servers, this.#process.inner)));
    } catch (error) {
      this.ledger.broken.push(`the run ended: ${(error as Error).stack ?? messageOf(error)}`);
    } finally {
      this.#process.life.die();
      this.#process.db.close();
      this.#scratch.remove();
    }
    return { broken: this.ledger.broken, crashes: this.ledger.crashes, trace: this.ledger.trace };
  }

  /** Opens the store from what was committed and starts every loop, as after a crash or at the first start. */
  #start(): Process {
    const { seed, cap_bytes } = this.scenario;
    const { random } = new Draw(seed, `engine ${++this.#runs}`);
    const life = new Life(this.time);
    const db = new FaultyDatabase(join(this.#scratch.path, 'engine.db'));
    const inner = openSqliteStore(db, { clock: this.time, random, cap_bytes });
    const meddle = meddlerOf(new Draw(seed, `meddler ${this.#runs}`), this.scenario.meddling, {
      db,
      inner,
      ledger: this.ledger,
      now_ms: this.time.now_ms,
      active: () => this.#chaos,
    });
    const store = observedStore(db, inner, life, this.#reaper, this.ledger, meddle);
    const report = (loop: string, error: unknown): void =>
      void this.ledger.broken.push(`the loop ${loop} failed: ${(error as Error).stack ?? messageOf(error)}`);
    const supervisor = new Supervisor({ clock: this.time, timers: life.timers, random, report });
    const process: Process = { life, db, store, inner, supervisor, ready: false };
    void this.#startLoops(process, new Draw(seed, `loops ${this.#runs}`));
    return process;
  }

  async #startLoops(process: Process, draw: Draw): Promise<void> {
    const { scenario, time } = this;
    const { life, store, supervisor } = process;
    for (const { id, required } of scenario.destinations)
      await store.configureDestination(
        { destination_id: id, stream: 'telemetry', required, start: 'earliest' },
        time.now_ms(),
      );
    process.ready = true;
    const senders = this.servers.flatMap((server) =>
      Array.from({ length: scenario.senders }, (_, i) => ({ server, i })),
    );
    const wakeups = senders.map(({ server, i }) => {
      const wakeup = new Wakeup();
      const destination = server.connect(life);
      const { random } = draw;
      const delivery = new Delivery({
        store,
        destination,
        clock: time,
        timers: life.timers,
        random,
        retry: defaultRetryPolicy,
        concurrency: 3,
        idle_ms: 120_000,
      });
      supervisor.start({ name: `deliver ${destination.id} ${i}`, run: (signal) => delivery.run(signal, wakeup) });
      return wakeup;
    });
    const notify = (): void => wakeups.forEach((wakeup) => wakeup.notify());
    const rereads = (): boolean => this.#chaos && scenario.retain_target_bytes === null;
    const reader = { store, file: this.file, clock: time, timers: life.timers, draw, rereads, notify };
    supervisor.start({ name: 'read', run: (signal) => readFile(reader, signal) });
    supervisor.start({ name: 'retain', run: (signal) => this.#retain(store, life, signal) });
  }

  async #retain(store: EngineStore, life: Life, signal: AbortSignal): Promise<void> {
    const { retain_age_ms, retain_target_bytes } = this.scenario;
    while (!signal.aborted) {
      const now_ms = this.time.now_ms();
      const step = await store.retain({ before_ms: now_ms - retain_age_ms, target_bytes: retain_target_bytes, now_ms });
      if (step.removed > 0) this.ledger.note(`retain ${JSON.stringify(step)}`);
      if (!step.more) await life.timers.sleep(200_000, signal);
    }
  }

  async #badTimes(): Promise<void> {
    const { time, scenario } = this;
    const draw = new Draw(scenario.seed, 'world');
    const pace_ms = scenario.chaos_ms / scenario.lines;
    while (time.monotonic_ms() < scenario.chaos_ms) {
      for (let i = this.#agent.between(0, 4); i > 0 && this.file.lines.length < scenario.lines; i--) this.file.write();
      if (draw.chance(0.02)) this.#stepClock(draw);
      if (draw.chance(0.01) && this.ledger.crashes < scenario.crashes) this.#crash();
      if (draw.chance(0.01)) await this.#restart();
      if (draw.chance(scenario.operator)) await this.#operate();
      await this.#elapse(draw.between(1, Math.ceil(pace_ms * 4)));
    }
    while (this.file.lines.length < scenario.lines) this.file.write();
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
    if (this.#process.life.dead) return;
    this.ledger.note('restart');
    const { supervisor, life } = this.#process;
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
      // It may have died again in its first call.
      if (this.#process.life.dead) continue;
      const broken = await this.#process.inner.verify();
      this.ledger.broken.push(...broken.map((line) => `after a crash: ${line}`));
      await this.time.settle();
    }
  }

  /** One thing that an operator does; it may be cut by a crash like anything else. */
  async #operate(): Promise<void> {
    const draw = this.#operator;
    const { store, inner, life, ready } = this.#process;
    if (life.dead || !ready || this.file.lines.length === 0) return;
    const destination = draw.one(this.scenario.destinations).id;
    const open = await inner.deadLetters({ state: 'open' });
    const letter = open.length > 0 ? draw.one(open) : null;
    const verbs: (() => Promise<unknown>)[] = [
      () => store.changeDestination(destination, 'pause', draw.one([null, this.time.now_ms() + 600_000])),
      () => store.changeDestination(destination, 'resume', null),
      () => store.changeDestination(destination, 'resume', null),
      () => store.erase(draw.one(this.file.lines.slice(-12)).subject, this.time.now_ms()),
      () => this.#rewrite(),
      ...(letter
        ? [
            () => {
              if (letter.payload !== null) this.ledger.retried.add(`${letter.destination_id} ${idOf(letter.payload)}`);
              return store.retryDeadLetter(letter.dead_letter_id, uuidv7(this.time.now_ms(), draw.random));
            },
            () => {
              if (letter.payload !== null)
                this.ledger.discarded.add(`${letter.destination_id} ${idOf(letter.payload)}`);
              return store.discardDeadLetter(letter.dead_letter_id);
            },
          ]
        : []),
    ];
    draw
      .one(verbs)()
      .catch((error: unknown) => this.ledger.broken.push(`an operator was told: ${messageOf(error)}`));
    await this.time.settle();
  }

  /** Stronger rules reach what lies in the journal. */
  async #rewrite(): Promise<void> {
    const { store, inner } = this.#process;
    const partitions = await inner.partitions();
    if (partitions.length === 0) return;
    const partition = this.#operator.one(partitions);
    const entries = await inner.read(partition.partition_id, partition.last_offset - 5, partition.last_offset);
    const masked = entries.flatMap(({ offset, payload }) =>
      payload === null
        ? []
        : [[offset, JSON.stringify({ id: idOf(payload), pad: `masked ${this.time.now_ms()}` })] as const],
    );
    this.ledger.note(`rewrite ${partition.name} ${masked.map(([offset]) => offset).join()}`);
    await store.rewrite(partition.partition_id, new Map(masked));
  }

  /** Everything is well: what waits must end, while a little traffic goes on. */
  async #calm(): Promise<void> {
    await this.#elapse(1);
    for (const { id } of this.scenario.destinations) await this.#process.store.changeDestination(id, 'resume', null);
    const end_ms = this.time.monotonic_ms() + CALM_MS;
    let next_ms = 0;
    while (!(await this.#isOver())) {
      if (this.time.monotonic_ms() >= next_ms) {
        this.#writeGood();
        next_ms = this.time.monotonic_ms() + 3_600_000;
      }
      if (this.time.monotonic_ms() > end_ms)
        throw new Error(`still waiting: ${JSON.stringify(await this.#process.inner.progress())}`);
      await this.#elapse(60_000);
    }
  }

  /** A good item for each partition, whose acceptance judges what still waits for a verdict. */
  #writeGood(): void {
    for (const partition of this.scenario.partitions) {
      const item = this.file.write(partition, 'the last session');
      for (const server of this.servers) server.bless(item.id);
    }
  }

  async #isOver(): Promise<boolean> {
    const { inner } = this.#process;
    const [source] = await inner.sources('telemetry');
    if (Number(source?.checkpoint ?? 0) < this.file.lines.length) return false;
    for (const { id, declines } of this.scenario.destinations)
      if ((await inner.backlog(id, ({ name }) => !declines.includes(name))).length > 0) return false;
    return true;
  }
}

/** Runs the world of a seed. */
export function simulate(seed: number): Promise<Outcome> {
  return new World(seed).run();
}

/** A short name of everything that happened, to compare runs. */
export function fingerprint({ trace }: Outcome): string {
  return hash('sha256', trace.join('\n')).slice(0, 16);
}

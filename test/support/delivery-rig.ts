import { Delivery } from '../../src/engine/ordered/delivery.ts';
import { defaultRetryPolicy } from '../../src/engine/retry.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { DeadLetter, EngineStore } from '../../src/engine/store.ts';
import { Wakeup } from '../../src/engine/wakeup.ts';
import { seededRandom, type Random } from '../../src/platform/random.ts';
import { Database } from '../../src/storage/sqlite/database.ts';
import { ScriptedDestination, type ScriptedOptions } from './scripted-destination.ts';
import { VirtualTime } from './virtual-time.ts';

export interface RigOptions extends Omit<ScriptedOptions, 'now_ms'> {
  seed?: number;
  concurrency?: number;
}

/** Ordered delivery over a real store in memory, a scripted destination and virtual time. */
export class DeliveryRig {
  readonly time = new VirtualTime();
  readonly random: Random;
  readonly store: EngineStore;
  readonly destination: ScriptedDestination;
  readonly wakeup = new Wakeup();
  readonly #options: RigOptions;
  #ids = 0;
  #source_id = 0;
  #stop: AbortController | undefined;
  #running: Promise<void> | undefined;

  private constructor(options: RigOptions) {
    this.#options = options;
    this.random = seededRandom(options.seed ?? 1);
    this.store = openSqliteStore(new Database(':memory:'), {
      clock: this.time,
      random: this.random,
      cap_bytes: 2 ** 30,
    });
    this.destination = new ScriptedDestination({ ...options, now_ms: this.time.now_ms });
  }

  static async open(options: RigOptions): Promise<DeliveryRig> {
    const rig = new DeliveryRig(options);
    const spec = {
      destination_id: rig.destination.id,
      stream: 'telemetry',
      required: true,
      start: 'earliest',
    } as const;
    await rig.store.configureDestination(spec, rig.time.now_ms());
    rig.#source_id = (await rig.store.openSource('telemetry', 'file', rig.time.now_ms())).source_id;
    return rig;
  }

  /** Appends items to a partition; returns their ids. */
  async append(partition: string, count: number, subject: string | null = null): Promise<number[]> {
    const { partition_id } = await this.store.openPartition({
      stream: 'telemetry',
      name: partition,
      header: { name: partition },
    });
    const ids = Array.from({ length: count }, () => ++this.#ids);
    const observed_ms = this.time.now_ms();
    const entries = ids.map((id) => ({
      partition_id,
      cursor: String(id),
      subject,
      observed_ms,
      payload: `{"id":${id}}`,
    }));
    await this.store.append({ source_id: this.#source_id, entries, checkpoint: null, now_ms: observed_ms });
    return ids;
  }

  /** A delivery as a process just started has it. */
  delivery(): Delivery {
    const { time, store, destination, random } = this;
    const concurrency = this.#options.concurrency ?? 4;
    return new Delivery({
      store,
      destination,
      clock: time,
      timers: time,
      random,
      retry: defaultRetryPolicy,
      concurrency,
      idle_ms: 60_000,
    });
  }

  start(): void {
    this.#stop = new AbortController();
    this.#running = this.delivery().run(this.#stop.signal, this.wakeup);
  }

  async stop(): Promise<void> {
    this.#stop?.abort();
    await this.#running;
  }

  /** Runs delivery until nothing waits any more. */
  async drain(limit_ms = 7 * 86_400_000): Promise<void> {
    this.start();
    await this.time.until(async () => (await this.waiting()) === 0, limit_ms);
    await this.stop();
  }

  async waiting(): Promise<number> {
    const backlog = await this.store.backlog(this.destination.id, (partition) =>
      this.destination.accepts(partition.stream, partition.header),
    );
    return backlog.length;
  }

  /** Ids of the items in dead letters. */
  async deadIds(query: { state?: DeadLetter['state'] } = {}): Promise<number[]> {
    const letters = await this.store.deadLetters({ ...query, limit: 10_000 });
    return letters
      .map(({ payload }) => (JSON.parse(payload ?? '{"id":-1}') as { id: number }).id)
      .sort((a, b) => a - b);
  }
}

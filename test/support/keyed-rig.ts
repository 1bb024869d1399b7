import { KeyedDelivery, type KeyedDeliveryOptions } from '../../src/engine/keyed/delivery.ts';
import type { KeyedDestination, KeyedOutcome, SendContext } from '../../src/engine/keyed/destination.ts';
import type { KeyedProgress, Task } from '../../src/engine/keyed/store.ts';
import type { Replied, Unanswered } from '../../src/engine/ordered/destination.ts';
import { defaultRetryPolicy } from '../../src/engine/retry.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { DeadLetter, DestinationRow, EngineStore } from '../../src/engine/store.ts';
import { Wakeup } from '../../src/engine/wakeup.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { Database } from '../../src/storage/sqlite/database.ts';
import { VirtualTime } from './virtual-time.ts';

export interface KeyedRigOptions {
  /** What the other side answers; a 200 has the effect. */
  answer?: (task: Task, context: SendContext) => Replied | Unanswered | Promise<Replied | Unanswered>;
  /** Instead of the sender of the rig. */
  send?: KeyedDestination['send'];
  most_keys?: number;
  /** The keys of one claim are sent by one call; default true. */
  in_one_call?: boolean;
  probe?: () => Promise<boolean>;
  delivery?: Partial<KeyedDeliveryOptions>;
}

/** Keyed delivery over a real store in memory, a sender that answers as it is told, and virtual time. */
export class KeyedRig {
  readonly time = new VirtualTime();
  readonly store: EngineStore;
  readonly wakeup = new Wakeup();
  /** Newest version of each key at the source, and what the other side has. */
  readonly versions = new Map<string, number>();
  readonly there = new Map<string, number>();
  /** Keys in the order in which requests left. */
  readonly sent: string[] = [];
  most_at_once = 0;
  answer: NonNullable<KeyedRigOptions['answer']>;
  readonly #options: KeyedRigOptions;
  #at_once = 0;
  #partition_id = 0;
  #source_id = 0;
  #cursor = 0;

  private constructor(options: KeyedRigOptions) {
    this.#options = options;
    this.answer = options.answer ?? (() => ({ status: 200 }));
    const random = seededRandom(1);
    this.store = openSqliteStore(new Database(':memory:'), { clock: this.time, random, cap_bytes: 2 ** 30 });
  }

  static async open(options: KeyedRigOptions = {}): Promise<KeyedRig> {
    const rig = new KeyedRig(options);
    const now_ms = rig.time.now_ms();
    const spec = { destination_id: 'store', stream: 'sessions', delivery: 'keyed', required: true } as const;
    await rig.store.configureDestination({ ...spec, start: 'earliest' }, now_ms);
    rig.#source_id = (await rig.store.openSource('sessions', 'archive', now_ms)).source_id;
    const partition = { stream: 'sessions', name: 'epoch 1', header: {}, delivery: 'keyed' } as const;
    rig.#partition_id = (await rig.store.openPartition(partition)).partition_id;
    return rig;
  }

  /** Changes keys; `group:name` puts a key into a group. */
  async change(...keys: string[]): Promise<void> {
    const observed_ms = this.time.now_ms();
    for (const key of keys) this.versions.set(key, (this.versions.get(key) ?? 0) + 1);
    const entries = keys.map((key) => ({
      partition_id: this.#partition_id,
      cursor: String(++this.#cursor),
      key,
      group: key.includes(':') ? key.split(':')[0]! : '',
      subject: null,
      observed_ms,
      payload: null,
    }));
    await this.store.append({ source_id: this.#source_id, entries, checkpoint: null, now_ms: observed_ms });
    this.wakeup.notify();
  }

  /** A delivery as a process just started has it. */
  delivery(): KeyedDelivery {
    const { time, store } = this;
    const random = seededRandom(2);
    const options = { store, destination: this.#destination(), clock: time, timers: time, random };
    const bounds = { retry: defaultRetryPolicy, concurrency: 4, idle_ms: 60_000 };
    return new KeyedDelivery({ ...options, ...bounds, ...this.#options.delivery });
  }

  /** Runs delivery until nothing waits but what dead letters hold. */
  async drain(limit_ms = 86_400_000): Promise<void> {
    const stop = new AbortController();
    const running = this.delivery().run(stop.signal, this.wakeup);
    try {
      await this.time.until(async () => (await this.progress()).waiting === 0, limit_ms);
    } finally {
      stop.abort();
      await running;
    }
  }

  async progress(): Promise<KeyedProgress> {
    return (await this.store.keyed.progress())[0]!;
  }

  async row(): Promise<DestinationRow> {
    return (await this.store.destinations())[0]!;
  }

  async letters(): Promise<DeadLetter[]> {
    return this.store.deadLetters({});
  }

  #destination(): KeyedDestination {
    const { most_keys, in_one_call = true, probe, send = this.#send } = this.#options;
    const base = { id: 'store', accepts: () => true, send, ...(probe && { probe }) };
    if (most_keys === undefined) return base;
    if (!in_one_call) return { ...base, most_keys };
    return { ...base, most_keys, sendMany: (tasks, context) => Promise.all(tasks.map((task) => send(task, context))) };
  }

  readonly #send = async (task: Task, context: SendContext): Promise<KeyedOutcome> => {
    const version = this.versions.get(task.key) ?? 0;
    if (this.there.get(task.key) === version) return { kind: 'nothing' };
    if (!(await context.proceed(task))) return { kind: 'later', until_ms: this.time.now_ms() };
    this.sent.push(task.key);
    this.most_at_once = Math.max(this.most_at_once, ++this.#at_once);
    try {
      const reply = await this.answer(task, context);
      if (reply.status !== 200) return { kind: 'replied', reply };
      this.there.set(task.key, version);
      return { kind: 'done', bytes: 1 };
    } finally {
      this.#at_once--;
    }
  };
}

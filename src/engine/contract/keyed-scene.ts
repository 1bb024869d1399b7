import type { KeyedProgress, KeyTouch, Task, TaskClaim, TaskSettlement, TaskSettlementResult } from '../keyed/store.ts';
import type { AppendResult, EngineStore, FlowWrite, NewEntry, Partition } from '../store.ts';
import { NOW, REFUSAL } from './scene.ts';
import type { OpenStore, StoreOptions, StoreUnderTest } from './store-under-test.ts';

export const KEYED_STREAM = 'sessions';

type Ending = TaskSettlement extends infer S
  ? S extends TaskSettlement
    ? Omit<S, 'destination_id' | 'key' | 'fence' | 'now_ms'>
    : never
  : never;

/** A store with one keyed stream: a source, a partition, and short words for what tests do with it. */
export class KeyedScene {
  readonly sut: StoreUnderTest;
  source_id = 0;
  partition!: Partition;
  now_ms = NOW;
  #cursor = 0;

  private constructor(sut: StoreUnderTest) {
    this.sut = sut;
  }

  /** With one required destination, `store`, that takes everything. */
  static async open(open: OpenStore, options?: StoreOptions): Promise<KeyedScene> {
    const scene = new KeyedScene(await open(options));
    scene.source_id = (await scene.store.openSource(KEYED_STREAM, 'archive', NOW)).source_id;
    scene.partition = await scene.openPartition('epoch 1');
    await scene.destination('store');
    return scene;
  }

  get store(): EngineStore {
    return this.sut.store;
  }

  openPartition(name: string): Promise<Partition> {
    return this.store.openPartition({ stream: KEYED_STREAM, name, header: { name }, delivery: 'keyed' });
  }

  /** Makes a destination known and asks it about every partition. */
  async destination(
    destination_id: string,
    required = true,
    accepts: (name: string) => boolean = () => true,
  ): Promise<void> {
    await this.store.configureDestination(
      { destination_id, stream: KEYED_STREAM, delivery: 'keyed', required, start: 'earliest' },
      NOW,
    );
    await this.store.keyed.decide(destination_id, ({ name }) => accepts(name));
  }

  entry(key: string, change: Partial<NewEntry> = {}): NewEntry {
    const cursor = String(++this.#cursor);
    return {
      partition_id: this.partition.partition_id,
      cursor,
      key,
      subject: null,
      observed_ms: this.now_ms,
      payload: null,
      ...change,
    };
  }

  add(entries: NewEntry[], checkpoint: string | null = null): Promise<AppendResult> {
    return this.store.append({ source_id: this.source_id, entries, checkpoint, now_ms: this.now_ms });
  }

  /** Appends a notice for each key. */
  change(...keys: string[]): Promise<AppendResult> {
    return this.add(keys.map((key) => this.entry(key)));
  }

  touch(key: string, change: Partial<KeyTouch> = {}): Promise<number> {
    return this.store.keyed.touch([{ partition_id: this.partition.partition_id, key, ...change }], this.now_ms);
  }

  claim(change: Partial<TaskClaim> = {}): Promise<Task[]> {
    return this.store.keyed.claim({
      destination_id: 'store',
      limit: 100,
      owner: 'worker',
      lease_ms: 60_000,
      now_ms: this.now_ms,
      ...change,
    });
  }

  async claimKeys(change: Partial<TaskClaim> = {}): Promise<string[]> {
    return (await this.claim(change)).map(({ key }) => key);
  }

  /** Claims the one task that is due. */
  async next(change: Partial<TaskClaim> = {}): Promise<Task> {
    const [task, ...others] = await this.claim(change);
    if (!task || others.length > 0) throw new Error(`${others.length + (task ? 1 : 0)} tasks are due`);
    return task;
  }

  async settle(task: Task, ending: Ending): Promise<TaskSettlementResult> {
    const { destination_id, key, fence } = task;
    const [result] = await this.store.keyed.settle([{ destination_id, key, fence, now_ms: this.now_ms, ...ending }]);
    return result!;
  }

  async progress(destination_id = 'store'): Promise<KeyedProgress> {
    const row = (await this.store.keyed.progress()).find((one) => one.destination_id === destination_id);
    if (!row) throw new Error(`no progress of ${destination_id}`);
    return row;
  }

  async backfill(destination_id = 'store'): Promise<string | null> {
    const row = (await this.store.destinations()).find((one) => one.destination_id === destination_id);
    if (!row) throw new Error(`no destination ${destination_id}`);
    return row.backfill;
  }

  /** A link write: moves a number of the source from one value to another, as a flow moves its link. */
  link(from: number, to: number): FlowWrite {
    const sql = this.sut.flowSql('UPDATE source SET holes = ? WHERE source_id = ? AND holes = ?');
    return { sql, parameters: [to, this.source_id, from], expect_rows: 1 };
  }

  async linked(): Promise<number> {
    const [source] = await this.store.sources(KEYED_STREAM);
    return source?.holes ?? -1;
  }
}

export const DONE: Ending = { kind: 'done', sent: true, bytes: 7 };

/** Refused as its last attempt, in a group where nothing else passed yet unless a test saw to it. */
export function refusedKey(change: Partial<Extract<Ending, { kind: 'refused' }>> = {}): Ending {
  return {
    kind: 'refused',
    due_ms: NOW,
    group_until_ms: null,
    most_attempts: 1,
    suspicious: false,
    refusal: REFUSAL,
    ...change,
  };
}

export function deferredKey(change: Partial<Extract<Ending, { kind: 'deferred' }>> = {}): Ending {
  return { kind: 'deferred', until_ms: NOW + 1000, due_ms: NOW + 1000, suspicious: false, refusal: REFUSAL, ...change };
}

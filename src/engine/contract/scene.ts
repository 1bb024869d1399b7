import type {
  AppendResult,
  Batch,
  EngineStore,
  NewEntry,
  Partition,
  Plan,
  Settlement,
  SettleResult,
} from '../store.ts';
import type { OpenStore, StoreOptions, StoreUnderTest } from './store-under-test.ts';

export const NOW = 1_800_000_000_000;
export const STREAM = 'telemetry';

type Ending = Settlement extends infer S
  ? S extends Settlement
    ? Omit<S, 'batch_id' | 'fence' | 'now_ms'>
    : never
  : never;

/** A store with one source, and short words for what tests do with it. */
export class Scene {
  readonly sut: StoreUnderTest;
  source_id = 0;
  #ids = 0;
  #cursor = 0;

  private constructor(sut: StoreUnderTest) {
    this.sut = sut;
  }

  static async open(open: OpenStore, options?: StoreOptions): Promise<Scene> {
    const scene = new Scene(await open(options));
    scene.source_id = (await scene.store.openSource(STREAM, 'file', NOW)).source_id;
    return scene;
  }

  get store(): EngineStore {
    return this.sut.store;
  }

  readonly newBatchId = (): string => `batch-${String(++this.#ids).padStart(6, '0')}`;

  partition(name = 'events', predecessor?: string): Promise<Partition> {
    return this.store.openPartition({
      stream: STREAM,
      name,
      header: { kind: name },
      ...(predecessor ? { predecessor } : {}),
    });
  }

  destination(destination_id = 'team', required = true, start: 'earliest' | 'latest' = 'earliest'): Promise<void> {
    return this.store.configureDestination({ destination_id, stream: STREAM, required, start }, NOW);
  }

  entry(partition: Partition, change: Partial<NewEntry> = {}): NewEntry {
    const cursor = String(++this.#cursor);
    return {
      partition_id: partition.partition_id,
      cursor,
      subject: 'session-1',
      observed_ms: NOW,
      payload: `{"n":${cursor}}`,
      ...change,
    };
  }

  entries(partition: Partition, count: number, change: Partial<NewEntry> = {}): NewEntry[] {
    return Array.from({ length: count }, () => this.entry(partition, change));
  }

  add(entries: NewEntry[], checkpoint: string | null = null): Promise<AppendResult> {
    return this.store.append({ source_id: this.source_id, entries, checkpoint, now_ms: NOW });
  }

  /** Appends `count` entries to a partition. */
  fill(partition: Partition, count: number, change: Partial<NewEntry> = {}): Promise<AppendResult> {
    return this.add(this.entries(partition, count, change));
  }

  async checkpoint(): Promise<string | null> {
    const source = (await this.store.sources(STREAM)).find(({ source_id }) => source_id === this.source_id);
    return source?.checkpoint ?? null;
  }

  async last(partition: Partition): Promise<number> {
    const row = (await this.store.partitions()).find(({ partition_id }) => partition_id === partition.partition_id);
    return row?.last_offset ?? -1;
  }

  /** Asks for the backlog, so that progress begins where it has not, and returns the names of its partitions. */
  async waiting(destination_id = 'team', accepts: (name: string) => boolean = () => true): Promise<string[]> {
    const rows = await this.store.backlog(destination_id, ({ name }) => accepts(name));
    return rows.map(({ partition }) => partition.name);
  }

  async plan(
    partition: Partition,
    change: {
      max_items?: number;
      window?: number;
      max_body_bytes?: number;
      destination_id?: string;
      full_only?: boolean;
    } = {},
  ): Promise<Plan> {
    const destination_id = change.destination_id ?? 'team';
    await this.waiting(destination_id);
    return this.store.plan({
      destination_id,
      partition_id: partition.partition_id,
      limits: { max_items: change.max_items ?? 10, max_body_bytes: change.max_body_bytes ?? 1_000_000 },
      envelope_bytes: 2,
      window: change.window ?? 1,
      full_only: change.full_only ?? false,
      now_ms: NOW,
      newBatchId: this.newBatchId,
    });
  }

  /** The one open batch of a plan with a window of 1. */
  async next(partition: Partition, change: Parameters<Scene['plan']>[1] = {}): Promise<Batch> {
    const { open } = await this.plan(partition, change);
    const batch = open[0];
    if (!batch) throw new Error('nothing to send');
    return batch;
  }

  async claim(batch: Batch, sha256 = 'a'): Promise<number> {
    const fence = await this.store.claim(batch.batch_id, sha256, this.newBatchId(), NOW);
    if (fence === null) throw new Error(`${batch.batch_id} cannot be claimed`);
    return fence;
  }

  settle(batch: Batch, fence: number, ending: Ending): Promise<SettleResult> {
    return this.store.settle({ ...ending, batch_id: batch.batch_id, fence, now_ms: NOW });
  }

  /** Claims and settles a batch. */
  async end(batch: Batch, ending: Ending): Promise<SettleResult> {
    return this.settle(batch, await this.claim(batch), ending);
  }

  accept(batch: Batch): Promise<SettleResult> {
    return this.end(batch, accepted(batch));
  }

  async acked(partition: Partition, destination_id = 'team'): Promise<number> {
    const row = (await this.store.progress()).find(
      (p) => p.destination_id === destination_id && p.partition === partition.name,
    );
    return row?.acked_offset ?? -1;
  }

  async counter(name: string, label: string): Promise<number> {
    return (await this.store.counters())[name]?.[label] ?? 0;
  }
}

export const REFUSAL = { class: 'refused', code: 'bad', message: 'no good', field: 'n' };

export function accepted(batch: Batch): Ending {
  return { kind: 'accepted', items: batch.items, received: null, deduped: null };
}

export function refusedItem(): Ending {
  return { kind: 'refused_item', refusal: REFUSAL, suspicious: false, hold_until_ms: NOW + 1000 };
}

/** Cuts a batch into parts that begin at these offsets. */
export function splitAt(scene: Scene, batch: Batch, firsts: number[]): Ending {
  const parts = firsts.map((first_offset, i) => ({
    batch_id: scene.newBatchId(),
    first_offset,
    last_offset: (firsts[i + 1] ?? batch.last_offset + 1) - 1,
    suspect: null,
  }));
  return { kind: 'split', parts, refusal: REFUSAL, counts_as_refusal: true, suspicious: false, hold_until_ms: null };
}

import type { EngineStore, NewEntry, Partition } from '../../src/engine/store.ts';
import { FullError } from '../../src/platform/errors.ts';
import type { Clock } from '../../src/platform/clock.ts';
import type { Timers } from '../../src/platform/timers.ts';
import type { Draw } from './draw.ts';
import type { Item, Ledger } from './ledger.ts';
import type { Scenario } from './scenario.ts';

const SUBJECTS = 30;

/** The file that an agent writes; it is there before the engine reads it, and survives crashes. */
export class SourceFile {
  readonly lines: Item[] = [];
  readonly #scenario: Scenario;
  readonly #ledger: Ledger;
  readonly #draw: Draw;

  constructor(scenario: Scenario, ledger: Ledger, draw: Draw) {
    this.#scenario = scenario;
    this.#ledger = ledger;
    this.#draw = draw;
  }

  write(partition = this.#partition(), subject = `session-${this.#draw.between(1, SUBJECTS)}`): Item {
    const id = this.lines.length + 1;
    const pad = 'x'.repeat(this.#draw.between(0, 300));
    const item = {
      id,
      partition,
      subject,
      payload: JSON.stringify({ id, pad }),
    };
    this.lines.push(item);
    this.#ledger.items.set(id, item);
    return item;
  }

  /** Kinds until the upgrade, then their successors only. */
  #partition(): string {
    const { partitions, upgrade, lines } = this.#scenario;
    if (!upgrade) return this.#draw.one(partitions);
    const half = partitions.length / 2;
    return this.#draw.one(this.lines.length < lines / 2 ? partitions.slice(0, half) : partitions.slice(half));
  }
}

export interface ReaderOptions {
  store: EngineStore;
  file: SourceFile;
  clock: Clock;
  timers: Timers;
  draw: Draw;
  /** Whether it reads some lines again on purpose. */
  rereads: () => boolean;
  notify: () => void;
}

/** Reads the file from its checkpoint, in units of several appends of which only the last moves the checkpoint. */
export async function readFile(options: ReaderOptions, signal: AbortSignal): Promise<void> {
  const { store, file, clock, timers, draw, notify } = options;
  const partitions = new Map<string, Partition>();
  while (!signal.aborted) {
    const source = await store.openSource('telemetry', 'file', clock.now_ms());
    let position = Number(source.checkpoint ?? 0);
    if (options.rereads() && draw.chance(0.2)) position = Math.max(0, position - draw.between(1, 5));
    const unit = file.lines.slice(position, position + draw.between(1, 12));
    if (unit.length === 0) {
      await timers.sleep(20_000, signal);
      continue;
    }
    for (const { partition } of unit)
      if (!partitions.has(partition)) partitions.set(partition, await openPartition(store, partition));
    const entries = unit.map((item) => entryOf(item, partitions.get(item.partition)!.partition_id, clock.now_ms()));
    const cut = draw.chance(0.4) ? draw.between(0, entries.length) : 0;
    const append = (part: NewEntry[], checkpoint: string | null): Promise<unknown> =>
      store.append({ source_id: source.source_id, entries: part, checkpoint, now_ms: clock.now_ms() });
    try {
      if (cut > 0) await append(entries.slice(0, cut), null);
      await append(entries.slice(cut), String(position + unit.length));
    } catch (error) {
      // A pull source waits where it stands (design §5 rule 8).
      if (!(error instanceof FullError)) throw error;
      await timers.sleep(5000, signal);
    }
    notify();
    await timers.sleep(draw.between(0, 20_000), signal);
  }
}

function openPartition(store: EngineStore, name: string): Promise<Partition> {
  const predecessor = name.endsWith('/2') ? { predecessor: name.slice(0, -2) } : {};
  return store.openPartition({ stream: 'telemetry', name, header: { name }, ...predecessor });
}

function entryOf(item: Item, partition_id: number, observed_ms: number): NewEntry {
  return { partition_id, cursor: String(item.id), subject: item.subject, observed_ms, payload: item.payload };
}

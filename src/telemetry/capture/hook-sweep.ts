import type { EngineStore, Source } from '../../engine/store.ts';
import type { Clock } from '../../platform/clock.ts';
import { isFinished, listSpool, readSpool, removeSpoolFile, type SpoolFile } from '../hooks/spool.ts';
import type { HookCapture } from './hook-capture.ts';
import { Turns } from '../../platform/turns.ts';

export interface HookSweepOptions {
  capture: HookCapture;
  store: EngineStore;
  clock: Clock;
  spool_dir: string;
  /** Awaited before anything is taken: a file is removed once it was. */
  before?: (signal: AbortSignal) => Promise<void>;
}

export interface HookSweepResult {
  appended: number;
  /** Some record waits for its transcript: look again soon. */
  waiting: boolean;
}

/**
 * Takes what hooks left in the spool into the journal, oldest file first, each from the offset that was committed with
 * its entries. A file whose hour is over and that was read whole is removed; until then a kill loses nothing.
 */
export class HookSweep {
  readonly #options: HookSweepOptions;
  readonly #turns = new Turns();

  constructor(options: HookSweepOptions) {
    this.#options = options;
  }

  /** @throws FullError when the journal is full: the next sweep goes on where this one stopped. */
  sweep(signal: AbortSignal): Promise<HookSweepResult> {
    return this.#turns.run(() => this.#sweep(signal));
  }

  async #sweep(signal: AbortSignal): Promise<HookSweepResult> {
    const { store, clock, spool_dir, before } = this.#options;
    await before?.(signal);
    const result: HookSweepResult = { appended: 0, waiting: false };
    for (const file of await listSpool(spool_dir)) {
      if (signal.aborted) break;
      const source = await store.openSource('telemetry', `spool ${file.name}`, clock.now_ms());
      const offset = await this.#readOn(file, source, result, signal);
      if (isFinished(file, offset, clock.now_ms())) await removeSpoolFile(file);
    }
    return result;
  }

  /** Reads one file as far as its records can be taken; returns the offset reached. */
  async #readOn(file: SpoolFile, source: Source, result: HookSweepResult, signal: AbortSignal): Promise<number> {
    const { capture, clock } = this.#options;
    let offset = Number(source.checkpoint ?? 0);
    for (let more = true; more && !signal.aborted;) {
      const step = await readSpool(file, offset, clock.now_ms());
      const records = step.records.map((spooled) => ({ cursor: spooled.offset.toString(36), record: spooled.record }));
      const ready = capture.ready(records);
      const blocked = step.records[ready];
      const reached = blocked?.offset ?? step.next_offset;
      if (reached > offset)
        result.appended += await capture.take({
          source_id: source.source_id,
          records: records.slice(0, ready),
          checkpoint: String(reached),
          skipped: { hook_malformed: step.malformed },
        });
      offset = reached;
      if (blocked) result.waiting = true;
      more = step.more && !blocked;
    }
    return offset;
  }
}

import { SynclineError } from '../../platform/errors.ts';
import { endOfTurn } from '../../platform/turns.ts';
import { TRANSACTION_LIMITS } from '../../engine/transaction.ts';
import type { OperationId, OriginId } from '../origin.ts';
import { transact, type Work, type WorkParts } from './work.ts';

interface Waiting {
  run: (work: Work) => unknown;
  resolve: (done: { result: unknown; operations: OperationId[] }) => void;
  reject: (error: unknown) => void;
}

type Settled = { done: { result: unknown; operations: OperationId[] } } | { error: unknown };

/** Half of what a transaction may hold: the request that comes next still fits, whatever it is. */
const MOST_BYTES = TRANSACTION_LIMITS.max_bytes / 2;

/**
 * Commits all writers that wait with one transaction, hence one wait for the disk: while it lasts, the next group
 * gathers. A group is not larger than is worth a commit, so that peers have something to do meanwhile. A request that is refused
 * takes nothing of the others with it.
 */
export class GroupCommit {
  readonly #parts: WorkParts;
  readonly #listeners = new Set<(origins: ReadonlyMap<OriginId, number>) => void>();
  #waiting: Waiting[] = [];
  #running: Promise<void> | null = null;
  #closed = false;

  constructor(parts: WorkParts) {
    this.#parts = parts;
  }

  /** Resolves when it is on disk. @throws what `run` throws; `memory.closed` */
  submit<T>(run: (work: Work) => T): Promise<{ result: T; operations: OperationId[] }> {
    if (this.#closed) return Promise.reject(new SynclineError('memory.closed', 'The memory store is being closed'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ run, resolve: resolve as Waiting['resolve'], reject });
      this.#running ??= this.#drain();
    });
  }

  /** A transaction of its own, at once: pages of peers. */
  alone<T>(run: (work: Work) => T): T {
    const result = transact(this.#parts, run);
    this.#tell();
    return result;
  }

  onCommit(listener: (origins: ReadonlyMap<OriginId, number>) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#running;
  }

  async #drain(): Promise<void> {
    await endOfTurn();
    while (this.#waiting.length > 0) {
      this.#commit();
      await endOfTurn();
    }
    this.#running = null;
  }

  #commit(): void {
    const served: { waiting: Waiting; settled: Settled }[] = [];
    try {
      transact(this.#parts, (work) => {
        const until_ms = this.#parts.clock.monotonic_ms() + Math.max(LEAST_MS, this.#parts.commit_ms);
        for (const waiting of this.#waiting) {
          if (work.entries > 0 && isFull(work)) break;
          if (work.entries >= LEAST_ENTRIES && this.#parts.clock.monotonic_ms() > until_ms) break;
          served.push({ waiting, settled: serve(work, waiting) });
        }
      });
    } catch (error) {
      const failed = served.length > 0 ? served.map(({ waiting }) => waiting) : this.#waiting.slice(0, 1);
      this.#waiting = this.#waiting.slice(failed.length);
      for (const { reject } of failed) reject(error);
      return;
    }
    this.#waiting = this.#waiting.slice(served.length);
    this.#tell();
    for (const { waiting, settled } of served)
      if ('done' in settled) waiting.resolve(settled.done);
      else waiting.reject(settled.error);
  }

  #tell(): void {
    const origins = this.#parts.log.committed();
    if (origins.size === 0) return;
    for (const listener of this.#listeners) listener(origins);
  }
}

/**
 * A group ends when it has so many entries and has worked for this long, and for as long as a commit takes: peers take it in while the
 * next group works. One that took all who wait would make all of them wait for their peers at the same time, again and again. Where
 * the disk is slow, groups are large.
 */
const LEAST_MS = 2;
const LEAST_ENTRIES = 32;

function isFull({ entries, bytes }: Work): boolean {
  return entries + MOST_ENTRIES > TRANSACTION_LIMITS.max_rows || bytes > MOST_BYTES;
}

/** Single writes are a few operations; large ones (bulk, forget) keep themselves to what a transaction holds. */
const MOST_ENTRIES = 100;

/** A refusal is of the request; a failure of the disk is of the whole transaction. */
function serve(work: Work, waiting: Waiting): Settled {
  try {
    return { done: work.request(waiting.run) };
  } catch (error) {
    if (error instanceof SynclineError && (error.code === 'full' || error.code.startsWith('storage.'))) throw error;
    return { error };
  }
}

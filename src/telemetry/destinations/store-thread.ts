import { Worker } from 'node:worker_threads';
import type { Reply } from '../../engine/ordered/destination.ts';
import { SynclineError } from '../../platform/errors.ts';
import type { Principal } from '../store/principal.ts';
import type { ReceivedBatch } from './receive-batch.ts';

/** What the thread is started with. */
export interface StoreThreadOptions {
  path: string;
  max_bytes: number;
}

/** A batch to be stored. */
export interface StoreRequest {
  id: number;
  principal: Principal;
  batch: ReceivedBatch;
}
/** Sessions to be erased, after whatever was given to the thread before. */
export interface EraseRequest {
  id: number;
  team_id: string;
  hashes: readonly string[];
}
/** What the store has removed is to leave its file, after whatever was given to the thread before. */
export interface ScrubRequest {
  id: number;
  scrub: true;
}
/** What goes to the thread: a batch, an erasure, a scrub, or the wish that it closes its store and ends. */
export type ToThread = StoreRequest | EraseRequest | ScrubRequest | 'close';
/** What comes back for each request. */
export type Answer = { id: number; reply: Reply } | { id: number; erased: number } | { id: number; failure: string };
/** The answers to the batches of one commit come together, so that they can be settled with one, too. */
export type FromThread = Answer[];

/**
 * A batch of a thousand items is 10 MB of objects for some milliseconds. A thread of its own with this bound needs them
 * once, however much waits to be delivered (P9); in the main thread V8 let them pile up to 260 MiB.
 */
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 24, maxOldGenerationSizeMb: 128 };

/**
 * The local store's writer in a thread of its own: while it parses and inserts, capture reads on and the page answers.
 * Started by the first batch. Readers use connections of their own.
 */
export class StoreThread {
  readonly #options: StoreThreadOptions;
  readonly #waiting = new Map<number, PromiseWithResolvers<Reply>>();
  readonly #erasing = new Map<number, PromiseWithResolvers<number>>();
  #worker: Worker | null = null;
  #ended: Promise<void> = Promise.resolve();
  #last_id = 0;

  constructor(options: StoreThreadOptions) {
    this.#options = options;
  }

  /** Stores a batch and answers as a team server does. Rejects when the thread fails; the next call starts another. */
  receive(principal: Principal, batch: ReceivedBatch): Promise<Reply> {
    return this.#ask(this.#waiting, (id) => ({ id, principal, batch }));
  }

  /**
   * As `TelemetryStore.eraseSessions`, in the thread: its writer knows sessions by keys that are gone afterwards. Rejects
   * also where a reader still holds the old pages.
   */
  eraseSessions(team_id: string, hashes: readonly string[]): Promise<number> {
    return this.#ask(this.#erasing, (id) => ({ id, team_id, hashes }));
  }

  /** As `TelemetryStore.scrub`, in the thread: this one goes on answering meanwhile. */
  async scrub(): Promise<void> {
    await this.#ask(this.#erasing, (id) => ({ id, scrub: true }));
  }

  #ask<T>(waiting: Map<number, PromiseWithResolvers<T>>, request: (id: number) => ToThread): Promise<T> {
    const worker = (this.#worker ??= this.#start());
    const id = ++this.#last_id;
    const answer = Promise.withResolvers<T>();
    waiting.set(id, answer);
    // Only work keeps the process alive, not a thread that idles.
    worker.ref();
    this.#send(worker, request(id));
    return answer.promise;
  }

  /** Ends the thread after what it has been given. */
  async close(): Promise<void> {
    this.#worker?.ref();
    if (this.#worker) this.#send(this.#worker, 'close');
    await this.#ended;
  }

  #send(worker: Worker, message: ToThread): void {
    worker.postMessage(message);
  }

  #start(): Worker {
    // Run from source the file is TypeScript, from a build it is not.
    const script = new URL(`./store-thread-main${import.meta.url.slice(-3)}`, import.meta.url);
    const worker = new Worker(script, { workerData: this.#options, resourceLimits: HEAP_LIMITS });
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    let failure: unknown;
    worker.on('message', (answers: FromThread) => {
      for (const answer of answers) this.#take(answer);
    });
    worker.on('error', (error: unknown) => (failure = error));
    worker.on('exit', () => {
      this.#worker = null;
      for (const waiting of [...this.#waiting.values(), ...this.#erasing.values()])
        waiting.reject(
          new SynclineError('store.thread', 'The thread that writes the local store ended', { cause: failure }),
        );
      this.#waiting.clear();
      this.#erasing.clear();
      ended.resolve();
    });
    return worker;
  }

  #take(answer: Answer): void {
    const storing = this.#waiting.get(answer.id);
    const erasing = this.#erasing.get(answer.id);
    this.#waiting.delete(answer.id);
    this.#erasing.delete(answer.id);
    if (this.#waiting.size + this.#erasing.size === 0) this.#worker?.unref();
    if ('reply' in answer) storing?.resolve(answer.reply);
    else if ('erased' in answer) erasing?.resolve(answer.erased);
    else (storing ?? erasing)?.reject(new SynclineError('store.thread', answer.failure));
  }
}

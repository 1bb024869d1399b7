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

/** What goes to the thread: a batch, or the wish that it closes its store and ends. */
export type ToThread = { id: number; principal: Principal; batch: ReceivedBatch } | 'close';
/** What comes back for each batch. */
export type Answer = { id: number; reply: Reply } | { id: number; failure: string };
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
  #worker: Worker | null = null;
  #ended: Promise<void> = Promise.resolve();
  #last_id = 0;

  constructor(options: StoreThreadOptions) {
    this.#options = options;
  }

  /** Stores a batch and answers as a team server does. Rejects when the thread fails; the next call starts another. */
  receive(principal: Principal, batch: ReceivedBatch): Promise<Reply> {
    const worker = (this.#worker ??= this.#start());
    const id = ++this.#last_id;
    const waiting = Promise.withResolvers<Reply>();
    this.#waiting.set(id, waiting);
    // Only work keeps the process alive, not a thread that idles.
    worker.ref();
    this.#send(worker, { id, principal, batch });
    return waiting.promise;
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
      for (const waiting of this.#waiting.values())
        waiting.reject(
          new SynclineError('store.thread', 'The thread that writes the local store ended', { cause: failure }),
        );
      this.#waiting.clear();
      ended.resolve();
    });
    return worker;
  }

  #take(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if (this.#waiting.size === 0) this.#worker?.unref();
    if ('reply' in answer) waiting?.resolve(answer.reply);
    else waiting?.reject(new SynclineError('store.thread', answer.failure));
  }
}

import { Worker } from 'node:worker_threads';
import { SynclineError } from '../../../platform/errors.ts';
import type { SessionStore } from '../session-store.ts';
import { errorOf, type ThreadFailure } from './thread-failure.ts';

/** What a thread is started with. */
export interface ThreadOptions {
  path: string;
  max_bytes?: number | undefined;
}

type Method = Exclude<keyof SessionStore, 'close'>;

/** A call on its way to a thread. */
export interface Call {
  id: number;
  method: Method;
  parameters: unknown[];
}
export type ToThread = Call | 'close';
export type FromThread = { id: number; result: unknown } | { id: number; failure: ThreadFailure };

/** What V8 may hold in one thread: a put or a page of messages is at most some megabytes, as text and as objects. */
const HEAP_LIMITS = { maxYoungGenerationSizeMb: 32, maxOldGenerationSizeMb: 256 };

/**
 * The store on SQLite behind two threads, one for writes and one for reads: a search over a million messages holds up
 * neither the daemon's loop nor a put. Both begin with the first call. Once closed, calls reject.
 */
export class SessionStoreThreads implements SessionStore {
  readonly #writer: StoreThread;
  readonly #reader: StoreThread;
  #opened: Promise<unknown> | null = null;

  constructor(options: ThreadOptions) {
    this.#writer = new StoreThread(options);
    this.#reader = new StoreThread(options);
  }

  readonly put: SessionStore['put'] = (team_id, put) => this.#writer.call('put', team_id, put);
  readonly markGone: SessionStore['markGone'] = (team_id, gone) => this.#writer.call('markGone', team_id, gone);
  readonly state: SessionStore['state'] = (team_id, key) => this.#writer.call('state', team_id, key);
  readonly remove: SessionStore['remove'] = (team_id, key, owner, reason) =>
    this.#writer.call('remove', team_id, key, owner, reason);
  readonly scrub: SessionStore['scrub'] = () => this.#writer.call('scrub');
  readonly identity: SessionStore['identity'] = () => this.#writer.call('identity');
  readonly sizeBytes: SessionStore['sizeBytes'] = () => this.#writer.call('sizeBytes');

  readonly list: SessionStore['list'] = (...asked) => this.#read('list', ...asked);
  readonly find: SessionStore['find'] = (...asked) => this.#read('find', ...asked);
  readonly messages: SessionStore['messages'] = (...asked) => this.#read('messages', ...asked);
  readonly search: SessionStore['search'] = (...asked) => this.#read('search', ...asked);
  readonly links: SessionStore['links'] = (...asked) => this.#read('links', ...asked);
  readonly linked: SessionStore['linked'] = (...asked) => this.#read('linked', ...asked);
  readonly tree: SessionStore['tree'] = (...asked) => this.#read('tree', ...asked);
  readonly editing: SessionStore['editing'] = (...asked) => this.#read('editing', ...asked);
  readonly containing: SessionStore['containing'] = (...asked) => this.#read('containing', ...asked);
  readonly facets: SessionStore['facets'] = (...asked) => this.#read('facets', ...asked);
  readonly totals: SessionStore['totals'] = (...asked) => this.#read('totals', ...asked);

  /** The writer opens the file first: two threads do not bring one schema up to date. */
  async #read<M extends Method>(
    method: M,
    ...asked: Parameters<SessionStore[M]>
  ): Promise<Awaited<ReturnType<SessionStore[M]>>> {
    try {
      await (this.#opened ??= this.#writer.call('sizeBytes'));
    } catch (error) {
      this.#opened = null;
      throw error;
    }
    return this.#reader.call(method, ...asked);
  }

  /** Ends both threads after what they have been given. */
  async close(): Promise<void> {
    await Promise.all([this.#writer.close(), this.#reader.close()]);
  }
}

/** One thread, started by its first call and again by the next one after it failed. */
class StoreThread {
  readonly #options: ThreadOptions;
  readonly #waiting = new Map<number, PromiseWithResolvers<unknown>>();
  #worker: Worker | null = null;
  #ended: Promise<void> = Promise.resolve();
  #last_id = 0;
  #closed = false;

  constructor(options: ThreadOptions) {
    this.#options = options;
  }

  async call<M extends Method>(
    method: M,
    ...parameters: Parameters<SessionStore[M]>
  ): Promise<Awaited<ReturnType<SessionStore[M]>>> {
    if (this.#closed) throw new SynclineError('sessions.closed', 'The store of conversations is closed');
    const worker = (this.#worker ??= this.#start());
    const call: Call = { id: ++this.#last_id, method, parameters };
    const waiting = Promise.withResolvers<unknown>();
    this.#waiting.set(call.id, waiting);
    // Only work keeps the process alive, not a thread that idles.
    worker.ref();
    this.#send(worker, call);
    return (await waiting.promise) as Awaited<ReturnType<SessionStore[M]>>;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#worker?.ref();
    if (this.#worker) this.#send(this.#worker, 'close');
    await this.#ended;
  }

  #send(worker: Worker, message: ToThread): void {
    worker.postMessage(message);
  }

  #start(): Worker {
    // Run from source the file is TypeScript, from a build it is not.
    const script = new URL(`./session-store-thread-main${import.meta.url.slice(-3)}`, import.meta.url);
    const worker = new Worker(script, { workerData: this.#options, resourceLimits: HEAP_LIMITS });
    const ended = Promise.withResolvers<void>();
    this.#ended = ended.promise;
    let failure: unknown;
    worker.on('message', (message: FromThread) => this.#take(worker, message));
    worker.on('error', (error: unknown) => (failure = error));
    worker.on('exit', () => {
      this.#worker = null;
      const ending = new SynclineError('sessions.thread', 'A thread of the store of conversations ended', {
        cause: failure,
      });
      for (const waiting of this.#waiting.values()) waiting.reject(ending);
      this.#waiting.clear();
      ended.resolve();
    });
    return worker;
  }

  #take(worker: Worker, message: FromThread): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0 && !this.#closed) worker.unref();
    if ('failure' in message) waiting?.reject(errorOf(message.failure));
    else waiting?.resolve(message.result);
  }
}

/** A thread behind `SessionStoreThreads`: one connection, calls one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../../platform/clock.ts';
import { invariant } from '../../../platform/errors.ts';
import type { Call, FromThread, ThreadOptions, ToThread } from './session-store-threads.ts';
import { SqliteSessionStore } from './sqlite-session-store.ts';
import { failureOf } from './thread-failure.ts';

const port = parentPort;
invariant(port, 'this file is the start of a thread');
const { path, max_bytes } = workerData as ThreadOptions;
const store = new SqliteSessionStore(path, { clock: systemClock, max_bytes });

/** Calls are waited for one after another, though the store answers at once: answers keep the order of calls. */
let before: Promise<void> = Promise.resolve();
port.on('message', (message: ToThread) => {
  before = before.then(() => (message === 'close' ? end() : answer(message)));
});

async function end(): Promise<void> {
  await store.close();
  port?.close();
}

async function answer({ id, method, parameters }: Call): Promise<void> {
  port?.postMessage(await resultOf(id, method, parameters));
}

async function resultOf(id: number, method: Call['method'], parameters: unknown[]): Promise<FromThread> {
  try {
    const call = store[method].bind(store) as (...parameters: unknown[]) => Promise<unknown>;
    return { id, result: await call(...parameters) };
  } catch (error) {
    return { id, failure: failureOf(error) };
  }
}

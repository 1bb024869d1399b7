/** The thread behind `StoreThread`: one store, batches one after another. */
import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../platform/clock.ts';
import { invariant, messageOf } from '../../platform/errors.ts';
import { TelemetryStore } from '../store/telemetry-store.ts';
import { receiveBatch } from './receive-batch.ts';
import type { FromThread, StoreThreadOptions, ToThread } from './store-thread.ts';

const port = parentPort;
invariant(port, 'this file is the start of a thread');
const { path, max_bytes } = workerData as StoreThreadOptions;
const store = new TelemetryStore(path, { clock: systemClock, max_bytes });

port.on('message', (message: ToThread) => {
  if (message === 'close') {
    store.close();
    port.close();
    return;
  }
  port.postMessage(answerTo(message));
});

function answerTo({ id, principal, batch }: Exclude<ToThread, 'close'>): FromThread {
  try {
    return { id, reply: receiveBatch(store, principal, batch) };
  } catch (error) {
    return { id, failure: messageOf(error) };
  }
}

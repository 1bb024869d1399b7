/** The thread behind `StoreThread`: one store; what has come is stored with one commit. */
import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../platform/clock.ts';
import { invariant, messageOf } from '../../platform/errors.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { TelemetryStore } from '../store/telemetry-store.ts';
import { receiveBatch } from './receive-batch.ts';
import type {
  Answer,
  EraseRequest,
  FromThread,
  ScrubRequest,
  StoreRequest,
  StoreThreadOptions,
  ToThread,
} from './store-thread.ts';

const port = parentPort;
invariant(port, 'this file is the start of a thread');
const { path, max_bytes } = workerData as StoreThreadOptions;
const store = new TelemetryStore(new Database(path, { background_sync: true }), { clock: systemClock, max_bytes });

port.on('message', (message: ToThread) => void take([message, ...waiting()]));

/** What else has come meanwhile: it is stored with the same commit. */
function* waiting(): Generator<ToThread> {
  invariant(port, 'a thread has a port');
  for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) yield next.message as ToThread;
}

/** Takes the messages out of their list one by one: a body is garbage as soon as it is parsed. */
async function take(messages: ToThread[]): Promise<void> {
  let closes = false;
  const removals: (EraseRequest | ScrubRequest)[] = [];
  const answering: Promise<Answer>[] = [];
  for (let message = messages.shift(); message !== undefined; message = messages.shift()) {
    if (message === 'close') closes = true;
    else if ('batch' in message) answering.push(answerTo(message));
    else removals.push(message);
  }
  const answers: FromThread = await Promise.all(answering);
  // Not before what was given together with it is stored: some of that may be of the sessions to be erased.
  for (const request of removals) answers.push(remove(request));
  if (answers.length > 0) port?.postMessage(answers);
  if (!closes) return;
  store.close();
  port?.close();
}

function remove(request: EraseRequest | ScrubRequest): Answer {
  const { id } = request;
  try {
    if ('hashes' in request) return { id, erased: store.eraseSessions(request.team_id, request.hashes) };
    store.scrub();
    return { id, erased: 0 };
  } catch (error) {
    return { id, failure: messageOf(error) };
  }
}

async function answerTo({ id, principal, batch }: StoreRequest): Promise<Answer> {
  try {
    return { id, reply: await receiveBatch(store, principal, batch) };
  } catch (error) {
    return { id, failure: messageOf(error) };
  }
}

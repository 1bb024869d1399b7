/** The destination of conversations under the real engine: notices, claims, settlements and links in one file. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { KEY, message, SessionRig } from '../../../test/support/session-rig.ts';
import { VirtualTime } from '../../../test/support/virtual-time.ts';
import { KeyedDelivery } from '../../engine/keyed/delivery.ts';
import { defaultRetryPolicy } from '../../engine/retry.ts';
import { openSqliteStore } from '../../engine/sqlite/store.ts';
import type { EngineStore } from '../../engine/store.ts';
import { seededRandom } from '../../platform/random.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { StoreReplyError } from '../store/store-reply-error.ts';

let rig: SessionRig;
let engine: EngineStore;
let time: VirtualTime;
let partition_id: number;
let notices: number;

beforeEach(async () => {
  time = new VirtualTime();
  notices = 0;
  const db = new Database(':memory:');
  engine = openSqliteStore(db, { clock: time, random: seededRandom(1), cap_bytes: 64 * 1024 * 1024 });
  rig = new SessionRig({ db });
  rig.messages = [message(0, 'the first')];
  const partition = await engine.openPartition({ stream: 'sessions', name: 'test', header: {}, delivery: 'keyed' });
  ({ partition_id } = partition);
  await engine.configureDestination(
    { destination_id: 'local', stream: 'sessions', required: true, start: 'earliest', delivery: 'keyed' },
    time.now_ms(),
  );
});
afterEach(() => engine.close());

async function notice(): Promise<void> {
  const now_ms = time.now_ms();
  const { source_id } = await engine.openSource('sessions', 'test', now_ms);
  const entry = {
    partition_id,
    key: KEY,
    cursor: `${KEY}.${++notices}`,
    subject: KEY,
    observed_ms: now_ms,
    payload: null,
  };
  await engine.append({ source_id, entries: [entry], checkpoint: null, now_ms });
}

function pass(): ReturnType<KeyedDelivery['pass']> {
  const { destination } = rig;
  const random = seededRandom(2);
  const parts = { store: engine, destination, clock: time, timers: time, random, retry: defaultRetryPolicy };
  return new KeyedDelivery({ ...parts, concurrency: 2, idle_ms: 1_000 }).pass(new AbortController().signal);
}

const waiting = async (): Promise<number | undefined> => (await engine.keyed.progress())[0]?.waiting;

it('a noticed session is put, and its link commits with the end of its task', async () => {
  await notice();
  expect(await pass()).toMatchObject({ accepted_items: 1, dead_letters: 0 });
  expect(rig.store.messages(KEY)).toEqual(rig.expected());
  expect(await waiting()).toBe(0);
  const { fingerprint } = rig.store.held.get(KEY)!;
  expect(rig.db.value('SELECT fingerprint FROM session_link')).toBe(fingerprint);
});

it('many changes are one put, and a change of nothing is none', async () => {
  for (let i = 1; i < 6; i++) {
    rig.messages.push(message(i, `turn ${i}`));
    await notice();
  }
  await pass();
  await notice();
  await pass();
  expect(rig.store.puts).toHaveLength(1);
  expect(rig.store.messages(KEY)).toEqual(rig.expected());
  expect(await waiting()).toBe(0);
});

it('a change that comes while it is sent is sent next', async () => {
  await notice();
  rig.onRead = () => {
    rig.onRead = () => undefined;
    void notice();
    queueMicrotask(() => rig.messages.push(message(1, 'meanwhile')));
  };
  await pass();
  await pass();
  expect(rig.store.messages(KEY)).toEqual(rig.expected());
  expect(await waiting()).toBe(0);
});

it('a server that throttles burns no attempt, and gets it after its time', async () => {
  await notice();
  rig.store.fault = { when: 'before', error: new StoreReplyError({ status: 429, retry_after: '30' }) };
  await pass();
  expect(await waiting()).toBe(1);
  expect(await engine.deadLetters({})).toEqual([]);
  time.step(31_000);
  await pass();
  await pass();
  expect(rig.store.messages(KEY)).toEqual(rig.expected());
});

it('a foreign owner is a dead letter that holds the key', async () => {
  await notice();
  await pass();
  rig.store.held.get(KEY)!.owner = 'desktop/1';
  rig.messages.push(message(1, 'mine'));
  await notice();
  expect(await pass()).toMatchObject({ dead_letters: 1 });
  expect(await engine.deadLetters({})).toMatchObject([
    { class: 'foreign_owner', key: KEY, state: 'open', payload: null },
  ]);
  await notice();
  await pass();
  expect(rig.store.puts).toHaveLength(2);
});

it('a link that somebody else moved undoes the settlement, and is read anew', async () => {
  await notice();
  await pass();
  rig.messages.push(message(1, 'more'));
  await notice();
  const put = rig.store.put.bind(rig.store);
  rig.store.put = (team_id, told) => {
    rig.store.put = put;
    rig.db.run('UPDATE session_link SET version = version + 1');
    return put(team_id, told);
  };
  await pass();
  expect(await waiting()).toBe(1);
  time.step(600_000);
  await pass();
  expect(await waiting()).toBe(0);
  expect(rig.store.messages(KEY)).toEqual(rig.expected());
});

import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { VirtualTime } from '../../../test/support/virtual-time.ts';
import type { Reply } from '../../engine/ordered/destination.ts';
import { defaultRetryPolicy } from '../../engine/retry.ts';
import { openSqliteStore } from '../../engine/sqlite/store.ts';
import type { EngineStore } from '../../engine/store.ts';
import { seededRandom } from '../../platform/random.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { migrateFlowTables } from '../capture/flow-tables.ts';
import { Erasures, type SessionEraser } from './erasures.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let db: Database;
let engine: EngineStore;
const time = new VirtualTime();
const signal = new AbortController().signal;
const asked: string[] = [];
let replies: (hash: string) => Reply;

beforeEach(async () => {
  scratch = scratchDirectory();
  db = new Database(join(scratch.path, 'engine.db'));
  engine = openSqliteStore(db, { clock: time, random: seededRandom(1), cap_bytes: 1e9 });
  migrateFlowTables(db, time.now_ms());
  asked.length = 0;
  replies = () => ({ status: 200 });
  for (const destination_id of ['team', 'vendor'])
    await engine.configureDestination(
      { destination_id, stream: 'telemetry', required: true, start: 'earliest' },
      time.now_ms(),
    );
});
afterEach(async () => {
  await engine.close();
  scratch.remove();
});

const eraser: SessionEraser = {
  eraseSession: async (hash) => {
    asked.push(hash);
    return replies(hash);
  },
};

function open(destinations: [string, SessionEraser | null][] = [['team', eraser]]): Erasures {
  const parts = { db, engine, retry: defaultRetryPolicy, clock: time, random: seededRandom(2) };
  return new Erasures({ ...parts, destinations: new Map(destinations) });
}

test('asks until it is answered, over restarts, and not twice', async () => {
  const first = open();
  first.ask(new Map([['team', ['a', 'b']]]));
  expect(first.waiting()).toEqual([{ destination: 'team', sessions: 2, reason: null }]);
  replies = () => ({ status: null, reason: 'refused', message: 'nobody listens' });
  await first.pass(signal);
  // One that is down is asked once a round, and then left alone.
  await first.pass(signal);
  expect(asked).toEqual(['a']);
  expect(first.at(['a', 'b'])).toEqual([
    { destination: 'team', sessions: 2, waiting: 2, state: 'waiting', reason: 'nobody listens' },
  ]);
  replies = () => ({ status: 200 });
  const second = open();
  expect(await second.pass(signal)).toBe(2);
  second.ask(new Map([['team', ['a']]]));
  await second.pass(signal);
  expect(asked).toEqual(['a', 'a', 'b']);
  expect(second.at(['a', 'b'])).toMatchObject([{ state: 'done', waiting: 0, reason: null }]);
});

test('waits as long as it is told to', async () => {
  const erasures = open();
  erasures.ask(new Map([['team', ['a']]]));
  replies = () => ({ status: 503, retry_after: '120' });
  await erasures.pass(signal);
  await time.pass(119_000);
  await erasures.pass(signal);
  expect(asked).toHaveLength(1);
  await time.pass(10_000);
  await erasures.pass(signal);
  expect(asked).toHaveLength(2);
});

test('tells what cannot be erased by nature from what was refused', async () => {
  const erasures = open([
    ['team', eraser],
    ['vendor', null],
  ]);
  const states = (): unknown[] =>
    erasures.at(['a', 'b', 'c']).map(({ destination, state, reason }) => [destination, state, reason !== null]);
  erasures.ask(
    new Map([
      ['team', ['a']],
      ['vendor', ['a', 'b']],
      ['left', ['c']],
    ]),
  );
  for (const status of [404, 405, 501]) {
    replies = () => ({ status, message: 'no such route' });
    erasures.ask(new Map([['team', ['a']]]));
    await erasures.pass(signal);
    expect(states()).toEqual([
      ['left', 'failed', true],
      ['team', 'cannot', true],
      ['vendor', 'cannot', true],
    ]);
  }
  replies = () => ({ status: 409, code: 'foreign_owner', message: 'another member' });
  erasures.ask(new Map([['team', ['a']]]));
  await erasures.pass(signal);
  expect(erasures.at(['a'])[0]).toMatchObject({ destination: 'team', state: 'failed', reason: 'another member' });
  // A server that has learnt it is asked when the person asks again.
  replies = () => ({ status: 200 });
  erasures.ask(new Map([['team', ['a']]]));
  await erasures.pass(signal);
  expect(erasures.at(['a'])[0]).toMatchObject({ state: 'done', reason: null });
});

test('a paused destination is asked nothing', async () => {
  const erasures = open();
  erasures.ask(new Map([['team', ['a']]]));
  await engine.changeDestination('team', 'pause', null);
  await erasures.pass(signal);
  expect(asked).toEqual([]);
  await engine.changeDestination('team', 'resume', null);
  await erasures.pass(signal);
  expect(asked).toEqual(['a']);
});

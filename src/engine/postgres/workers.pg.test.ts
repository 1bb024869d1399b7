import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { query, startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { systemClock } from '../../platform/clock.ts';
import { UnreachableError } from '../../platform/errors.ts';
import { systemRandom } from '../../platform/random.ts';
import { systemTimers } from '../../platform/timers.ts';
import { Postgres } from '../../storage/postgres/postgres.ts';
import type { EngineStore } from '../store.ts';
import { openPostgresStore } from './store.ts';

const DESTINATION = 'crm';

/**
 * A worker: does what it is told on stdin, one JSON line each, and answers with one. `claim` takes keys and keeps them in
 * mind; `settle` ends them with a link each; `work` does both until nothing is left.
 */
const WORKER = `
  const [{ Postgres }, { openPostgresStore }, { systemClock }, { systemRandom }, { systemTimers }] = await Promise.all(
    ${JSON.stringify(
      [
        '../../storage/postgres/postgres.ts',
        './store.ts',
        '../../platform/clock.ts',
        '../../platform/random.ts',
        '../../platform/timers.ts',
      ].map((path) => new URL(path, import.meta.url).href),
    )}.map((url) => import(url)));
  const [url, owner] = process.argv.slice(1);
  const postgres = new Postgres({ url, timers: systemTimers, random: systemRandom, max_connections: 2 });
  const done = 'UPDATE link l SET times = l.times + 1, owner = r.owner FROM $rows AS r (i, key, owner) WHERE l.key = r.key RETURNING r.i';
  const writers = [{ name: 'link', sql: done, columns: ['text', 'text'], order: 1 }];
  // A clock that is wrong by a year: leases must not care.
  const clock = { ...systemClock, now_ms: () => systemClock.now_ms() + (owner === 'wrong clock' ? 31_536_000_000 : 0) };
  const store = await openPostgresStore(postgres, { clock, random: systemRandom, writers });
  let tasks = [];
  const claim = async (limit, lease_ms) => (tasks = await store.keyed.claim({ destination_id: '${DESTINATION}', limit, owner, lease_ms, now_ms: clock.now_ms() })).map(({ key }) => key);
  const settle = async () => (await store.keyed.settle(tasks.map(({ destination_id, key, fence }) => ({ destination_id, key, fence, now_ms: clock.now_ms(), kind: 'done', sent: true, bytes: 1, rows: [{ writer: 'link', row: [key, owner] }] })))).map(({ outcome }) => outcome);
  const verbs = {
    claim: ({ limit, lease_ms }) => claim(limit, lease_ms),
    settle,
    release: () => store.keyed.releaseExpired('${DESTINATION}', owner, clock.now_ms()),
    work: async () => {
      const mine = [];
      for (;;) {
        try {
          await store.keyed.releaseExpired('${DESTINATION}', owner, clock.now_ms());
          const keys = await claim(7, 60_000);
          if (keys.length === 0) return mine;
          const outcomes = await settle();
          mine.push(...keys.filter((_, i) => outcomes[i] === 'settled'));
        } catch (error) {
          if (!/^(storage|stale)/.test(error.code)) throw error;
          await systemTimers.sleep(20);
        }
      }
    },
  };
  const { createInterface } = await import('node:readline');
  process.stdout.write('ready\\n');
  for await (const line of createInterface({ input: process.stdin })) {
    const { verb, ...given } = JSON.parse(line);
    process.stdout.write(JSON.stringify(await verbs[verb](given)) + '\\n');
  }
  await postgres.close();`;

class Worker {
  readonly child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  constructor(url: string, owner: string) {
    this.child = spawn(process.execPath, ['--input-type=module', '-e', WORKER, url, owner], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  static async start(url: string, owner: string): Promise<Worker> {
    const worker = new Worker(url, owner);
    workers.push(worker);
    expect((await worker.#lines.next()).value).toBe('ready');
    return worker;
  }

  tell(verb: 'claim' | 'settle' | 'release' | 'work', given: object = {}): void {
    this.child.stdin!.write(`${JSON.stringify({ verb, ...given })}\n`);
  }

  async answer<T>(): Promise<T> {
    const line = await this.#lines.next();
    if (line.done === true) throw new Error('the worker has ended');
    return JSON.parse(line.value) as T;
  }

  ask<T>(verb: 'claim' | 'settle' | 'release' | 'work', given: object = {}): Promise<T> {
    this.tell(verb, given);
    return this.answer<T>();
  }

  get isRunning(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  async kill(): Promise<void> {
    const ended = once(this.child, 'close');
    this.child.kill('SIGKILL');
    await ended;
  }
}

let cluster: TestPostgres;
let url: string;
let postgres: Postgres;
let store: EngineStore;
let partition_id: number;
const workers: Worker[] = [];

beforeAll(async () => {
  // What was settled must outlive a crash: with fsync.
  cluster = await startPostgres(['fsync=on']);
});
afterAll(() => cluster.remove());

beforeEach(async () => {
  url = await cluster.createDatabase();
  await query(url, `CREATE TABLE link (key text PRIMARY KEY, times int NOT NULL DEFAULT 0, owner text)`);
  postgres = new Postgres({ url, timers: systemTimers, random: systemRandom });
  store = await openPostgresStore(postgres, { clock: systemClock, random: systemRandom });
  const partition = { stream: 'records', name: 'crm', header: {}, delivery: 'keyed' } as const;
  partition_id = (await store.openPartition(partition)).partition_id;
  const spec = { destination_id: DESTINATION, stream: 'records', delivery: 'keyed', required: true } as const;
  await store.configureDestination({ ...spec, start: 'earliest' }, systemClock.now_ms());
  await store.keyed.decide(DESTINATION, () => true);
});
afterEach(async () => {
  for (const worker of workers.splice(0)) if (worker.isRunning) await worker.kill();
  expect(await store.verify()).toEqual([]);
  await postgres.close();
});

const keysOf = (count: number): string[] => Array.from({ length: count }, (_, i) => `k${String(i).padStart(4, '0')}`);

async function touch(keys: readonly string[]): Promise<void> {
  await query(url, 'INSERT INTO link (key) SELECT unnest($1::text[]) ON CONFLICT DO NOTHING', [keys]);
  await store.keyed.touch(
    keys.map((key) => ({ partition_id, key })),
    systemClock.now_ms(),
  );
}

/** Lets the leases that are given now be over, by the clock of the database alone. */
async function endLeases(): Promise<void> {
  await query(url, `UPDATE syncline.task SET lease_until_ms = 0 WHERE state = 'claimed'`);
}

async function written(): Promise<Record<string, number>> {
  const rows = await query(url, 'SELECT key, times FROM link ORDER BY key');
  return Object.fromEntries(rows.map(({ key, times }) => [String(key), Number(times)]));
}

const waiting = async (): Promise<number> => (await store.keyed.progress())[0]?.waiting ?? -1;

describe('several workers of one PostgreSQL', () => {
  it('work on the keys of one that was killed once its lease is over by the clock of the database', async () => {
    await touch(['a', 'b']);
    const dead = await Worker.start(url, 'dead');
    expect(await dead.ask('claim', { limit: 10, lease_ms: 1500 })).toEqual(['a', 'b']);
    const claimed = systemClock.monotonic_ms();
    await dead.kill();
    // Its clock says that every lease was over a year ago.
    const other = await Worker.start(url, 'wrong clock');
    expect(await other.ask('release')).toBe(0);
    expect(await other.ask('claim', { limit: 10, lease_ms: 60_000 })).toEqual([]);
    while ((await other.ask<number>('release')) === 0) await systemTimers.sleep(20);
    expect(systemClock.monotonic_ms() - claimed).toBeGreaterThan(1400);
    expect(await other.ask('claim', { limit: 10, lease_ms: 60_000 })).toHaveLength(2);
    expect(await other.ask('settle')).toEqual(['settled', 'settled']);
    expect(await written()).toEqual({ a: 1, b: 1 });
  });

  it('settle nothing of one that was frozen past its lease, whoever has the keys by then', async () => {
    await touch(['a', 'b']);
    const frozen = await Worker.start(url, 'frozen');
    expect(await frozen.ask('claim', { limit: 10, lease_ms: 60_000 })).toHaveLength(2);
    frozen.child.kill('SIGSTOP');
    frozen.tell('settle');
    await endLeases();
    const other = await Worker.start(url, 'other');
    expect(await other.ask('release')).toBe(2);
    expect(await other.ask('claim', { limit: 1, lease_ms: 60_000 })).toEqual(['a']);
    frozen.child.kill('SIGCONT');
    // One key has another claim, one none: neither is the frozen one's any more.
    expect(await frozen.answer()).toEqual(['void', 'void']);
    expect(await written()).toEqual({ a: 0, b: 0 });
    expect(await other.ask('settle')).toEqual(['settled']);
    expect(await other.ask('work')).toEqual(['b']);
    expect(await written()).toEqual({ a: 1, b: 1 });
  });

  it('claim and settle each key once between them, while changes of the same keys come', async () => {
    const keys = keysOf(400);
    await touch(keys);
    const four = await Promise.all(['w1', 'w2', 'w3', 'w4'].map((owner) => Worker.start(url, owner)));
    const first = await Promise.all(
      four.map((worker) => worker.ask<string[]>('claim', { limit: 50, lease_ms: 60_000 })),
    );
    expect(new Set(first.flat()).size).toBe(200);
    for (const worker of four) worker.tell('settle');
    for (const worker of four) expect(await worker.answer()).toEqual(Array.from({ length: 50 }, () => 'settled'));
    for (const worker of four) worker.tell('work');
    // Many keys at once, in another order than that in which they are settled.
    for (let i = 0; i < 10; i++) await touch(keys.slice(200).reverse());
    // One that finds only keys that are being changed at this moment ends early.
    for (const worker of four) await worker.answer();
    await (await Worker.start(url, 'rest')).ask('work');
    expect(await waiting()).toBe(0);
    const times = await written();
    expect(keys.every((key) => (times[key] ?? 0) >= 1)).toBe(true);
    expect(keys.slice(0, 200).every((key) => times[key] === 1)).toBe(true);
  });

  it('lose nothing and settle nothing twice when workers are killed and connections cut at random moments', async () => {
    const keys = keysOf(600);
    await touch(keys);
    const working = await Promise.all(['w1', 'w2', 'w3', 'w4'].map((owner) => Worker.start(url, owner)));
    for (const worker of working) worker.tell('work');
    for (let i = 0; i < 12; i++) {
      await query(
        url,
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE application_name = 'syncline' AND pid <> pg_backend_pid() AND datname = current_database()
         ORDER BY random() LIMIT 2`,
      ).catch(() => []);
      await systemTimers.sleep(15);
      if (i === 4 || i === 8) await working[i / 4]!.kill();
    }
    await endLeases();
    await (await Worker.start(url, 'rest')).ask('work');
    for (const worker of working) if (worker.isRunning) await worker.answer();
    await endLeases();
    await (await Worker.start(url, 'last')).ask('work');
    expect(await waiting()).toBe(0);
    // The link and the end of its task are one transaction, so no key is written twice.
    expect(await written()).toEqual(Object.fromEntries(keys.map((key) => [key, 1])));
  });

  it('go on where they were after PostgreSQL crashed in the middle', async () => {
    const keys = keysOf(800);
    await touch(keys);
    const working = await Promise.all(['w1', 'w2'].map((owner) => Worker.start(url, owner)));
    for (const worker of working) worker.tell('work');
    await systemTimers.sleep(60);
    await cluster.stop('immediate');
    await cluster.start();
    for (const worker of working) await worker.answer();
    await endLeases();
    await (await Worker.start(url, 'rest')).ask('work');
    expect(await waiting()).toBe(0);
    expect(await written()).toEqual(Object.fromEntries(keys.map((key) => [key, 1])));
  });

  it('never number two entries alike, nor leave a hole, when they append to one partition', async () => {
    const sources = await store.openSources('records', ['one', 'two', 'three'], 0);
    const connections = sources.map(
      () => new Postgres({ url, timers: systemTimers, random: systemRandom, max_connections: 2 }),
    );
    await Promise.all(
      connections.map(async (own, s) => {
        const mine = await openPostgresStore(own, { clock: systemClock, random: systemRandom });
        for (let i = 0; i < 20; i++)
          await mine.append({
            source_id: sources[s]!.source_id,
            checkpoint: String(i),
            now_ms: systemClock.now_ms(),
            // The same keys by all, each in an order of its own.
            entries: [0, 1, 2, 3].map((n) => ({
              partition_id,
              key: `k${(n * (s + 1) + i) % 5}`,
              cursor: `${i} ${n}`,
              subject: null,
              observed_ms: 0,
              payload: null,
            })),
          });
        await own.close();
      }),
    );
    const rows = await query(url, `SELECT count(*)::int AS n, max("offset")::int AS last FROM syncline.entry`);
    expect(rows).toEqual([{ n: 240, last: 240 }]);
    expect(await store.keyed.progress()).toMatchObject([{ waiting: 5 }]);
  });

  it('say that PostgreSQL does not answer, and are asked again', async () => {
    await cluster.stop();
    const claim = store.keyed.claim({ destination_id: DESTINATION, limit: 1, owner: 'x', lease_ms: 1000, now_ms: 0 });
    await expect(claim).rejects.toThrow(UnreachableError);
    await cluster.start();
    expect(await store.keyed.progress()).toMatchObject([{ waiting: 0 }]);
  });
});

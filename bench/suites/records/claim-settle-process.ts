/**
 * One process of one side: keys wait, each once; they are taken, their links written, and settled, until none is left.
 * What waits is made before the time begins, and the tables are vacuumed, for all sides alike.
 */
import { Logger, makeWorkerUtils, run as runGraphile } from 'graphile-worker';
import PgBoss from 'pg-boss';
import pg from 'pg';
import { openPostgresStore } from '../../../src/engine/postgres/store.ts';
import { systemClock } from '../../../src/platform/clock.ts';
import { invariant } from '../../../src/platform/errors.ts';
import { systemRandom } from '../../../src/platform/random.ts';
import { systemTimers } from '../../../src/platform/timers.ts';
import { Postgres } from '../../../src/storage/postgres/postgres.ts';
import { answer, processInput } from '../../measured-process.ts';
import { LINKS, LINK_COLUMNS, LINK_TABLE, STREAM, keyOf, linkOf, setLinks } from './links.ts';

export type Side = 'syncline' | 'pg-boss' | 'graphile-worker';

export interface ClaimSettleInput {
  url: string;
  side: Side;
  keys: number;
  /** Of one claim. */
  batch: number;
  connections: number;
}

export interface ClaimSettleFigures {
  seconds: number;
  /** Of this process; the database's is not in it. */
  cpu_seconds: number;
}

const input = processInput<ClaimSettleInput>();
const pool = new pg.Pool({ connectionString: input.url, max: input.connections });
const UNNEST = `unnest($1::integer[], ${LINK_COLUMNS.map((type, i) => `$${i + 2}::${type}[]`).join(', ')})`;

/** Writes the links of keys on a connection, as a careful user of a queue would: one prepared statement for all. */
async function writeLinks(client: Pick<pg.ClientBase, 'query'>, keys: readonly string[]): Promise<void> {
  const rows = keys.map(linkOf);
  const columns = LINK_COLUMNS.map((_, c) => rows.map((row) => row[c]));
  const values = [rows.map((_, i) => i), ...columns];
  const { rowCount } = await client.query({ name: 'links', text: setLinks(UNNEST), values });
  invariant(rowCount === keys.length, 'every link stands where it should');
}

async function* keysInSteps(step: number): AsyncGenerator<string[]> {
  for (let from = 0; from < input.keys; from += step)
    yield Array.from({ length: Math.min(step, input.keys - from) }, (_, i) => keyOf(from + i));
}

async function prepare(): Promise<void> {
  await pool.query(LINK_TABLE);
  for await (const keys of keysInSteps(1000)) await pool.query(LINKS, [keys.map(() => STREAM), keys]);
}

async function settleDown(): Promise<void> {
  await pool.query('VACUUM (ANALYZE)');
  await pool.query('CHECKPOINT');
}

/** Measures `work`, and checks that it did all. */
async function measured(work: () => Promise<void>): Promise<ClaimSettleFigures> {
  await settleDown();
  const cpu = process.cpuUsage();
  const start = performance.now();
  await work();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  const { rows } = await pool.query<{ left: number }>('SELECT count(*)::int AS left FROM bench.link WHERE base <> 1');
  invariant(rows[0]?.left === 0, 'every link was written');
  return { seconds, cpu_seconds: (user + system) / 1e6 };
}

/** As many loops as there are connections. */
async function inLoops(loop: () => Promise<boolean>): Promise<void> {
  const one = async (): Promise<void> => {
    while (await loop());
  };
  await Promise.all(Array.from({ length: input.connections }, one));
}

async function syncline(): Promise<ClaimSettleFigures> {
  const { url, connections, batch } = input;
  const postgres = new Postgres({ url, timers: systemTimers, random: systemRandom, max_connections: connections });
  const writers = [{ name: 'link', sql: setLinks('$rows'), columns: LINK_COLUMNS, order: 1 }];
  const store = await openPostgresStore(postgres, { clock: systemClock, random: systemRandom, writers });
  const { partition_id } = await store.openPartition({ stream: STREAM, name: 'crm', header: {}, delivery: 'keyed' });
  const spec = { destination_id: 'crm', stream: STREAM, delivery: 'keyed', required: true, start: 'earliest' } as const;
  await store.configureDestination(spec, systemClock.now_ms());
  await store.keyed.decide('crm', () => true);
  for await (const keys of keysInSteps(1000))
    await store.keyed.touch(
      keys.map((key) => ({ partition_id, key, group: 'Contact' })),
      systemClock.now_ms(),
    );
  const owner = 'bench';
  const figures = await measured(() =>
    inLoops(async () => {
      const now_ms = systemClock.now_ms();
      const tasks = await store.keyed.claim({ destination_id: 'crm', limit: batch, owner, lease_ms: 60_000, now_ms });
      const results = await store.keyed.settle(
        tasks.map(({ destination_id, key, fence }) => ({
          destination_id,
          key,
          fence,
          now_ms,
          kind: 'done',
          sent: true,
          bytes: 300,
          rows: [{ writer: 'link', row: linkOf(key) }],
        })),
      );
      invariant(
        results.every(({ outcome }) => outcome === 'settled'),
        'every claim is settled',
      );
      return tasks.length > 0;
    }),
  );
  await postgres.close();
  return figures;
}

/**
 * Policy `singleton`: at most one active job of a key, which is its order per key. Fetched in batches; links and the
 * completion of a batch in one transaction. Nothing runs beside it.
 */
async function pgBoss(): Promise<ClaimSettleFigures> {
  const db = { executeSql: (text: string, values: unknown[]) => pool.query(text, values) };
  const boss = new PgBoss({ db, supervise: false, schedule: false });
  await boss.start();
  await boss.createQueue(STREAM, { name: STREAM, policy: 'singleton' });
  for await (const keys of keysInSteps(1000))
    await boss.insert(keys.map((key) => ({ name: STREAM, singletonKey: key, data: { key } })));
  const figures = await measured(() =>
    inLoops(async () => {
      const jobs = await boss.fetch<{ key: string }>(STREAM, { batchSize: input.batch, priority: false });
      if (jobs.length === 0) return false;
      const client = await pool.connect();
      try {
        await client.query('BEGIN');
        await writeLinks(
          client,
          jobs.map(({ data }) => data.key),
        );
        const own = { executeSql: (text: string, values: unknown[]) => client.query(text, values) };
        // Its types know of one job, its manual and its code of many.
        await boss.complete(STREAM, jobs.map(({ id }) => id) as unknown as string, {}, { db: own });
        await client.query('COMMIT');
      } finally {
        client.release();
      }
      return true;
    }),
  );
  await boss.stop({ graceful: false, close: false, wait: false });
  return figures;
}

/**
 * A queue for each key, which is its order per key. Jobs are fetched and completed in batches; handlers that run at the same
 * time write their links together.
 */
async function graphileWorker(): Promise<ClaimSettleFigures> {
  const { batch, keys: total } = input;
  let done = 0;
  let finish: () => void = () => undefined;
  const finished = new Promise<void>((resolve) => (finish = resolve));
  let waiting: { key: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  const flush = async (): Promise<void> => {
    const group = waiting;
    waiting = [];
    try {
      await writeLinks(
        pool,
        group.map(({ key }) => key),
      );
      for (const { resolve } of group) resolve();
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  };
  const sync = async (payload: unknown): Promise<void> => {
    const { key } = payload as { key: string };
    await new Promise<void>((resolve, reject) => {
      waiting.push({ key, resolve, reject });
      if (waiting.length === 1) setImmediate(() => void flush());
    });
    if (++done === total) finish();
  };
  const preset = {
    worker: {
      concurrentJobs: batch,
      maxPoolSize: input.connections,
      pollInterval: 50,
      localQueue: { size: batch },
      completeJobBatchDelay: 0,
    },
  };
  const logger = new Logger(() => (level, message) => {
    if (String(level) === 'error') process.stderr.write(`${message}\n`);
  });
  const utils = await makeWorkerUtils({ pgPool: pool, logger });
  await utils.migrate();
  for await (const keys of keysInSteps(1000))
    await utils.addJobs(keys.map((key) => ({ identifier: 'sync', queueName: key, payload: { key } })));
  const figures = await measured(async () => {
    const runner = await runGraphile({ pgPool: pool, preset, taskList: { sync }, logger, noHandleSignals: true });
    await finished;
    // Its completions are part of the work.
    await runner.stop();
  });
  const { rows } = await pool.query<{ left: number }>('SELECT count(*)::int AS left FROM graphile_worker.jobs');
  invariant(rows[0]?.left === 0, 'every job was completed');
  await utils.release();
  return figures;
}

await prepare();
const figures = await { syncline, 'pg-boss': pgBoss, 'graphile-worker': graphileWorker }[input.side]();
answer(figures);
await pool.end();

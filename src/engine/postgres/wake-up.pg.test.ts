import { afterAll, beforeAll, expect, it } from 'vitest';
import { query, startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { systemRandom } from '../../platform/random.ts';
import { systemTimers } from '../../platform/timers.ts';
import { Postgres } from '../../storage/postgres/postgres.ts';
import { Wakeup } from '../wakeup.ts';
import { PostgresWakeUp } from './wake-up.ts';

let cluster: TestPostgres;
beforeAll(async () => {
  cluster = await startPostgres();
});
afterAll(() => cluster.remove());

/** Longer than a test may take: what waits so long has failed. */
const LONG_MS = 1_000_000;

it('wakes the loops of other processes, also after its connection was lost', async () => {
  const url = await cluster.createDatabase();
  const stop = new AbortController();
  const processes = [0, 1].map(() => {
    const postgres = new Postgres({ url, timers: systemTimers, random: systemRandom, max_connections: 2 });
    const wakeup = new Wakeup();
    const options = { postgres, url, timers: systemTimers, wakeup, schema: 'with "quotes"', retry_ms: 10 };
    return { postgres, wakeup, wake_up: new PostgresWakeUp(options) };
  });
  const [writer, sleeper] = processes;
  const runs = processes.map(({ wake_up }) => wake_up.run(stop.signal));
  const wakes = (): Promise<string> => sleeper!.wakeup.wait(LONG_MS, systemTimers, stop.signal);
  // Connected: something may have been missed before.
  await wakes();
  writer!.wake_up.announce();
  await wakes();
  await query(
    url,
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'syncline listener'`,
  );
  // Connected anew.
  await wakes();
  for (let i = 0; i < 100; i++) writer!.wake_up.announce();
  expect(await wakes()).toBe('all');
  stop.abort();
  await Promise.all(runs);
  for (const { postgres } of processes) await postgres.close();
});

it('loses nothing but the hint while PostgreSQL does not answer', async () => {
  const url = await cluster.createDatabase();
  const postgres = new Postgres({ url, timers: systemTimers, random: systemRandom });
  const wakeup = new Wakeup();
  const wake_up = new PostgresWakeUp({ postgres, url, timers: systemTimers, wakeup, retry_ms: 10 });
  const stop = new AbortController();
  await cluster.stop();
  const run = wake_up.run(stop.signal);
  wake_up.announce();
  // Its own loop hears of it at once.
  await wakeup.wait(LONG_MS, systemTimers, stop.signal);
  await cluster.start();
  await wakeup.wait(LONG_MS, systemTimers, stop.signal);
  stop.abort();
  await run;
  await postgres.close();
});

import { afterAll, beforeAll } from 'vitest';
import { query, startPostgres, type TestPostgres } from '../../../../test/support/postgres.ts';
import { seededRandom } from '../../../platform/random.ts';
import { systemTimers } from '../../../platform/timers.ts';
import { sessionStoreContract } from '../session-store.contract.ts';
import { PostgresSessionStore } from './postgres-session-store.ts';

let cluster: TestPostgres;
/** Databases that a test has emptied: a new one takes longer. */
const free: string[] = [];
beforeAll(async () => {
  cluster = await startPostgres();
});
afterAll(() => cluster.remove());

async function empty(url: string): Promise<void> {
  const tables = ['session', 'segment', 'message', 'tool_call', 'git_link', 'text_block', 'tombstone'];
  await query(url, tables.map((table) => `DELETE FROM syncline_sessions.${table}`).join(';'));
  free.push(url);
}

sessionStoreContract('PostgreSQL', async ({ clock, links }) => {
  const url = free.pop() ?? (await cluster.createDatabase());
  const open = (): Promise<PostgresSessionStore> =>
    PostgresSessionStore.open({
      url,
      clock,
      links,
      timers: systemTimers,
      random: seededRandom(1),
      max_connections: 4,
    });
  const store = await open();
  return {
    store,
    another: open,
    // Freed space and WAL keep bytes for a while; see `scrub`.
    holds: async () => null,
    close: async () => {
      await store.close();
      await empty(url);
    },
  };
});

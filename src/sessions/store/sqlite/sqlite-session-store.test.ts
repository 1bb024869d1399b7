import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sessionStoreContract } from '../session-store.contract.ts';
import { SqliteSessionStore } from './sqlite-session-store.ts';

sessionStoreContract('SQLite', async ({ clock, links }) => {
  const folder = mkdtempSync(join(tmpdir(), 'sessions-store-'));
  const open = (): SqliteSessionStore => new SqliteSessionStore(join(folder, 'sessions-store.db'), { clock, links });
  const store = open();
  return {
    store,
    another: async () => open(),
    holds: async (text) => readdirSync(folder).some((file) => readFileSync(join(folder, file)).includes(text)),
    close: async () => {
      await store.close();
      rmSync(folder, { recursive: true });
    },
  };
});

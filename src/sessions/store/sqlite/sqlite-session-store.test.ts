import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { scratchDirectory } from '../../../../test/support/scratch-directory.ts';
import { sessionStoreContract } from '../session-store.contract.ts';
import { SqliteSessionStore } from './sqlite-session-store.ts';

sessionStoreContract('SQLite', async ({ clock, links }) => {
  const { path: folder, remove } = scratchDirectory();
  const open = (): SqliteSessionStore => new SqliteSessionStore(join(folder, 'sessions-store.db'), { clock, links });
  const store = open();
  return {
    store,
    another: async () => open(),
    holds: async (text) => readdirSync(folder).some((file) => readFileSync(join(folder, file)).includes(text)),
    close: async () => {
      await store.close();
      remove();
    },
  };
});

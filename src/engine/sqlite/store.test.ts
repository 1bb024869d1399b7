import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Database } from '../../storage/sqlite/database.ts';
import { seededRandom } from '../../platform/random.ts';
import { FaultyDatabase } from '../../../test/support/faulty-database.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import type { OpenStore, StoreUnderTest } from '../contract/store-under-test.ts';
import { NOW } from '../contract/scene.ts';
import { engineContract } from '../engine.contract.ts';
import type { EngineStore } from '../store.ts';
import { openSqliteStore } from './store.ts';

const clock = { now_ms: () => NOW, monotonic_ms: () => 0 };

const openSqlite: OpenStore = async (options = {}) => {
  const { path: directory, remove } = scratchDirectory();
  const random = seededRandom(1);
  let db: FaultyDatabase;
  const open = (): EngineStore => {
    db = new FaultyDatabase(join(directory, 'engine.db'));
    return openSqliteStore(db, { clock, random, cap_bytes: options.cap_bytes ?? 2 ** 30 });
  };
  const sut: { -readonly [K in keyof StoreUnderTest]: StoreUnderTest[K] } = {
    store: open(),
    reopen: async () => {
      db.close();
      return (sut.store = open());
    },
    crashAt: (statement, side) => db.crashAt(statement, side),
    dump: async () => dump(db),
    holds: async (text) =>
      readdirSync(directory).some((file) => readFileSync(join(directory, file)).includes(Buffer.from(text))),
    close: async () => {
      db.close();
      remove();
    },
  };
  return sut;
};

function dump(db: Database): Record<string, unknown[]> {
  const tables = db.all<{ name: string }>(`SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name`);
  return Object.fromEntries(tables.map(({ name }) => [name, db.all(`SELECT * FROM ${name} ORDER BY 1, 2`)]));
}

engineContract('SQLite', openSqlite);

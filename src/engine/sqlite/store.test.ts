import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Database } from '../../storage/sqlite/database.ts';
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
    flowSql: (sql) => sql,
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

test('erase says so when a reader still holds the pages as they were, and succeeds once it has ended', async () => {
  const { path, remove } = scratchDirectory();
  const db = new Database(join(path, 'engine.db'), { busy_timeout_ms: 0 });
  const store = openSqliteStore(db, { clock, random: seededRandom(1), cap_bytes: 2 ** 30 });
  const { partition_id } = await store.openPartition({ stream: 'telemetry', name: 'a', header: {} });
  const { source_id } = await store.openSource('telemetry', 'file', NOW);
  const entry = { partition_id, cursor: '1', subject: 'session-1', observed_ms: NOW, payload: 'private text' };
  await store.append({ source_id, entries: [entry], checkpoint: null, now_ms: NOW });
  const reader = new Database(db.path, { read_only: true });
  const erased = reader.snapshot(() => {
    expect(reader.value('SELECT payload FROM entry')).toBe('private text');
    return store.erase('session-1', NOW);
  });
  await expect(erased).rejects.toMatchObject({ code: 'storage.readers' });
  expect((await store.read(partition_id, 1, 1))[0]?.payload).toBeNull();
  reader.close();
  await store.erase('session-1', NOW);
  const bytes = readdirSync(path).map((file) => readFileSync(join(path, file)).toString('latin1'));
  expect(bytes.join('')).not.toContain('private text');
  await store.close();
  remove();
});

test('opening the file releases what a dead process had claimed, whatever its lease says', async () => {
  const { path, remove } = scratchDirectory();
  const open = (): EngineStore =>
    openSqliteStore(new Database(join(path, 'engine.db')), { clock, random: seededRandom(1), cap_bytes: 2 ** 30 });
  const before = open();
  const { partition_id } = await before.openPartition({ stream: 's', name: 'p', header: {}, delivery: 'keyed' });
  const spec = { destination_id: 'd', stream: 's', delivery: 'keyed', required: true, start: 'earliest' } as const;
  await before.configureDestination(spec, NOW);
  await before.keyed.decide('d', () => true);
  await before.keyed.touch([{ partition_id, key: 'a' }], NOW);
  const claim = { destination_id: 'd', limit: 1, lease_ms: 10 ** 9, now_ms: NOW };
  const [stale] = await before.keyed.claim({ ...claim, owner: 'dead' });
  await before.close();
  const after = open();
  const [task] = await after.keyed.claim({ ...claim, owner: 'new' });
  expect(task).toMatchObject({ key: 'a', attempts: 0 });
  expect(task!.fence).toBeGreaterThan(stale!.fence);
  await after.close();
  remove();
});

test('verify names what is broken and where', async () => {
  const db = new Database(':memory:');
  const store = openSqliteStore(db, { clock, random: seededRandom(1), cap_bytes: 2 ** 30 });
  const { partition_id } = await store.openPartition({ stream: 'telemetry', name: 'a', header: {} });
  const { source_id } = await store.openSource('telemetry', 'file', NOW);
  await store.configureDestination(
    { destination_id: 'd', stream: 'telemetry', required: true, start: 'earliest' },
    NOW,
  );
  const entries = [1, 2, 3].map((n) => ({
    partition_id,
    cursor: String(n),
    subject: null,
    observed_ms: NOW,
    payload: 'x',
  }));
  await store.append({ source_id, entries, checkpoint: null, now_ms: NOW });
  await store.backlog('d', () => true);
  expect(await store.verify()).toEqual([]);
  db.run('DELETE FROM entry WHERE offset = 2');
  db.run('UPDATE progress SET acked_offset = 2');
  expect(await store.verify()).toEqual([
    'offsets of a partition are not dense (P10): a',
    'the bytes of a partition are not the sum of its entries: a',
    'acked does not follow the lowest open batch (I2): d 1',
    'progress is outside its partition: d a',
  ]);
  await store.close();
});

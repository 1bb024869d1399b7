import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startPostgres, type TestPostgres } from '../../../test/support/postgres.ts';
import { accountMapping, recordsDatabase, type RecordsDatabase } from '../../../test/support/records-database.ts';
import { systemTimers } from '../../platform/timers.ts';
import { listenToChannel } from '../../storage/postgres/notifications.ts';
import { OUTBOX_CHANNEL } from './setup-sql.ts';
import { OutboxReader, type MappedTables, type OutboxPage } from './outbox-reader.ts';
import { oursFlag, SETUP_DEFAULTS } from './setup-sql.ts';
import { applySetup } from './setup.ts';

let cluster: TestPostgres;
const opened: RecordsDatabase[] = [];
beforeAll(async () => {
  cluster = await startPostgres();
});
afterAll(async () => {
  for (const database of opened) await database.close();
  await cluster.remove();
});

const mapping = accountMapping([{ postgres: 'name' }, { postgres: 'balance', kind: 'integer' }], {
  salesforce: { case_sensitive: false },
});
const tables: MappedTables = new Map([['accounts', { mapping, types: new Map([['balance', 'text']]) }]]);

async function ready(): Promise<RecordsDatabase & { reader: OutboxReader }> {
  const database = await recordsDatabase(
    cluster,
    `CREATE SCHEMA crm; CREATE TABLE crm.accounts (external_id text UNIQUE, name text, balance text)`,
  );
  opened.push(database);
  await applySetup(database.postgres, [mapping], SETUP_DEFAULTS);
  return { ...database, reader: new OutboxReader(database.postgres, 'syncline') };
}

const insert = (key: string): string => `INSERT INTO crm.accounts (external_id) VALUES ('${key}')`;
const keys = ({ changes }: OutboxPage): string[] => changes.map(({ key }) => key);

describe('rule 3', () => {
  it('waits for a lower position that is committed later', async () => {
    const database = await ready();
    const slow = await database.connect();
    await slow.query(`BEGIN; ${insert('first')}`);
    await database.run(insert('second'));
    const before = await database.reader.read(tables, null);
    expect(keys(before)).toEqual([]);
    expect(before.hole).toEqual({ positions: 1, age_ms: 0 });
    // However often it looks: the writer still runs.
    expect(keys(await database.reader.read(tables, before.checkpoint))).toEqual([]);
    await slow.query('COMMIT');
    const after = await database.reader.read(tables, before.checkpoint);
    expect(keys(after)).toEqual(['first', 'second']);
    expect(after).toMatchObject({ checkpoint: '2', more: false, hole: null });
  });

  it('waits also when the writer has the newest id of all, which is the snapshot’s xmax itself', async () => {
    const database = await ready();
    const [early, late] = [await database.connect(), await database.connect()];
    // The id that is lower takes the position that is higher, and no id after the late writer’s has ended.
    await early.query(`BEGIN; SELECT pg_current_xact_id()`);
    await late.query(`BEGIN; ${insert('late')}`);
    await early.query(`${insert('early')}; COMMIT`);
    for (let i = 0; i < 3; i++) expect(keys(await database.reader.read(tables, null))).toEqual([]);
    await late.query('COMMIT');
    expect(keys(await database.reader.read(tables, null))).toEqual(['late', 'early']);
  });

  it('passes what was rolled back, once nobody can fill it', async () => {
    const database = await ready();
    const failed = await database.connect();
    await failed.query(`BEGIN; ${insert('never')}; ${insert('nor this')}`);
    await database.run(insert('second'));
    expect(keys(await database.reader.read(tables, null))).toEqual([]);
    await failed.query('ROLLBACK');
    const page = await database.reader.read(tables, null);
    expect(keys(page)).toEqual(['second']);
    expect(page.checkpoint).toBe('3');
  });

  it('is delayed, never misled, by a long transaction that has nothing to do with it', async () => {
    const database = await ready();
    await database.run('CREATE TABLE crm.others (x int)');
    const [unrelated, failed] = [await database.connect(), await database.connect()];
    await unrelated.query('BEGIN; INSERT INTO crm.others VALUES (1)');
    await database.run(insert('before the hole'));
    await failed.query(`BEGIN; ${insert('never')}; ROLLBACK`);
    await database.run(insert('after the hole'));
    const first = await database.reader.read(tables, null);
    expect(keys(first)).toEqual(['before the hole']);
    const blocked = await database.reader.read(tables, first.checkpoint);
    expect(keys(blocked)).toEqual([]);
    expect(blocked.hole?.positions).toBe(1);
    expect((await database.reader.oldestHole(first.checkpoint))?.age_ms).toBeGreaterThan(0);
    await unrelated.query('COMMIT');
    expect(keys(await database.reader.read(tables, blocked.checkpoint))).toEqual(['after the hole']);
    expect(await database.reader.oldestHole('3')).toBeNull();
  });

  it('does not wait for transactions that only read', async () => {
    const database = await ready();
    const [reading, failed] = [await database.connect(), await database.connect()];
    await reading.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM crm.accounts');
    await failed.query(`BEGIN; ${insert('never')}; ROLLBACK`);
    await database.run(insert('second'));
    expect(keys(await database.reader.read(tables, null))).toEqual([]);
    expect(keys(await database.reader.read(tables, null))).toEqual(['second']);
    await reading.query('COMMIT');
  });

  it('goes on with a hole that was noted before a restart, and forgets it with the trim', async () => {
    const database = await ready();
    const failed = await database.connect();
    await failed.query(`BEGIN; ${insert('never')}; ROLLBACK`);
    await database.run(insert('second'));
    await database.reader.read(tables, null);
    const [{ proven_by, seen_at } = {}] = await database.run('SELECT * FROM syncline.hole');
    const restarted = new OutboxReader(database.postgres, 'syncline');
    expect(keys(await restarted.read(tables, null))).toEqual(['second']);
    expect(await database.run('SELECT * FROM syncline.hole')).toMatchObject([{ proven_by, seen_at }]);
    expect(await restarted.trim('2', 1)).toEqual({ removed: 0, more: false });
    expect(await restarted.trim('2', 4_102_444_800_000)).toEqual({ removed: 1, more: false });
    expect(await database.run('SELECT * FROM syncline.hole')).toEqual([]);
  });

  it('does not believe a note that a dump brought from another cluster', async () => {
    const database = await ready();
    const failed = await database.connect();
    await failed.query(`BEGIN; ${insert('never')}; ROLLBACK`);
    await database.run(insert('second'));
    await database.run(`INSERT INTO syncline.hole VALUES (1, 9, '99999999')`);
    expect(keys(await database.reader.read(tables, null))).toEqual([]);
    expect(keys(await database.reader.read(tables, null))).toEqual(['second']);
  });

  it('loses and repeats nothing while many write, roll back and wait', async () => {
    const database = await ready();
    const writers = await Promise.all(Array.from({ length: 6 }, () => database.connect()));
    const committed: string[] = [];
    let next = 0;
    const write = async (client: (typeof writers)[number], seed: number): Promise<void> => {
      for (let i = 0; i < 40; i++) {
        const mine = Array.from({ length: 1 + ((i * seed) % 3) }, () => `k${next++}`);
        await client.query('BEGIN');
        for (const key of mine) {
          await client.query(insert(key));
          if ((i + seed) % 4 === 0) await client.query('SELECT pg_sleep(0.002)');
        }
        const keep = (i * 7 + seed) % 5 !== 0;
        await client.query(keep ? 'COMMIT' : 'ROLLBACK');
        if (keep) committed.push(...mine);
      }
    };
    let running = true;
    const seen: OutboxPage['changes'][number][] = [];
    let checkpoint: string | null = null;
    const readAll = async (): Promise<void> => {
      for (let quiet = 0; quiet < 3;) {
        const page: OutboxPage = await database.reader.read(tables, checkpoint, 17);
        checkpoint = page.checkpoint;
        seen.push(...page.changes);
        quiet = running || page.changes.length > 0 ? 0 : quiet + 1;
      }
    };
    const reading = readAll();
    await Promise.all(writers.map((client, i) => write(client, i + 1)));
    running = false;
    await reading;
    expect(seen.map(({ key }) => key).sort()).toEqual(committed.sort());
    expect(new Set(seen.map(({ cursor }) => cursor)).size).toBe(seen.length);
  });
});

describe('a crash of PostgreSQL', () => {
  it('skips positions, and the reader goes on without a loss', async () => {
    const own = await startPostgres();
    const database = await recordsDatabase(
      own,
      `CREATE SCHEMA crm; CREATE TABLE crm.accounts (external_id text, name text, balance text)`,
    );
    await applySetup(database.postgres, [mapping], SETUP_DEFAULTS);
    const reader = new OutboxReader(database.postgres, 'syncline');
    await database.run(insert('before'));
    const writer = await database.connect();
    await writer.query(`BEGIN; ${insert('never')}`);
    await own.stop('immediate');
    await own.start();
    const again = await database.connect();
    await again.query(insert('after'));
    const first = await reader.read(tables, null);
    const second = await reader.read(tables, first.checkpoint);
    expect([...keys(first), ...keys(second)]).toEqual(['before', 'after']);
    await again.end();
    await database.postgres.close();
    await own.remove();
  });
});

describe('a page', () => {
  it('tells changes by key with who, when, session and whether they are ours', async () => {
    const database = await ready();
    await database.run(`SET syncline.session TO 's1'; INSERT INTO crm.accounts VALUES ('Abc', 'Ada', '7')`);
    await database.run(`UPDATE crm.accounts SET name = ''`);
    await database.run(
      `BEGIN; SELECT set_config('syncline.ours', '${oursFlag('accounts', 'update')}', true); UPDATE crm.accounts SET balance = '8'; COMMIT`,
    );
    await database.run(`DELETE FROM crm.accounts`);
    const { changes } = await database.reader.read(tables, null);
    const common = { side: 'postgres', salesforce_id: null, session: 's1', actor: 'postgres' };
    expect(changes.map(({ key, cursor }) => [key, cursor])).toEqual([
      ['abc', '1'],
      ['abc', '2'],
      ['abc', '3'],
      ['abc', '4'],
    ]);
    expect(changes.map(({ change }) => change)).toMatchObject([
      { ...common, operation: 'changed', whole: true, ours: false, fields: { name: 'Ada', balance: '7' } },
      { operation: 'changed', whole: false, ours: false, fields: { name: null } },
      { operation: 'changed', whole: false, ours: true, fields: { balance: '8' } },
      { operation: 'deleted', whole: false, ours: false, fields: {} },
    ]);
    const [{ at_ms } = {}] = await database.run('SELECT extract(epoch FROM now())::float8 * 1000 AS at_ms');
    for (const { change } of changes) expect(Math.abs((change.committed_ms ?? 0) - Number(at_ms))).toBeLessThan(60_000);
  });

  it('makes of a changed key the end of the old one and a fetch of the new, but not of another spelling of the same', async () => {
    const database = await ready();
    await database.run(insert('A'));
    await database.run(`UPDATE crm.accounts SET external_id = 'a', name = 'x'`);
    await database.run(`UPDATE crm.accounts SET external_id = 'B', name = 'y'`);
    await database.run(`UPDATE crm.accounts SET external_id = NULL`);
    await database.run(`UPDATE crm.accounts SET external_id = 'C'`);
    const { changes, problems } = await database.reader.read(tables, null);
    expect(changes.slice(1).map(({ key, change }) => [change.operation, key, change.fields])).toEqual([
      ['changed', 'a', { name: 'x' }],
      ['deleted', 'a', {}],
      ['touched', 'b', {}],
      ['deleted', 'b', {}],
      ['touched', 'c', {}],
    ]);
    expect(problems).toMatchObject([{ object: 'accounts', key: null, pos: 4, problems: [{ code: 'no_key' }] }]);
    expect(new Set(changes.map(({ cursor }) => cursor)).size).toBe(changes.length);
  });

  it('names a bad value without it, and goes on after it; what no mapping has any more is counted', async () => {
    const database = await ready();
    await database.run(`INSERT INTO crm.accounts VALUES ('A', 'Ada', 'secret words')`);
    await database.run(`INSERT INTO crm.accounts VALUES ('B', 'Bea', '8')`);
    const page = await database.reader.read(tables, null);
    expect(page.changes.map(({ key, change }) => [key, change.whole, change.fields])).toEqual([
      ['a', false, { name: 'Ada' }],
      ['b', true, { name: 'Bea', balance: '8' }],
    ]);
    expect(page.problems).toMatchObject([{ object: 'accounts', key: 'a', pos: 1, problems: [{ field: 'balance' }] }]);
    expect(JSON.stringify(page.problems)).not.toContain('secret');
    expect(await database.reader.read(new Map(), null)).toMatchObject({ changes: [], unmapped: 2, checkpoint: '2' });
  });

  it('tells a TRUNCATE once for its object and goes on', async () => {
    const database = await ready();
    await database.run(insert('A'));
    await database.run('TRUNCATE crm.accounts');
    await database.run('TRUNCATE crm.accounts');
    await database.run(insert('B'));
    const page = await database.reader.read(tables, null);
    expect(keys(page)).toEqual(['a', 'b']);
    expect(page.notices).toMatchObject([{ object: 'accounts', kind: 'truncated', pos: 3 }]);
  });

  it('stays small whatever the rows hold: what is too large to tell is told as changed', async () => {
    const database = await ready();
    await database.run(`INSERT INTO crm.accounts SELECT 'k' || n, repeat('x', 300000) FROM generate_series(1, 20) n`);
    await database.run(`INSERT INTO crm.accounts VALUES ('large', repeat('ä', 3000000)), ('last', NULL)`);
    const pages: OutboxPage[] = [];
    let checkpoint: string | null = null;
    do {
      const page: OutboxPage = await database.reader.read(tables, checkpoint);
      pages.push(page);
      ({ checkpoint } = page);
    } while (pages.at(-1)?.more === true);
    expect(pages.length).toBeGreaterThan(2);
    for (const page of pages) expect(JSON.stringify(page.changes).length).toBeLessThan(3.5 * 1024 * 1024);
    const changes = pages.flatMap((page) => page.changes);
    expect(changes).toHaveLength(22);
    expect(changes.at(-2)).toMatchObject({ key: 'large', change: { operation: 'touched', fields: {} } });
  });

  it('holds at most the limit, and says whether more is there', async () => {
    const database = await ready();
    await database.run(`INSERT INTO crm.accounts SELECT 'k' || n FROM generate_series(1, 5) n`);
    const first = await database.reader.read(tables, null, 3);
    expect(first).toMatchObject({ checkpoint: '3', more: true });
    expect(await database.reader.read(tables, first.checkpoint, 3)).toMatchObject({ checkpoint: '5', more: false });
    expect(await database.reader.backlog('3')).toMatchObject({ waiting: 2 });
    expect(await database.reader.position()).toBe('5');
  });
});

describe('the listener', () => {
  it('wakes for what others wrote, not for ours, and again after its connection was cut', async () => {
    const database = await ready();
    const stop = new AbortController();
    let hints = 0;
    let told: () => void = () => undefined;
    const next = (): Promise<void> => new Promise((resolve) => (told = resolve));
    let waiting = next();
    const listening = listenToChannel(
      {
        channel: OUTBOX_CHANNEL,
        url: database.url,
        timers: systemTimers,
        retry_ms: 1,
        onHint: () => (hints++, told()),
      },
      stop.signal,
    );
    await waiting;
    waiting = next();
    await database.run(
      `BEGIN; SELECT set_config('syncline.ours', '${oursFlag('accounts', 'insert')}', true); ${insert('ours')}; COMMIT`,
    );
    await database.run(`BEGIN; ${insert('A')}; ${insert('B')}; COMMIT`);
    await waiting;
    expect(hints).toBe(2);
    waiting = next();
    await database.run(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'syncline listener' AND datname = current_database()`,
    );
    await waiting;
    waiting = next();
    await database.run(insert('C'));
    await waiting;
    stop.abort();
    await listening;
  });
});

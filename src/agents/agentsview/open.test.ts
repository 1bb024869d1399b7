import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentsviewWriter, writeConversation } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { readSession } from './messages.ts';
import { openAgentsview, type AgentsviewDatabase } from './open.ts';
import { planRound } from './round.ts';
import { allSessions } from './sessions.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
beforeEach(() => {
  scratch = scratchDirectory();
  path = join(scratch.path, 'sessions.db');
});
afterEach(() => scratch.remove());

/** Everything a round does. */
function readAll(database: AgentsviewDatabase): string[] {
  planRound(database, null, 0);
  const ids = [...allSessions(database)].map(({ id }) => id);
  for (const id of ids) readSession(database, id, () => undefined);
  return ids;
}

function filled(file = path): void {
  using writer = new AgentsviewWriter(file);
  writeConversation(writer, '0.41');
}

/** The program's effective user for the moment, since root passes over all rights. */
function asOrdinaryUser<T>(work: () => T): T {
  if (process.geteuid?.() !== 0) return work();
  process.seteuid?.(65_534);
  try {
    return work();
  } finally {
    process.seteuid?.(0);
  }
}

const code = (expected: string): Error => expect.objectContaining({ code: expected }) as Error;
const open = (file = path): AgentsviewDatabase => openAgentsview(file, { busy_timeout_ms: 20 });
const tryRead = (file = path): string[] => {
  using database = open(file);
  return readAll(database);
};

describe('A2: read-only, always', () => {
  const trace = (): string[] =>
    readdirSync(scratch.path)
      .filter((name) => !name.endsWith('-shm'))
      .map((name) => {
        const file = join(scratch.path, name);
        const sum = createHash('sha256').update(readFileSync(file)).digest('hex');
        return `${name} ${sum} ${statSync(file, { bigint: true }).mtimeNs}`;
      });

  it('leaves every byte and time of the database and its WAL, and the WAL is not checkpointed at the end', () => {
    using writer = new AgentsviewWriter(path);
    writeConversation(writer, '0.41');
    const before = trace();
    expect(before).toHaveLength(2);
    expect(statSync(`${path}-wal`).size).toBeGreaterThan(0);
    expect(tryRead()).toEqual(['S1']);
    expect(trace()).toEqual(before);
  });

  it('leaves beside an unused database only what every reader leaves: an empty WAL and its index', () => {
    filled();
    const bytes = readFileSync(path);
    const { mtimeNs } = statSync(path, { bigint: true });
    expect(readdirSync(scratch.path)).toEqual(['sessions.db']);
    tryRead();
    expect(readFileSync(path).equals(bytes)).toBe(true);
    expect(statSync(path, { bigint: true }).mtimeNs).toBe(mtimeNs);
    expect(statSync(`${path}-wal`).size).toBe(0);
    using writer = new AgentsviewWriter(path, null);
    writer.message('S1', 9);
    writer.close();
    expect(readdirSync(scratch.path)).toEqual(['sessions.db']);
  });

  it('leaves nothing at all beside a database that is not in WAL mode', () => {
    filled();
    using writer = new AgentsviewWriter(path, null);
    writer.database.exec('PRAGMA journal_mode=DELETE');
    writer.close();
    expect(tryRead()).toEqual(['S1']);
    expect(readdirSync(scratch.path)).toEqual(['sessions.db']);
  });

  it('cannot write: not a row, not a pragma, not a checkpoint', () => {
    using writer = new AgentsviewWriter(path);
    writeConversation(writer, '0.41');
    const wal = statSync(`${path}-wal`).size;
    using database = open();
    for (const sql of [
      "INSERT INTO sessions (id) VALUES ('x')",
      'PRAGMA user_version=1',
      'CREATE TABLE t (x)',
      'VACUUM',
    ])
      expect(() => database.read((rows) => rows.get(sql)), sql).toThrow();
    expect(() => database.read((rows) => rows.get('PRAGMA wal_checkpoint(TRUNCATE)'))).toThrow();
    expect(statSync(`${path}-wal`).size).toBe(wal);
    expect(readAll(database)).toEqual(['S1']);
  });

  it('takes ?, # and % in a path as part of its name', () => {
    const folder = join(scratch.path, 'a?mode=rwc#b%20c');
    mkdirSync(folder);
    filled(join(folder, 'sessions.db'));
    expect(tryRead(join(folder, 'sessions.db'))).toEqual(['S1']);
  });

  it('never makes a file where none is', () => {
    expect(() => open()).toThrow(code('agentsview.missing'));
    expect(() => open(join(scratch.path, 'no', 'sessions.db'))).toThrow(code('agentsview.missing'));
    expect(() => open(scratch.path)).toThrow(code('agentsview.missing'));
    expect(readdirSync(scratch.path)).toEqual([]);
  });

  it('reads from a folder that it may not write while agentsview runs, and says what it needs while it does not', () => {
    chmodSync(scratch.path, 0o555);
    using writer = new AgentsviewWriter(path);
    writeConversation(writer, '0.41');
    chmodSync(path, 0o444);
    expect(asOrdinaryUser(() => tryRead())).toEqual(['S1']);
    writer.close();
    expect(readdirSync(scratch.path)).toEqual(['sessions.db']);
    expect(() => asOrdinaryUser(() => tryRead())).toThrow(code('agentsview.unreadable'));
    chmodSync(path, 0o000);
    expect(() => asOrdinaryUser(() => tryRead())).toThrow(code('agentsview.unreadable'));
    expect(readdirSync(scratch.path)).toEqual(['sessions.db']);
    chmodSync(scratch.path, 0o755);
  });
});

describe('files that cannot be read', () => {
  it('held exclusively: locked, and read again once it is free', () => {
    filled();
    using holder = new AgentsviewWriter(path, null);
    holder.database.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN IMMEDIATE; COMMIT;');
    holder.run("UPDATE sessions SET project = 'x'");
    expect(() => tryRead()).toThrow(code('agentsview.locked'));
    holder.close();
    expect(tryRead()).toEqual(['S1']);
  });

  it.each([
    ['garbage', (file: string) => writeFileSync(file, 'this is no database '.repeat(500))],
    ['cut in a page', (file: string) => truncateSync(file, statSync(file).size - 5_000)],
    ['cut in the header', (file: string) => truncateSync(file, 60)],
    ['overwritten inside', (file: string) => writeFileSync(file, readFileSync(file).fill(0x5a, 4096, 60_000))],
  ])('%s: damaged, without its path in the message', (_name, damage) => {
    filled();
    damage(path);
    expect(() => tryRead()).toThrow(code('agentsview.damaged'));
    expect(() => tryRead()).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining(path) as string }) as Error,
    );
  });

  it('just created or of another program: unsupported, naming what is missing', () => {
    writeFileSync(path, '');
    expect(() => open()).toThrow(
      expect.objectContaining({ code: 'agentsview.unsupported', field: 'sessions' }) as Error,
    );
    const other = new DatabaseSync(path);
    other.exec(
      'CREATE TABLE sessions (id TEXT PRIMARY KEY); CREATE TABLE messages (id INTEGER PRIMARY KEY, role TEXT)',
    );
    other.close();
    expect(() => open()).toThrow(/no column session_id, ordinal, content of table messages/);
  });

  it('left by a killed writer: what it committed is read from the WAL', () => {
    using writer = new AgentsviewWriter(path);
    writeConversation(writer, '0.41');
    const left = join(scratch.path, 'left.db');
    copyFileSync(path, left);
    copyFileSync(`${path}-wal`, `${left}-wal`);
    expect(tryRead(left)).toEqual(['S1']);
  });

  it('gone for the moment of a swap: missing, also while it is open', () => {
    filled();
    using database = open();
    renameSync(path, `${path}.aside`);
    expect(() => database.isCurrent()).toThrow(code('agentsview.missing'));
    expect(() => readAll(database)).toThrow(code('agentsview.missing'));
  });

  it('migrated away under an open handle: schema_changed', () => {
    filled();
    using database = open();
    using writer = new AgentsviewWriter(path, null);
    writer.run('ALTER TABLE sessions DROP COLUMN entrypoint');
    expect(() => readAll(database)).toThrow(code('agentsview.schema_changed'));
    expect(tryRead()).toEqual(['S1']);
  });
});

describe('A3: a replaced file', () => {
  const swap = (): void => {
    const rebuilt = `${path}-resync`;
    using writer = new AgentsviewWriter(rebuilt);
    writer.session('S9');
    writer.run("UPDATE archive_metadata SET value = 'database-two' WHERE key = 'database_id'");
    writer.close();
    renameSync(rebuilt, path);
  };

  it('is noticed before anything is read from the old one (E6)', () => {
    filled();
    using database = open();
    expect(database.isCurrent()).toBe(true);
    swap();
    expect(database.isCurrent()).toBe(false);
    const seen: unknown[] = [];
    expect(() => readSession(database, 'S1', (segment) => seen.push(segment))).toThrow(code('agentsview.replaced'));
    expect(seen).toEqual([]);
    expect(tryRead()).toEqual(['S9']);
  });

  it('is noticed at the end of a transaction that spans the swap', () => {
    filled();
    using database = open();
    expect(() => readSession(database, 'S1', () => swap())).toThrow(code('agentsview.replaced'));
  });

  it('is what is told when SQLite stumbles over it, and does not hide an error of the caller', () => {
    filled();
    using database = open();
    const stumble = (): void =>
      database.read((rows) => {
        swap();
        rows.get('SELECT nothing FROM sessions');
      });
    expect(stumble).toThrow(code('agentsview.replaced'));
    using again = open();
    const own = new Error('changed my mind');
    const fail = (): void =>
      again.read(() => {
        swap();
        throw own;
      });
    expect(fail).toThrow(own);
  });

  it('stops a listing between two pages', () => {
    filled();
    using writer = new AgentsviewWriter(path, null);
    writer.transaction(() => {
      for (let i = 0; i < 1_500; i++) writer.session(`T${i}`);
    });
    writer.close();
    using database = open();
    const listing = allSessions(database);
    listing.next();
    swap();
    expect(() => [...listing]).toThrow(code('agentsview.replaced'));
  });
});

describe('a read transaction (A6)', () => {
  it('sees one state, is not held over an await, and lets go when its work fails', () => {
    using writer = new AgentsviewWriter(path);
    writeConversation(writer, '0.41');
    using database = open();
    const count = (): unknown => database.read((rows) => rows.get('SELECT count(*) AS n FROM messages'));
    database.read((rows) => {
      const sql = 'SELECT count(*) AS n FROM messages';
      const before = rows.get(sql);
      writer.message('S1', 50);
      expect(rows.get(sql)).toEqual(before);
    });
    expect(count()).toEqual({ n: 3n });
    expect(() => database.read(async () => 1)).toThrow(code('invariant'));
    expect(() => database.read(() => count())).toThrow(code('invariant'));
    const own = new Error('changed my mind');
    expect(() =>
      database.read(() => {
        throw own;
      }),
    ).toThrow(own);
    expect(count()).toEqual({ n: 3n });
    // Nothing is pinned: the writer can fold and empty its WAL.
    expect(writer.database.prepare('PRAGMA wal_checkpoint(TRUNCATE)').get()).toMatchObject({ busy: 0 });
    expect(statSync(`${path}-wal`).size).toBe(0);
  });

  it('A4: the data version moves with every foreign commit and with nothing else', () => {
    using writer = new AgentsviewWriter(path);
    using database = open();
    const first = database.dataVersion();
    readAll(database);
    expect(database.dataVersion()).toBe(first);
    writer.session('new');
    expect(database.dataVersion()).not.toBe(first);
  });
});

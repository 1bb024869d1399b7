/** Rounds over agentsview's database: what changed is noticed, what vanished is kept (specification §3.5, R12). */
import { mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AgentsviewWriter, RELEASES, writeConversation } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { CaptureRig, idleTimers, keyOf } from '../../../test/support/session-capture.ts';
import { agentsviewPlaces } from '../../agents/agentsview/index.ts';
import { Database } from '../../storage/sqlite/database.ts';
import { AgentsviewSource } from './agentsview-source.ts';
import type { Absence, SessionSource, SourceMark, SourceRound } from './session-source.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
let writer: AgentsviewWriter;
let rig: CaptureRig;
beforeEach(() => {
  scratch = scratchDirectory();
  mkdirSync(join(scratch.path, 'av'));
  path = join(scratch.path, 'av', 'sessions.db');
  rig = new CaptureRig(scratch.path, [agentsview()]);
});
afterEach(() => {
  vi.restoreAllMocks();
  rig[Symbol.dispose]();
  writer.close();
  scratch.remove();
});

function agentsview(): AgentsviewSource {
  return new AgentsviewSource({
    places: () => agentsviewPlaces({ AGENTSVIEW_DATA_DIR: join(scratch.path, 'av') }),
    timers: idleTimers,
  });
}

const claude = (id: string): string => keyOf('claude', id);
const state = (id: string): string | undefined => rig.sweep.known.find(claude(id))?.state;
const status = (): ReturnType<CaptureRig['sweep']['status']>[0] => rig.sweep.status()[0]!;
const texts = async (id: string): Promise<(string | undefined)[]> =>
  ((await rig.read(claude(id)))?.messages ?? []).map(({ content }) => content);

/** A source of given marks that is always there. */
class FakeSource implements SessionSource {
  readonly name = 'fake';
  readonly label = 'fake';
  readonly #marks: SourceMark[];
  rounds = 0;

  constructor(marks: SourceMark[]) {
    this.#marks = marks;
  }
  exists = (): boolean => true;
  isQuiet = (): boolean => false;
  read = async (): Promise<null> => null;
  watched = (): string[] => [];
  async round(): Promise<SourceRound> {
    this.rounds++;
    const fatesOf = (absent: readonly { native_id: string; archive: string }[]): Absence[] =>
      absent.map((one) => ({ ...one, fate: 'vanished' }));
    return { restarted: false, marks: this.#marks, complete: true, fatesOf, checkpoint: 'c', close: () => undefined };
  }
}

/** A database with these sessions, and a first round over it. */
async function start(release = '0.41', ids: readonly string[] = ['S1', 'S2']): Promise<void> {
  writer = new AgentsviewWriter(path, release);
  writer.transaction(() => {
    const insert = writer.database.prepare("INSERT INTO sessions (id, project) VALUES (?, 'shop')");
    for (const id of ids) insert.run(id);
  });
  for (const id of ids.slice(0, 2)) for (let i = 0; i < 3; i++) writer.message(id, i);
  expect((await rig.look()).kind).toBe('done');
  expect(rig.noticed().sort()).toEqual(ids.map(claude).sort());
}

const manyIds = (count: number, prefix = 'S'): string[] => Array.from({ length: count }, (_, i) => `${prefix}${i}`);

/** As agentsview does with the row whenever it took a transcript in: all but the hash in the releases of E1. */
function moveRow(id: string, size = 1): void {
  const mtime_ns = BigInt(rig.now_ms) * 1_000_000n;
  writer.run(
    'UPDATE sessions SET file_size = coalesce(file_size, 0) + ?, file_mtime = ? WHERE id = ?',
    size,
    mtime_ns,
    id,
  );
  if (hasRevision) writer.run('UPDATE sessions SET transcript_revision = transcript_revision + 1 WHERE id = ?', id);
}
let hasRevision = true;

describe.each(['0.10', '0.14', '0.23', '0.35', '0.37.1', '0.38', '0.41'])('§3.5 on release %s', (release) => {
  beforeEach(async () => {
    hasRevision = RELEASES.indexOf(release) >= RELEASES.indexOf('0.38');
    await start(release);
  });

  it('E1: lines appended with the hash as it was', async () => {
    writer.run("UPDATE sessions SET file_hash = 'same'");
    await rig.look();
    rig.noticed();
    writer.message('S1', 3, { content: 'appended' });
    moveRow('S1');
    await rig.look();
    expect(rig.noticed()).toEqual([claude('S1')]);
    expect((await texts('S1')).at(-1)).toBe('appended');
  });

  it('E2: growth of a session that never has a hash', async () => {
    for (const text of ['one', 'two']) {
      writer.message('S2', text === 'one' ? 3 : 4, { content: text });
      moveRow('S2');
      await rig.look();
      expect(rig.noticed()).toEqual([claude('S2')]);
      expect((await texts('S2')).at(-1)).toBe(text);
    }
  });

  it('E3: a result that arrives after its call was taken in', async () => {
    const id = Number(
      writer.database.prepare("SELECT id FROM messages WHERE session_id = 'S1' AND ordinal = 1").get()!['id'],
    );
    writer.call('S1', id, { tool_use_id: 't1' });
    moveRow('S1');
    await rig.look();
    expect((await rig.read(claude('S1')))!.messages[1]!.tool_calls[0]!.result).toBeNull();
    rig.noticed();
    writer.run("UPDATE tool_calls SET result_content = '[main abc1234] late', result_content_length = 19");
    moveRow('S1');
    await rig.look();
    expect(rig.noticed()).toEqual([claude('S1')]);
    expect((await rig.read(claude('S1')))!.messages[1]!.tool_calls[0]!.result).toBe('[main abc1234] late');
  });

  it('E4: an edit of the first message', async () => {
    writer.run("UPDATE messages SET content = 'edited' WHERE session_id = 'S1' AND ordinal = 0");
    moveRow('S1', 0);
    await rig.look();
    expect(rig.noticed()).toEqual([claude('S1')]);
    expect(await texts('S1')).toEqual(['edited', 'text 1', 'text 2']);
  });

  it('E5: truncated, and renumbered', async () => {
    writer.run("DELETE FROM messages WHERE session_id = 'S1' AND ordinal > 0");
    moveRow('S1', -1);
    await rig.look();
    expect(rig.noticed()).toEqual([claude('S1')]);
    expect(await texts('S1')).toEqual(['text 0']);
    writer.run("UPDATE messages SET ordinal = 7 WHERE session_id = 'S1'");
    moveRow('S1', 0);
    await rig.look();
    expect(rig.noticed()).toEqual([claude('S1')]);
    expect((await rig.read(claude('S1')))!.messages.map(({ ordinal }) => ordinal)).toEqual([7]);
  });

  it('E6: a rebuilt file over the one that is open, with the same rows but other texts', async () => {
    const beside = `${path}-resync`;
    {
      using next = new AgentsviewWriter(beside, release);
      for (const id of ['S1', 'S2']) {
        next.session(id);
        for (let i = 0; i < 3; i++) next.message(id, i, { content: 'parsed anew', content_length: 6 });
      }
    }
    writer.close();
    for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
    renameSync(beside, path);
    writer = new AgentsviewWriter(path, null);
    await rig.look();
    expect(rig.noticed().sort()).toEqual(['S1', 'S2'].map(claude).sort());
    expect(await texts('S1')).toEqual(Array(3).fill('parsed anew'));
    // The file goes on living, and so does the reading of it.
    writer.message('S2', 3, { content: 'after' });
    moveRow('S2');
    await rig.look();
    expect(rig.noticed()).toEqual([claude('S2')]);
    expect(await rig.store.partitions()).toMatchObject([{ name: 'agentsview 1' }, { name: 'agentsview 2' }]);
  });

  it('E8: messages that were deleted, a session that vanished: marked, not deleted', async () => {
    writer.run("DELETE FROM messages WHERE session_id = 'S2'");
    moveRow('S2', -1);
    writer.run("DELETE FROM sessions WHERE id = 'S1'");
    await rig.look();
    expect(rig.noticed().sort()).toEqual(['S1', 'S2'].map(claude).sort());
    expect([state('S1'), state('S2')]).toEqual(['gone', 'present']);
    expect(await rig.read(claude('S1'))).toBeNull();
    expect(await texts('S2')).toEqual([]);
    // It comes back, for instance with the disk that its transcript lies on.
    writer.session('S1');
    await rig.look();
    expect([rig.noticed(), state('S1')]).toEqual([[claude('S1')], 'present']);
  });
});

describe.each(['0.11', '0.23', '0.38', '0.41'])('what a person does in agentsview %s', (release) => {
  beforeEach(() => start(release));

  it('E8: deleted for good is deleted', async () => {
    writer.insert('excluded_sessions', { id: 'S1' });
    writer.run("DELETE FROM sessions WHERE id = 'S1'");
    await rig.look();
    expect([rig.noticed(), state('S1')]).toEqual([[claude('S1')], 'deleted']);
    await rig.look();
    expect(rig.noticed()).toEqual([]);
    expect(status().sessions).toEqual({ present: 1, gone: 0, deleted: 1 });
  });

  it('E9: into the trash and back', async () => {
    writer.run("UPDATE sessions SET deleted_at = '2026-04-01T00:00:00Z' WHERE id = 'S1'");
    rig.now_ms += 600_000;
    await rig.look();
    expect([rig.noticed(), state('S1')]).toEqual([[claude('S1')], 'present']);
    expect((await rig.read(claude('S1')))!.reading.head.presence.kind).toBe('trashed');
    writer.run("UPDATE sessions SET deleted_at = NULL WHERE id = 'S1'");
    rig.now_ms += 600_000;
    await rig.look();
    expect(rig.noticed()).toEqual([claude('S1')]);
    expect((await rig.read(claude('S1')))!.reading.head.presence.kind).toBe('present');
  });

  it('E10: star, unstar, star again; pin, another note, unpin', async () => {
    const star = (): unknown => writer.insert('starred_sessions', { session_id: 'S1' });
    const changes: [() => unknown, starred: boolean, notes: (string | null)[]][] = [
      [star, true, []],
      [() => writer.run('DELETE FROM starred_sessions'), false, []],
      // The mark is the one of two rounds ago.
      [star, true, []],
      [() => writer.insert('pinned_messages', { session_id: 'S1', message_id: 1, ordinal: 0, note: 'a' }), true, ['a']],
      [() => writer.run("UPDATE pinned_messages SET note = 'b'"), true, ['b']],
      [() => writer.run('DELETE FROM pinned_messages'), true, []],
    ];
    for (const [change, starred, notes] of changes) {
      change();
      await rig.look();
      expect(rig.noticed()).toEqual([claude('S1')]);
      const { head } = (await rig.read(claude('S1')))!.reading;
      expect([head.starred_at_ms !== null, head.pins.map(({ note }) => note)]).toEqual([starred, notes]);
    }
  });
});

describe('R12: a vanished session is kept', () => {
  it('the whole archive emptied: nothing is changed, the source is paused and says so, until they are back', async () => {
    await start('0.41', manyIds(50));
    writer.run('CREATE TABLE aside AS SELECT * FROM sessions');
    writer.run('DELETE FROM sessions');
    writer.session('new');
    expect(await rig.look()).toMatchObject({ kind: 'paused', appended: 0 });
    expect([rig.noticed(), state('S1'), rig.sweep.known.find(claude('new'))]).toEqual([[], 'present', null]);
    expect(status()).toMatchObject({ paused: { vanished: 50, known: 50 }, sessions: { present: 50, gone: 0 } });
    expect(status().paused?.reason).toContain('50 of 50 sessions');
    rig.restart([agentsview()]);
    expect((await rig.look()).kind).toBe('paused');

    writer.run('INSERT INTO sessions SELECT * FROM aside');
    expect((await rig.look()).kind).toBe('done');
    expect(status()).toMatchObject({ paused: null, sessions: { present: 51 } });
    // Each of them once more: a delivery that looked meanwhile found nothing.
    expect(new Set(rig.noticed())).toEqual(new Set([...manyIds(50), 'new'].map(claude)));
  });

  it('the operator confirms that they are gone: then they are marked, and none is deleted', async () => {
    await start('0.41', manyIds(50));
    writer.run('DELETE FROM sessions');
    await rig.look();
    expect(rig.sweep.acceptVanished('agentsview')).toBe(true);
    expect(await rig.look()).toMatchObject({ kind: 'done', appended: 50 });
    expect(rig.noticed()).toHaveLength(50);
    expect(status()).toMatchObject({ paused: null, sessions: { present: 0, gone: 50, deleted: 0 } });
    expect(rig.sweep.known.page('', 100, { state: 'gone' })).toHaveLength(50);
    expect(rig.sweep.acceptVanished('agentsview')).toBe(false);
  });

  it.each([
    [100, 10, 'done'],
    [100, 11, 'paused'],
    [20, 4, 'done'],
    [20, 5, 'paused'],
    [5, 4, 'done'],
    [5, 5, 'paused'],
  ])('of %i sessions %i vanish: %s', async (known, vanished, kind) => {
    await start('0.41', manyIds(known));
    writer.run(`DELETE FROM sessions WHERE id IN (SELECT id FROM sessions LIMIT ${vanished})`);
    expect((await rig.look()).kind).toBe(kind);
    expect(status().sessions.gone).toBe(kind === 'done' ? vanished : 0);
  });

  it('what a person deleted does not count: all of it may go at once', async () => {
    await start('0.41', manyIds(20));
    writer.run('INSERT INTO excluded_sessions (id) SELECT id FROM sessions');
    writer.run('DELETE FROM sessions');
    expect((await rig.look()).kind).toBe('done');
    expect(status().sessions).toEqual({ present: 0, gone: 0, deleted: 20 });
  });

  it('the disk not mounted: the source is missing, nothing is changed, and it goes on where it was', async () => {
    await start();
    writer.close();
    renameSync(join(scratch.path, 'av'), join(scratch.path, 'unmounted'));
    expect(await rig.look()).toMatchObject({ kind: 'failed', error: { code: 'agentsview.missing' } });
    expect(status()).toMatchObject({ exists: false, last_error: { code: 'agentsview.missing' } });
    renameSync(join(scratch.path, 'unmounted'), join(scratch.path, 'av'));
    writer = new AgentsviewWriter(path, null);
    writer.message('S1', 3);
    moveRow('S1');
    await rig.look();
    expect([rig.noticed(), status().last_error]).toEqual([[claude('S1')], null]);
  });

  it("another user's archive at the path pauses: the former's sessions are not taken for gone", async () => {
    await start('0.41', manyIds(12));
    writer.run('DELETE FROM sessions');
    for (const id of manyIds(12, 'other')) writer.session(id);
    writer.run("UPDATE archive_metadata SET value = 'archive-two' WHERE key = 'archive_id'");
    expect((await rig.look()).kind).toBe('paused');
    expect(rig.noticed()).toEqual([]);
  });

  it('a file emptied in place, damaged or locked changes nothing', async () => {
    await start();
    writer.database.exec('PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE; UPDATE sessions SET project = project;');
    expect(await rig.look(true)).toMatchObject({ kind: 'failed', error: { code: 'agentsview.locked' } });
    writer.database.exec('ROLLBACK; PRAGMA locking_mode=NORMAL; SELECT 1 FROM sessions;');
    writer.run('DROP TABLE messages');
    expect(await rig.look()).toMatchObject({ kind: 'failed', error: { code: 'agentsview.unsupported' } });
    expect([rig.noticed(), status().sessions.present]).toEqual([[], 2]);
  });
});

describe('a round with nothing new', () => {
  /** What one quiet sweep costs: statements run, on any connection. */
  async function costOf(sessions: number): Promise<number> {
    await start('0.41', manyIds(sessions));
    rig.now_ms += 60_000;
    await rig.look();
    const run = vi.spyOn(Database.prototype, 'prepare');
    const opened = vi.spyOn(DatabaseSync.prototype, 'exec');
    expect((await rig.look()).kind).toBe('quiet');
    const cost = run.mock.calls.length + opened.mock.calls.length;
    vi.restoreAllMocks();
    return cost;
  }

  it('costs the same at 1,000 and at 100,000 sessions: two statements', async () => {
    expect(await costOf(1_000)).toBe(2);
    writer.close();
    rig[Symbol.dispose]();
    scratch.remove();
    scratch = scratchDirectory();
    mkdirSync(join(scratch.path, 'av'));
    path = join(scratch.path, 'av', 'sessions.db');
    rig = new CaptureRig(scratch.path, [agentsview()]);
    expect(await costOf(100_000)).toBe(2);
  }, 60_000);

  it('looks all the same when a watcher hints', async () => {
    await start();
    const before = status().last_round_ms;
    expect((await rig.look(true)).kind).toBe('done');
    expect(status().last_round_ms).toBe(rig.now_ms);
    expect(before).toBeLessThan(rig.now_ms);
    expect(rig.noticed()).toEqual([]);
  });

  it('compares by a number of statements that does not grow with each session', async () => {
    await start('0.41', manyIds(3_000));
    writer.run("UPDATE sessions SET display_name = 'x' WHERE id IN ('S1', 'S2')");
    const run = vi.spyOn(Database.prototype, 'prepare');
    rig.sweep.force();
    await rig.look();
    // An entry is a statement of the engine; what is left is the comparison.
    const own = run.mock.calls.filter(([sql]) => sql.includes('session_'));
    expect(own.length).toBeLessThan(60);
  });
});

describe('steps, kills and turns', () => {
  it('two sweeps at once are one after the other, and notice each change once', async () => {
    writer = new AgentsviewWriter(path);
    for (const id of manyIds(1_200)) writer.session(id);
    const outcomes = await Promise.all([rig.look(true), rig.look(true), rig.look()]);
    expect(outcomes.map(({ appended }) => appended)).toEqual([1_200, 0, 0]);
    expect(new Set(rig.noticed()).size).toBe(1_200);
  });

  it('a round that is cut off in the middle goes on where it was: nothing is lost, nothing noticed twice', async () => {
    writer = new AgentsviewWriter(path);
    for (const id of manyIds(1_700)) writer.session(id);
    const append = rig.store.append.bind(rig.store);
    let steps = 0;
    vi.spyOn(rig.store, 'append').mockImplementation((request) => {
      if (++steps === 3) throw new Error('killed');
      return append(request);
    });
    await expect(rig.look()).rejects.toThrow('killed');
    const before = rig.noticed();
    expect(before).toHaveLength(1_000);
    rig.restart([agentsview()]);
    expect(await rig.look()).toMatchObject({ kind: 'done', appended: 700 });
    expect(new Set([...before, ...rig.noticed()]).size).toBe(1_700);
  });

  it('a rebuilt database whose first round is cut off is compared whole all the same', async () => {
    await start('0.41', manyIds(700));
    writer.run("UPDATE archive_metadata SET value = 'database-two' WHERE key = 'database_id'");
    const append = rig.store.append.bind(rig.store);
    let steps = 0;
    vi.spyOn(rig.store, 'append').mockImplementation((request) => {
      if (++steps === 2) throw new Error('killed');
      return append(request);
    });
    await expect(rig.look()).rejects.toThrow('killed');
    rig.restart([agentsview()]);
    await rig.look();
    expect(new Set(rig.noticed()).size).toBe(700);
    expect((await rig.store.partitions()).map(({ name }) => name)).toEqual(['agentsview 1', 'agentsview 2']);
    await rig.look(true);
    expect(rig.noticed()).toEqual([]);
  });

  it('an aborted sweep stops between steps and keeps no checkpoint', async () => {
    writer = new AgentsviewWriter(path);
    for (const id of manyIds(2_500)) writer.session(id);
    const stop = new AbortController();
    rig.restart([agentsview()], { noticed: () => stop.abort() });
    expect(await rig.sweep.sweep(stop.signal)).toMatchObject({ kind: 'interrupted', appended: 500 });
    expect((await rig.look()).appended).toBe(2_000);
  });

  it('a full journal stops it, and says so; it goes on when there is room', async () => {
    await start();
    writer.message('S1', 3);
    moveRow('S1');
    const { FullError } = await import('../../platform/errors.ts');
    const append = vi.spyOn(rig.store, 'append').mockRejectedValue(new FullError('no room'));
    expect(await rig.look()).toMatchObject({ kind: 'full', error: { code: 'full' } });
    append.mockRestore();
    await rig.look();
    expect(rig.noticed()).toEqual([claude('S1')]);
  });

  it('appends at most 1,000 rows a transaction, and no text at all', async () => {
    writer = new AgentsviewWriter(path);
    for (const id of manyIds(20)) writeConversation(writer, '0.41', id);
    for (const id of manyIds(1_300, 'T')) writer.session(id, { first_message: 'fix the tests', cwd: '/home/ada' });
    const append = vi.spyOn(rig.store, 'append');
    await rig.look();
    for (const [{ entries }] of append.mock.calls) expect(entries.length).toBeLessThanOrEqual(500);
    rig.db.checkpoint();
    const rows = rig.db.all<{ name: string }>("SELECT name FROM sqlite_schema WHERE type = 'table'");
    const all = rows.map(({ name }) => JSON.stringify(rig.db.all(`SELECT * FROM ${name}`))).join('');
    expect(all).toContain('T1299');
    expect(all).not.toMatch(/fix the tests|Green tests|test-fixes|npm test|home\/ada|acme/);
  });
});

describe('comparing everything again', () => {
  beforeEach(() => start());

  it('on request, once, and also when the request comes during a round', async () => {
    rig.sweep.force();
    await rig.look();
    expect(rig.noticed()).toHaveLength(2);
    await rig.look();
    expect(rig.noticed()).toHaveLength(0);

    rig.restart([agentsview()], { noticed: () => rig.sweep.force() });
    rig.sweep.force();
    await rig.look();
    expect(rig.noticed()).toHaveLength(2);
    rig.restart([agentsview()]);
    await rig.look();
    expect(rig.noticed()).toHaveLength(2);
    await rig.look();
    expect(rig.noticed()).toHaveLength(0);
  });

  it('when the program reads in a new way; an older program does not read again', async () => {
    rig.restart([agentsview()], { reading_version: 9 });
    await rig.look();
    expect(rig.noticed()).toHaveLength(2);
    rig.restart([agentsview()], { reading_version: 8 });
    await rig.look();
    expect(rig.noticed()).toHaveLength(0);
  });
});

describe('which source is read', () => {
  let other: FakeSource;
  beforeEach(async () => {
    other = new FakeSource([{ native_id: 'S1', archive: 'claude', mark: 'm', group: '' }]);
    rig.restart([agentsview(), other]);
    await start();
  });
  const remove = (): void => renameSync(join(scratch.path, 'av'), join(scratch.path, 'away'));

  it('the first that exists', async () => {
    expect(rig.sweep.status().map(({ name, chosen }) => [name, chosen])).toEqual([
      ['agentsview', true],
      ['fake', false],
    ]);
    expect(other.rounds).toBe(0);
  });

  it('one that was never there is passed over', async () => {
    writer.close();
    remove();
    rig.db.run("UPDATE session_source SET checkpoint = NULL WHERE name = 'agentsview'");
    expect((await rig.look()).kind).toBe('done');
    expect(other.rounds).toBe(1);
  });

  it('one that was read and is missing keeps its turn for ten minutes; then the next goes on under the same keys', async () => {
    writer.close();
    rig.now_ms += 11 * 60_000;
    await rig.look();
    remove();
    expect((await rig.look()).kind).toBe('failed');
    rig.now_ms += 9 * 60_000;
    expect((await rig.look()).kind).toBe('failed');
    rig.now_ms += 60_000;
    expect((await rig.look()).kind).toBe('done');
    expect(rig.noticed()).toEqual([claude('S1')]);
    expect(rig.sweep.known.find(claude('S1'))).toMatchObject({ source: 'fake', state: 'present' });
    // What only agentsview told of is not missing at the other.
    expect(rig.sweep.known.find(claude('S2'))).toMatchObject({ source: 'agentsview', state: 'present' });
    // Nobody wrote to it meanwhile, and what the other took over is taken back all the same.
    renameSync(join(scratch.path, 'away'), join(scratch.path, 'av'));
    await rig.look();
    expect([rig.noticed(), rig.sweep.known.find(claude('S1'))?.source]).toEqual([[claude('S1')], 'agentsview']);
  });
});

describe('status', () => {
  it('tells the last round, the last change, the totals and what went wrong', async () => {
    await start();
    const first_ms = rig.now_ms;
    rig.now_ms += 60_000;
    await rig.look(true);
    expect(status()).toEqual({
      ...{ name: 'agentsview', label: 'agentsview', chosen: true, exists: true },
      ...{ last_round_ms: rig.now_ms, last_change_ms: first_ms, sessions: { present: 2, gone: 0, deleted: 0 } },
      ...{ set_aside: 0, paused: null, last_error: null },
    });
  });
});

describe('sessions that cannot be read', () => {
  it('are noticed again when their time has come, the others not', async () => {
    await start();
    const { known } = rig.sweep;
    known.noteFailure(claude('S1'), { code: 'agentsview.damaged', message: 'damaged' }, rig.now_ms + 60_000);
    await rig.look();
    expect([rig.noticed(), status().set_aside]).toEqual([[], 1]);
    rig.now_ms += 60_000;
    expect(await rig.look()).toMatchObject({ appended: 1 });
    expect(rig.noticed()).toEqual([claude('S1')]);
    await rig.look();
    expect(rig.noticed()).toEqual([]);
    expect(known.find(claude('S1'))?.failure).toEqual({
      ...{ code: 'agentsview.damaged', message: 'damaged', failures: 1, retry_ms: null },
    });
    known.noteRead(claude('S1'));
    expect(status().set_aside).toBe(0);
  });

  it('are noticed again when the clock was set back', async () => {
    await start();
    rig.sweep.known.noteFailure(claude('S1'), { code: 'x', message: 'x' }, rig.now_ms + 9 * 3_600_000);
    await rig.look();
    expect(rig.noticed()).toEqual([claude('S1')]);
  });
});

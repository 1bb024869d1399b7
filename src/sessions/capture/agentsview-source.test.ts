import { copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AgentsviewWriter, RELEASES, writeConversation } from '../../../test/support/agentsview-databases.ts';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { idleTimers } from '../../../test/support/session-capture.ts';
import { agentsviewPlaces } from '../../agents/agentsview/index.ts';
import type { ConversationSegment } from '../../agents/conversation.ts';
import { AgentsviewSource } from './agentsview-source.ts';
import type { ConversationReading, SourceRound } from './session-source.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let path: string;
let writer: AgentsviewWriter;
let source: AgentsviewSource;
let now_ms: number;
const { signal } = new AbortController();

beforeEach(() => {
  scratch = scratchDirectory();
  mkdirSync(join(scratch.path, 'av'));
  path = join(scratch.path, 'av', 'sessions.db');
  now_ms = Date.now() + 60_000;
  source = newSource();
});
afterEach(() => {
  source[Symbol.dispose]();
  writer.close();
  scratch.remove();
});

const newSource = (): AgentsviewSource =>
  new AgentsviewSource({
    places: () => agentsviewPlaces({ AGENTSVIEW_DATA_DIR: join(scratch.path, 'av') }),
    timers: idleTimers,
  });

function database(release = '0.41'): void {
  writer = new AgentsviewWriter(path, release);
}

interface Looked extends Omit<SourceRound, 'marks'> {
  marks: { native_id: string; archive: string; mark: string; group: string }[];
}

async function look(checkpoint: string | null, whole = false): Promise<Looked> {
  const round = await source.round(checkpoint, (now_ms += 1_000), signal, whole);
  const marks = [...round.marks];
  round.close();
  return { ...round, marks };
}

async function read(
  native_id: string,
  archive: string,
  first_index?: number,
): Promise<{ reading: ConversationReading; segments: ConversationSegment[] } | null> {
  const segments: ConversationSegment[] = [];
  const reading = await source.read(native_id, archive, (one) => segments.push(one) > 0, signal, first_index);
  return reading && { reading, segments };
}

describe('archives', () => {
  it("Claude's own sessions of this machine have their own; those of other hosts and agents have the database's", async () => {
    database();
    writer.session('c0ffee', { agent: 'claude' });
    writer.session('agent-7', { agent: 'claude' });
    writer.session('codex:1', { agent: 'codex' });
    writer.session('desk~c0ffee', { agent: 'claude' });
    writer.session('c0de', { agent: 'gemini' });
    const { marks } = await look(null);
    expect(marks.map(({ native_id, archive }) => [native_id, archive])).toEqual([
      ['agent-7', 'claude'],
      ['c0de', 'archive-one'],
      ['c0ffee', 'claude'],
      ['codex:1', 'archive-one'],
      ['desk~c0ffee', 'archive-one'],
    ]);
    for (const { native_id, archive } of marks)
      expect((await read(native_id, archive))?.reading.head.native_id).toBe(native_id);
    expect(await read('codex:1', 'claude')).toBeNull();
    expect(await read('c0ffee', 'archive-one')).toBeNull();
    expect(await read('c0ffee', 'archive-two')).toBeNull();
    expect(await read('nobody', 'claude')).toBeNull();
  });

  it('a database without an id keeps its archive over rebuild, move and the upgrade that brings an id', async () => {
    database('0.35');
    writer.session('codex:1', { agent: 'codex' });
    const first = await look(null);
    expect(first).toMatchObject({ restarted: false, complete: true, marks: [{ archive: 'agentsview' }] });

    writer.close();
    rebuild('0.35', ['codex:1']);
    const rebuilt = await look(first.checkpoint);
    expect(rebuilt).toMatchObject({ restarted: true, marks: [{ archive: 'agentsview' }] });

    writer.upgrade('0.41', '0.35');
    const upgraded = await look(rebuilt.checkpoint);
    expect(upgraded).toMatchObject({ restarted: true, marks: [{ archive: 'agentsview' }] });
    expect((await read('codex:1', 'agentsview'))?.reading.head.native_id).toBe('codex:1');

    // A process that has not looked yet does not know that, and does not guess.
    source = newSource();
    await expect(read('codex:1', 'agentsview')).rejects.toMatchObject({ code: 'agentsview.not_looked' });
    source.isQuiet(upgraded.checkpoint, now_ms);
    expect((await read('codex:1', 'agentsview'))?.reading.head.native_id).toBe('codex:1');
  });

  it("another archive at the path has keys of its own, and nothing of it is read under the former's", async () => {
    database();
    writer.session('codex:1', { agent: 'codex' });
    const first = await look(null);
    writer.run("UPDATE archive_metadata SET value = 'archive-two' WHERE key = 'archive_id'");
    source = newSource();
    source.isQuiet(first.checkpoint, now_ms);
    await expect(read('codex:1', 'archive-one')).rejects.toMatchObject({ code: 'agentsview.other_archive' });
    const second = await look(first.checkpoint);
    expect(second).toMatchObject({ restarted: true, complete: true, marks: [{ archive: 'archive-two' }] });
    expect(await read('codex:1', 'archive-one')).toBeNull();
    expect((await read('codex:1', 'archive-two'))?.reading.head.native_id).toBe('codex:1');
    expect((await look(second.checkpoint)).restarted).toBe(false);
  });
});

/** As agentsview does (§2.1): a new file beside, then a rename over the old one. */
function rebuild(release: string, ids: readonly string[]): void {
  const beside = `${path}-resync`;
  {
    using next = new AgentsviewWriter(beside, release);
    for (const id of ids) next.session(id, { agent: id.includes(':') ? 'codex' : 'claude' });
  }
  for (const end of ['-wal', '-shm']) rmSync(path + end, { force: true });
  renameSync(beside, path);
  writer = new AgentsviewWriter(path, null);
}

describe('rounds', () => {
  it('list what is recent after the first, all when asked, and are quiet when nobody wrote', async () => {
    database();
    for (const id of ['S1', 'S2']) writer.session(id, { started_at: '2026-01-01T00:00:00Z' });
    const first = await look(null);
    expect(first.complete).toBe(true);
    expect(source.isQuiet(first.checkpoint, now_ms)).toBe(true);
    writer.message('S2', 0, { content: 'new' });
    writer.run("UPDATE sessions SET ended_at = ? WHERE id = 'S2'", new Date(now_ms).toISOString());
    expect(source.isQuiet(first.checkpoint, now_ms)).toBe(false);
    const second = await look(first.checkpoint);
    expect(second).toMatchObject({ complete: false, restarted: false, marks: [{ native_id: 'S2' }] });
    expect(await look(first.checkpoint, true)).toMatchObject({ complete: true, marks: [{}, {}] });
    expect(source.isQuiet(null, now_ms)).toBe(false);
  });

  it('tell the same mark for what did not change, and one group for one repository', async () => {
    database();
    writeConversation(writer, '0.41', 'S1');
    writeConversation(writer, '0.41', 'S2');
    writer.session('S3', { cwd: '/elsewhere' });
    const [one, two, three] = (await look(null)).marks;
    expect(one!.group).toBe(two!.group);
    expect(three!.group).not.toBe(one!.group);
    expect((await look(null)).marks[0]).toEqual(one);
    writer.run("UPDATE sessions SET display_name = 'x' WHERE id = 'S1'");
    expect((await look(null)).marks[0]!.mark).not.toBe(one!.mark);
    expect(one!.mark.length).toBeLessThanOrEqual(64);
  });

  it('hold no word of the conversations in the checkpoint, and understand none of another form', async () => {
    database();
    writeConversation(writer, '0.41');
    const { checkpoint } = await look(null);
    expect(checkpoint).not.toMatch(/Green|fix|tests|shop|here|home|syncline-/);
    expect(source.isQuiet('{"version":7}', now_ms)).toBe(false);
    expect((await look('{"version":7}')).complete).toBe(true);
  });

  it('throw what the reader throws, and say that nothing is installed', async () => {
    database();
    writer.close();
    rmSync(path);
    expect(source.exists()).toBe(false);
    await expect(look(null)).rejects.toMatchObject({ code: 'agentsview.missing' });
    await expect(read('S1', 'claude')).rejects.toMatchObject({ code: 'agentsview.missing' });
    expect(source.watched()).toEqual([join(scratch.path, 'av')]);
  });
});

describe('A11, R12: only an exclusion is a deletion', () => {
  it.each([
    ['gone, without a word', [], 'vanished'],
    ['gone, in the journal of deletions only: agentsview renames and merges, too', ['journal'], 'vanished'],
    ['excluded by a person', ['excluded'], 'deleted'],
    ['excluded and journaled', ['excluded', 'journal'], 'deleted'],
  ])('%s', async (_name, traces, fate) => {
    database();
    for (const id of ['S1', 'S2']) writer.session(id);
    if (!traces.includes('journal')) writer.run('DROP TRIGGER journal_deleted');
    if (traces.includes('excluded')) writer.insert('excluded_sessions', { id: 'S1' });
    writer.run("DELETE FROM sessions WHERE id = 'S1'");
    const round = await source.round(null, now_ms, signal);
    const asked = ['S1', 'S2'].map((native_id) => ({ native_id, archive: 'claude' }));
    expect(round.fatesOf(asked)).toEqual([{ native_id: 'S1', archive: 'claude', fate }]);
    // Of another archive's session this database knows nothing.
    expect(round.fatesOf([{ native_id: 'S1', archive: 'archive-nine' }])).toMatchObject([{ fate: 'vanished' }]);
    round.close();
  });
});

describe('reading', () => {
  it('goes on from a segment and stops when there is enough', async () => {
    database();
    writer.session('S1');
    for (let i = 0; i < 200; i++) writer.message('S1', i);
    expect((await read('S1', 'claude', 2))?.segments.map(({ index }) => index)).toEqual([2, 3]);
    const seen: number[] = [];
    const reading = await source.read('S1', 'claude', ({ index }) => seen.push(index) < 2, signal);
    expect([seen, reading?.head.native_id]).toEqual([[0, 1], 'S1']);
  });

  it('tells one and the same head with each segment', async () => {
    database();
    writer.session('S1', { cwd: '/x' });
    for (let i = 0; i < 200; i++) writer.message('S1', i);
    const heads = new Set<unknown>();
    const reading = await source.read('S1', 'claude', (_segment, head) => heads.add(head).size > 0, signal);
    expect([...heads]).toEqual([reading!.head]);
  });

  it('of a long session lets others run, and is as of one moment: one that is written to is read again', async () => {
    database();
    writer.session('S1');
    writer.transaction(() => {
      for (let i = 0; i < 3_000; i++)
        writer.insert('messages', { session_id: 'S1', ordinal: i, role: 'user', content: 'before' });
    });
    let turns = 0;
    let done = false;
    const others = (async () => {
      for (; !done; turns++) await setImmediate();
    })();
    expect((await read('S1', 'claude'))?.segments.length).toBe(47);
    done = true;
    await others;
    expect(turns).toBeGreaterThan(1);

    const change = (content: string): void => {
      writer.run("UPDATE sessions SET transcript_revision = transcript_revision + 1 WHERE id = 'S1'");
      writer.run('UPDATE messages SET content = ?', content);
    };
    const overtaken = read('S1', 'claude');
    await setImmediate();
    change('after');
    await expect(overtaken).rejects.toMatchObject({ code: 'agentsview.session_changed' });
    // Then it is read in one go, so that a writer that never rests cannot keep it from being read.
    const retried = read('S1', 'claude');
    await setImmediate();
    change('still later');
    const texts = new Set((await retried)!.segments.flatMap(({ messages }) => messages.map(({ content }) => content)));
    expect([...texts]).toEqual(['after']);
  });

  it('sees a database that replaced the one it holds, and columns that an upgrade added', async () => {
    database('0.35');
    writer.session('S1', { cwd: '/old' });
    let checkpoint = (await look(null)).checkpoint;
    expect((await read('S1', 'claude'))?.reading.head).toMatchObject({ cwd: '/old', repository: null });
    writer.upgrade('0.41', '0.35');
    writer.insert('session_project_identity_snapshots', { session_id: 'S1', normalized_remote: 'github.com/a/b' });
    checkpoint = (await look(checkpoint)).checkpoint;
    expect((await read('S1', 'claude'))?.reading.head.repository).toBe('github.com/a/b');
    copyFileSync(path, `${path}-copy`);
    writer.close();
    rebuild('0.41', ['S1']);
    expect((await read('S1', 'claude'))?.reading.head.cwd).toBeNull();
    expect((await look(checkpoint)).restarted).toBe(true);
  });

  it('leaves the file soon: agentsview can fold its log when it ends', async () => {
    database();
    writer.session('S1');
    await read('S1', 'claude');
    await setImmediate();
    writer.close();
    expect(() => copyFileSync(`${path}-wal`, join(scratch.path, 'wal'))).toThrow('ENOENT');
  });
});

describe.each(RELEASES)('release %s', (release) => {
  it('is listed, and read by its mark', async () => {
    database(release);
    writeConversation(writer, release);
    const { marks, complete } = await look(null);
    expect([marks.length, complete]).toEqual([1, true]);
    const told = await read(marks[0]!.native_id, marks[0]!.archive);
    expect(told?.reading.head).toMatchObject({ native_id: 'S1', agent: 'claude', project_label: 'shop' });
    expect(told?.segments.flatMap(({ messages }) => messages.map(({ ordinal }) => ordinal))).toEqual([0, 2]);
  });
});

/** R11: what a person erases is in no byte of any file here, does not come back, and goes from the team's server. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import type { EraseResult } from '../../src/runtime/operator.ts';
import { until } from '../support/condition.ts';
import { bundleHook, runHook } from '../support/hook.ts';
import { Machine } from '../support/machine.ts';
import { opened } from '../support/open-machine.ts';
import { speak, spokenLines, transcriptPath, type SpokenSession } from '../support/spoken-session.ts';
import { joinTeam } from '../support/team.ts';
import { TeamServer } from '../support/team-server.ts';

const TIMEOUT = { timeout: 90_000 };
const WORD = 'quetzalcoatlus';
/** Its rule removes it before anything rests; the marker that stands for it goes with the text. */
const SECRET = 'ghp_a7Kq2ZbX9mR4a7Kq2ZbX9mR4a7Kq2ZbX9mR4';

const NOTHING = { project: null, before_ms: null, match: null, everywhere: false, timeout_ms: 30_000, dry_run: false };

/** Files below the folder that hold one of the words, as bytes on the disk: pages that are free, logs and side files too. */
function filesWith(folder: string, ...words: string[]): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => words.some((word) => readFileSync(file).includes(word)))
    .map((file) => file.slice(folder.length + 1));
}

/** How many sessions capture remembers anything of. */
function remembered(machine: Machine, table: string): number {
  using db = new DatabaseSync(join(machine.state, 'engine.db'), { readOnly: true });
  return Number(db.prepare(`SELECT count(DISTINCT session) AS sessions FROM ${table}`).get()?.['sessions']);
}

/** Two sessions of one project: the one that is to go, with its telemetry, and one that stays. */
function speakTwo(machine: Machine): SpokenSession {
  const cwd = machine.checkout('github.com/acme/web');
  const at_ms = Date.now();
  const doomed = { id: 'doomed-session', cwd, at_ms, text: `${WORD} ${SECRET}`, turns: 40, apart_ms: 1 };
  speak(machine, doomed);
  speak(machine, { id: 'staying-session', cwd, at_ms, text: 'heron', turns: 40, apart_ms: 1 });
  return doomed;
}

test('an erased session is in no byte of any file, and its source does not bring it back', TIMEOUT, async () => {
  await using machine = new Machine();
  machine.configure('[telemetry]\ncontent = "redacted"\n');
  const doomed = speakTwo(machine);
  const flush = { stream: null, timeout_ms: 30_000 };
  await opened(machine, (open) => open.flush(flush));
  // Proof that the search is one.
  expect(filesWith(machine.state, WORD).sort()).toEqual(['engine.db', 'session-store.db', 'store.db']);
  expect(filesWith(machine.state, doomed.id)).toContain('labels.db');

  await opened(machine, async (open) => {
    const counted = await open.erase({ ...NOTHING, session: doomed.id, dry_run: true });
    expect(counted).toMatchObject({ dry_run: true, conversations: 1, telemetry_sessions: 1, destinations: [] });
    // The beginning of the agent's id means the same, never the telemetry alone.
    expect(await open.erase({ ...NOTHING, session: doomed.id.slice(0, 8), dry_run: true })).toEqual(counted);
    expect(await open.found(WORD)).not.toEqual([]);
    const erased = await open.erase({ ...NOTHING, session: doomed.id });
    expect(erased).toMatchObject({ dry_run: false, conversations: 1, telemetry_sessions: 1, destinations: [] });
    // While it runs, and with nothing closed.
    expect(filesWith(machine.state, WORD, SECRET)).toEqual([]);
  });
  expect(filesWith(machine.state, WORD, SECRET)).toEqual([]);
  expect([remembered(machine, 'telemetry_session'), remembered(machine, 'telemetry_span')]).toEqual([1, 1]);
  // Where it is read stays known, so that it is not read anew.
  expect(filesWith(machine.state, doomed.id).sort()).toEqual(['engine.db', 'sessions.db']);

  // The session goes on: neither the old nor the new of it is taken in.
  machine.write(transcriptPath(doomed), spokenLines({ ...doomed, turns: 44 }));
  await opened(machine, async (open) => {
    await open.replaySessions({ confirm_vanished: false });
    expect(await open.flush(flush)).toMatchObject({ remaining: 0, dead_letters: 0 });
    expect((await open.listed()).map(({ native_id }) => native_id)).toEqual(['staying-session']);
    expect(await open.found('heron')).not.toEqual([]);
    const rows = await open.sessions({ since_ms: null, project: null, agent: null, limit: 10 });
    expect(rows.map(({ session }) => session)).toEqual(['staying-session']);
    const again = await open.erase({ ...NOTHING, session: doomed.id });
    expect(again).toMatchObject({ conversations: 0, messages: 0, telemetry_sessions: 0, destinations: [] });
  });
  expect(filesWith(machine.state, WORD, SECRET)).toEqual([]);
});

test("the team's server is told, and says so of conversation and telemetry", TIMEOUT, async () => {
  await using team = await TeamServer.start();
  await using machine = new Machine();
  const more = '[sessions]\nshare = "all"\nhold = "0s"\n';
  joinTeam(machine, { url: team.url, token: await team.token('gil', 'den'), more });
  await opened(machine, async () => undefined);
  const doomed = speakTwo(machine);
  await opened(machine, (open) => open.flush({ stream: null, timeout_ms: 30_000 }));
  expect(await team.search(WORD)).not.toEqual([]);

  const key = await opened(machine, async (open) => (await open.conversation(doomed.id)).session.key);
  const asked = await machine.run(['erase', '--session', key.slice(0, 12)]);
  expect([asked.exit, asked.stderr]).toEqual([6, expect.stringContaining('--yes')]);
  expect(await team.search(WORD)).not.toEqual([]);

  const args = ['erase', '--session', key.slice(0, 12), '--everywhere', '--yes'];
  const result = await machine.json<EraseResult>(args);
  expect(result.destinations).toMatchObject([
    { destination: 'team', stream: 'sessions', state: 'done', sessions: 1, waiting: 0 },
    { destination: 'team', stream: 'telemetry', state: 'done', sessions: 1, waiting: 0 },
  ]);
  const deletions = team.proxy.exchanges.filter(({ method }) => method === 'DELETE').map(({ path }) => path);
  expect(deletions.sort()).toEqual([
    expect.stringMatching(/^\/v1\/sessions\/blake3%3A[0-9a-f]{64}\?team_id=acme$/),
    `/v1/transcripts/${key}?team_id=acme&reason=erased`,
  ]);
  expect(await team.search(WORD)).toEqual([]);
  expect(await team.search('heron')).not.toEqual([]);
  expect(filesWith(machine.state, WORD)).toEqual([]);

  const again = await machine.run(['erase', '--session', key.slice(0, 12), '--everywhere', '--yes']);
  expect([again.exit, again.stderr]).toEqual([0, expect.stringContaining('Nothing is left of it here.')]);
});

test('a running Syncline erases what it goes on reading', TIMEOUT, async () => {
  await bundleHook();
  await using machine = new Machine();
  machine.configure('[telemetry]\ncontent = "redacted"\n');
  const doomed = speakTwo(machine);
  const up = await machine.up();
  const { id: session_id, cwd } = doomed;
  await runHook(machine, { session_id, cwd, hook_event_name: 'UserPromptSubmit', prompt: `${WORD} by hook` });
  {
    await using operator = machine.operator();
    await operator.flush({ stream: null, timeout_ms: 30_000 });
    expect(filesWith(machine.state, WORD)).not.toEqual([]);
    const erased = await operator.erase({ ...NOTHING, session: doomed.id });
    expect(erased).toMatchObject({ conversations: 1, telemetry_sessions: 1 });
    machine.write(transcriptPath(doomed), spokenLines({ ...doomed, turns: 44 }));
    await operator.flush({ stream: null, timeout_ms: 30_000 });
  }
  expect(filesWith(machine.state, WORD)).toEqual([]);
  expect(await up.stop()).toMatchObject({ exit: 143 });
  expect(filesWith(machine.state, WORD)).toEqual([]);
});

test('a project, or what began before a time, goes as a whole and takes nothing else along', TIMEOUT, async () => {
  await using machine = new Machine();
  const now_ms = Date.now();
  const day_ms = 86_400_000;
  for (const [id, project, age_days] of [
    ['old-web', 'web', 40],
    ['new-web', 'web', 1],
    ['old-api', 'api', 40],
    ['new-api', 'api', 1],
  ] as const) {
    const cwd = machine.checkout(`github.com/acme/${project}`);
    speak(machine, { id, cwd, at_ms: now_ms - age_days * day_ms, text: `heron ${id}`, turns: 2 });
  }
  await opened(machine, async (open) => {
    await open.flush({ stream: null, timeout_ms: 30_000 });
    const left = async (): Promise<string[][]> => {
      const rows = await open.sessions({ since_ms: null, project: null, agent: null, limit: 10 });
      const listed = await open.listed();
      return [listed.map(({ native_id }) => native_id).sort(), rows.map(({ session }) => session).sort()];
    };
    const all = ['new-api', 'new-web', 'old-api', 'old-web'];
    expect(await left()).toEqual([all, all]);
    const before = { ...NOTHING, session: null, before_ms: now_ms - 30 * day_ms };
    expect(await open.erase({ ...before, dry_run: true })).toMatchObject({ conversations: 2, telemetry_sessions: 2 });
    expect(await left()).toEqual([all, all]);
    const project = { ...NOTHING, session: null, project: 'github.com/acme/web' };
    expect(await open.erase(project)).toMatchObject({ conversations: 2, messages: 8, telemetry_sessions: 2 });
    expect(await left()).toEqual([
      ['new-api', 'old-api'],
      ['new-api', 'old-api'],
    ]);
    expect(await open.erase(before)).toMatchObject({ conversations: 1, messages: 4, telemetry_sessions: 1 });
    expect(await left()).toEqual([['new-api'], ['new-api']]);
    for (const query of [
      { ...NOTHING, session: null },
      { ...project, before_ms: 1 },
    ])
      await expect(open.erase(query)).rejects.toMatchObject({ code: 'erase.choice' });
    await expect(open.erase({ ...NOTHING, session: 'nobody' })).rejects.toMatchObject({ code: 'session.unknown' });
  });
});

test(
  'a text takes every session that holds it along, wherever that is kept, and leaves no byte of it',
  TIMEOUT,
  async () => {
    await using machine = new Machine();
    machine.configure('[telemetry]\ncontent = "redacted"\n');
    const doomed = speakTwo(machine);
    await opened(machine, (open) => open.flush({ stream: null, timeout_ms: 30_000 }));

    // A part of the word in another case, as no search finds it.
    const text = WORD.slice(3).toUpperCase();
    const plan = await machine.run(['erase', '--match', text, '--dry-run']);
    expect(plan.exit).toBe(0);
    expect(plan.stdout).toMatch(/github\.com\/acme\/web +80 +80 messages/);
    expect(plan.stdout + plan.stderr).not.toContain(WORD);
    expect(plan.stderr).toContain('Not looked at: ');
    expect(plan.stderr).toContain('Would be erased: 1 conversation with 80 messages, telemetry of 1 session.');
    expect(await machine.run(['erase', '--match', ' ', '--dry-run'])).toMatchObject({ exit: 2 });

    const result = await machine.json<EraseResult>(['erase', '--match', text, '--everywhere', '--yes']);
    expect(result).toMatchObject({ dry_run: false, conversations: 1, messages: 80, telemetry_sessions: 1 });
    expect(result.sessions).toMatchObject([{ native_id: doomed.id, agent: 'claude', matches: 80 }]);
    expect(filesWith(machine.state, WORD, WORD.toUpperCase(), text)).toEqual([]);
    await opened(machine, async (open) => {
      expect((await open.listed()).map(({ native_id }) => native_id)).toEqual(['staying-session']);
      const again = await open.erase({ ...NOTHING, session: null, match: text });
      expect(again).toMatchObject({ conversations: 0, telemetry_sessions: 0, sessions: [] });
    });
  },
);

test('a text that telemetry alone holds is found there, also before it is delivered', TIMEOUT, async () => {
  await using machine = new Machine();
  machine.configure('[telemetry]\ncontent = "redacted"\n[sessions]\nkeep = false\n');
  const doomed = speakTwo(machine);
  await machine.run(['pause', 'telemetry', '--to', 'local']);
  await opened(machine, (open) => open.flush({ stream: null, timeout_ms: 1_000 }).catch(() => null));
  expect(filesWith(machine.state, WORD)).toEqual(['engine.db']);
  await opened(machine, async (open) => {
    const found = await open.erase({ ...NOTHING, session: null, match: WORD });
    expect(found.sessions).toMatchObject([{ key: null, native_id: doomed.id, project: 'github.com/acme/web' }]);
  });
  expect(filesWith(machine.state, WORD)).toEqual([]);
});

test(
  'what the team deleted is soon in no byte of its files, also when the server was killed before',
  TIMEOUT,
  async () => {
    await using team = await TeamServer.start();
    await using machine = new Machine();
    const more = '[sessions]\nshare = "all"\nhold = "0s"\n';
    joinTeam(machine, { url: team.url, token: await team.token('gil', 'den'), content: 'redacted', more });
    await opened(machine, async () => undefined);
    speakTwo(machine);
    await opened(machine, (open) => open.flush({ stream: null, timeout_ms: 30_000 }));
    const { state } = team.machine;
    expect(filesWith(state, WORD).map((file) => file.replace(/-wal$/, ''))).toEqual(
      expect.arrayContaining(['session-store.db', 'store.db']),
    );
    // As an upgrade leaves it: what stood in the file then.
    writeFileSync(join(state, 'store.db.before-main-0004'), WORD);

    await opened(machine, async (open) => {
      const erased = await open.erase({ ...NOTHING, session: null, match: WORD, everywhere: true });
      expect(erased.destinations.map(({ stream, state }) => [stream, state])).toEqual([
        ['sessions', 'done'],
        ['telemetry', 'done'],
      ]);
    });
    await team.kill();
    expect(filesWith(state, WORD)).not.toEqual([]);
    await team.startAgain();
    await until('the files of the server hold nothing of it', () => filesWith(state, WORD).length === 0);
    expect(await team.search('heron')).not.toEqual([]);
  },
);

test('erased memories are in no byte of any file, found by id, namespace or text', TIMEOUT, async () => {
  await using machine = new Machine();
  const remember = async (...more: string[]): Promise<string> => {
    const { stdout } = await machine.run(['memory', 'store', ...more, '--json']);
    return (JSON.parse(stdout) as { memory: { id: string } }).memory.id;
  };
  const id = await remember('Bird', `a ${WORD}`);
  await remember('Birds', `two ${WORD}s`, '--namespace', 'team/birds');
  await remember('Fish', `no ${WORD}`, '--tags', 'fish');
  await remember('Heron', 'stays', '--namespace', 'teams');
  expect(filesWith(machine.state, WORD)).toEqual(['memory.db']);
  const asked = await machine.run(['erase', '--memory', id.slice(0, 18), '--dry-run', '--json']);
  expect(JSON.parse(asked.stdout)).toMatchObject({ dry_run: true, memory: { memories: [{ id, state: 'live' }] } });
  expect(asked.stdout).not.toContain(WORD);
  expect((await machine.run(['erase', '--memory', id])).exit).toBe(6);
  expect(await machine.run(['erase', '--memory', id, '--everywhere', '--yes'])).toMatchObject({
    exit: 0,
    stderr: expect.stringContaining('deleted on 1 of 1 machine') as string,
  });
  expect((await machine.run(['erase', '--namespace', 'team', '--yes'])).exit).toBe(0);
  expect(filesWith(machine.state, WORD)).toEqual(['memory.db']);
  expect((await machine.run(['erase', '--match', WORD.toUpperCase(), '--yes'])).exit).toBe(0);
  expect(filesWith(machine.state, WORD)).toEqual([]);
  const left = JSON.parse((await machine.run(['memory', 'list', '--json'])).stdout) as {
    memories: { title: string }[];
  };
  expect(left.memories.map(({ title }) => title)).toEqual(['Heron']);
  expect((await machine.run(['erase', '--memory', 'ffff', '--yes'])).exit).toBe(1);
  expect((await machine.run(['erase', '--memory', id, '--match', 'x', '--yes'])).exit).toBe(2);
});

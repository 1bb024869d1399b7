/** Two machines and one server, all real: what each member sends, who may find it, and how little a late result costs. */
import { readdirSync, rmSync } from 'node:fs';
import { join as joined } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Machine } from '../support/machine.ts';
import { opened } from '../support/open-machine.ts';
import { spokenLines, spokenTurn, transcriptPath, speak, type SpokenSession } from '../support/spoken-session.ts';
import { joinTeam, joinedSince, type TeamSettings } from '../support/team.ts';
import { TeamServer } from '../support/team-server.ts';

const TIMEOUT = { timeout: 90_000 };
const SHARE_ALL = '[sessions]\nshare = "all"\nhold = "0s"\n';

let team: TeamServer;
beforeAll(async () => (team = await TeamServer.start()), 60_000);
afterAll(() => team[Symbol.asyncDispose]());

const settings = (token: string): TeamSettings => ({ url: team.url, token, more: SHARE_ALL });

/** Joins, and lets the program see it once, so that what is said from now on is the team's (R2). */
async function join(machine: Machine, token: string): Promise<void> {
  joinTeam(machine, settings(token));
  await opened(machine, async () => undefined);
}

const flush = (machine: Machine): Promise<unknown> => opened(machine, ({ flushed }) => flushed());

test('sessions of two machines are found by a reader of the team, each under its own member', TIMEOUT, async () => {
  await using ada = new Machine();
  await using bob = new Machine();
  const token = await team.token('ada', 'laptop');
  await join(ada, token);
  // The other one as a person does it, with the program.
  await joinedSince(bob, settings(await team.token('bob', 'tower')));
  for (const machine of [ada, bob]) {
    const cwd = machine.checkout('github.com/acme/web');
    const at_ms = Date.now();
    speak(machine, { id: machine === ada ? 'of-ada' : 'of-bob', cwd, at_ms, text: 'narwhal' });
    // The same session on both, as of a home that was copied.
    speak(machine, { id: 'twin', cwd, at_ms, text: 'gemini' });
  }
  expect(await flush(ada)).toMatchObject({ remaining: 0, dead_letters: 0 });
  expect(await bob.json(['flush', 'sessions'])).toMatchObject({ remaining: 0, dead_letters: 0 });

  const hits = await team.search('"output of narwhal"');
  expect(hits.map(({ user_id }) => user_id).sort()).toEqual(['ada', 'bob']);
  expect(new Set(hits.map(({ session_id }) => session_id)).size).toBe(2);
  expect(new Set(hits.map(({ project_name }) => project_name))).toEqual(new Set(['github.com/acme/web']));
  // Two sessions of one id; in a search what they have in common shows once, with the number of copies (R25).
  expect(await team.search('"output of gemini"')).toMatchObject([{ copies: 1 }]);
  const list = await team.get('/api/v1/sessions');
  const { sessions } = JSON.parse(list.body) as { sessions: { user_id: string; machine: string; native_id: string }[] };
  const twins = sessions.filter(({ native_id }) => native_id === 'twin');
  expect(twins.map(({ user_id, machine }) => `${user_id}/${machine}`).sort()).toEqual(['ada/laptop', 'bob/tower']);

  // Who may send may not read (R6), and a reader sees no path of anybody.
  for (const path of [
    '/api/v1/search?q=narwhal',
    '/api/v1/sessions',
    `/api/v1/sessions/${hits[0]?.session_id}/messages`,
  ])
    expect((await team.get(path, token)).status, path).toBe(403);
  expect((await team.get('/api/v1/search?q=narwhal', 'syn_no_such_token')).status).toBe(401);
  for (const { home } of [ada, bob]) expect(list.body).not.toContain(home);
});

test('a late result on message 40 of 500 sends two segments at most', TIMEOUT, async () => {
  await using machine = new Machine();
  await join(machine, await team.token('cleo', 'desk'));
  const cwd = machine.checkout('github.com/acme/web');
  const session: SpokenSession = { id: 'long', cwd, at_ms: Date.now(), text: 'pelican', turns: 250, apart_ms: 1 };
  const late = 20;
  const whole = spokenLines(session);
  const turn = spokenTurn(session, late);
  const unfinished = spokenTurn(session, late, { result: false });
  expect(whole).toContain(turn);
  machine.write(transcriptPath(session), whole.replace(turn, unfinished));
  await flush(machine);
  const first = team.proxy.transcripts('PUT');
  const bytes = first.at(-1)?.body.length ?? 0;
  expect(await team.search('"output of pelican turn 20"')).toEqual([]);
  expect(await team.search('"output of pelican turn 21"')).toHaveLength(1);

  const since = team.proxy.exchanges.length;
  machine.write(transcriptPath(session), whole);
  await flush(machine);
  const puts = team.proxy.transcripts('PUT', since);
  expect(puts.map(({ status }) => status)).toEqual([200]);
  const { segments, segment_hashes } = JSON.parse(puts[0]?.body ?? '') as Record<string, unknown[]>;
  expect(segment_hashes).toHaveLength(Math.ceil(500 / 64));
  expect(segments?.length).toBeGreaterThan(0);
  expect(segments?.length).toBeLessThanOrEqual(2);
  expect(puts[0]?.body.length).toBeLessThan(bytes / 3);
  expect(await team.search('"output of pelican turn 20"')).toHaveLength(1);

  await flush(machine);
  expect(team.proxy.transcripts(null, since)).toHaveLength(1);
});

test('another server of the team gets all that may leave', TIMEOUT, async () => {
  await using machine = new Machine();
  await join(machine, await team.token('dora', 'loft'));
  const cwd = machine.checkout('github.com/acme/web');
  const session: SpokenSession = { id: 'moved', cwd, at_ms: Date.now(), text: 'ibis', turns: 2 };
  speak(machine, session);
  await flush(machine);
  expect(await team.search('"output of ibis turn 0"')).toHaveLength(1);
  await using other = await TeamServer.start();
  joinTeam(machine, { ...settings(await other.token('dora', 'loft')), url: other.url });
  await flush(machine);
  expect(await other.search('"output of ibis turn 0"')).toHaveLength(1);
});

test('a server that lost its conversations gets all that may be there again, and nothing else', TIMEOUT, async () => {
  await using own = await TeamServer.start();
  await using machine = new Machine();
  joinTeam(machine, { ...settings(await own.token('fay', 'attic')), url: own.url });
  await opened(machine, async () => undefined);
  const at_ms = Date.now();
  const cwd = machine.checkout('github.com/acme/web');
  const spoken = (id: string): SpokenSession => ({ id, cwd, at_ms, text: id, turns: 2, apart_ms: 1 });
  for (const id of ['egret', 'crane']) speak(machine, spoken(id));
  await flush(machine);
  await opened(machine, async (open) => {
    await open.shareConversations({ ids: ['crane'], share: false });
    await open.flushed();
  });
  const there = async (id: string): Promise<number> => (await own.search(`"answer about ${id} turn 0"`)).length;
  expect([await there('egret'), await there('crane')]).toEqual([1, 0]);
  await own.loseConversations();
  expect(await there('egret')).toBe(0);

  const since = own.proxy.exchanges.length;
  await flush(machine);
  expect([await there('egret'), await there('crane')]).toEqual([1, 0]);
  expect(own.proxy.transcripts(null, since).map(({ method, status }) => [method, status])).toEqual([['PUT', 200]]);
  // Known by its new name from then on.
  await flush(machine);
  expect(own.proxy.transcripts(null, since)).toHaveLength(1);
});

test("this machine's own store, removed behind its back, is filled again", TIMEOUT, async () => {
  await using machine = new Machine();
  machine.configure('');
  speak(machine, { id: 'heron', cwd: machine.checkout('github.com/acme/web'), at_ms: Date.now(), text: 'heron' });
  await flush(machine);
  for (const name of readdirSync(machine.state))
    if (name.startsWith('session-store.db')) rmSync(joined(machine.state, name));
  await flush(machine);
  expect(await opened(machine, ({ found }) => found('"answer about heron"'))).toHaveLength(1);
});

/** R1, R2 for conversations: what leaves, when, and how it is taken back. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { FlushResult } from '../../src/runtime/operator.ts';
import { Machine } from '../support/machine.ts';
import { opened } from '../support/open-machine.ts';
import { speak } from '../support/spoken-session.ts';
import { joinTeam } from '../support/team.ts';
import { TeamServer } from '../support/team-server.ts';

const TIMEOUT = { timeout: 60_000 };
const MINUTE_MS = 60_000;

let team: TeamServer;
let machine: Machine;
let token: string;
let seen: number;
let turn = 0;

beforeAll(async () => (team = await TeamServer.start()), 60_000);
afterAll(() => team[Symbol.asyncDispose]());

beforeEach(async () => {
  machine = new Machine();
  token = await team.token('ada', `laptop-${++turn}`);
  seen = team.proxy.exchanges.length;
  return () => machine[Symbol.asyncDispose]();
});

/** The machine's configuration, with `[sessions]` as given. */
function configure(sessions: string): void {
  joinTeam(machine, { url: team.url, token, projects: ['github.com/acme/*'], more: sessions });
}

const SHARED = '[sessions]\nshare = "projects"\nprojects = ["github.com/acme/web"]\n';
const sent = (method: string | null = null): number => team.proxy.transcripts(method, seen).length;
/** Words that no other test says. */
const word = (name: string): string => `${name}${turn}`;

/** A session in a checkout; its text is `name` and the word of this test. */
function say(name: string, repository: string, at_ms = Date.now()): void {
  const cwd = machine.checkout(repository);
  speak(machine, { id: `${name}-${turn}`, cwd, at_ms, text: word(name), turns: 2, apart_ms: 1_000 });
}

const flush = (ahead_ms = 0): Promise<unknown> => opened(machine, ({ flushed }) => flushed(), { ahead_ms });
const is_there = async (name: string): Promise<boolean> => (await team.search(word(name))).length > 0;
/** Lets the program see the configuration once, so that everything after this moment is the team's (R2). */
const join_now = (): Promise<unknown> => opened(machine, async () => undefined);

test.each([
  ['absent', ''],
  ['share = "none"', '[sessions]\nshare = "none"\nprojects = ["github.com/acme/web"]\nhold = "0s"\n'],
])('[sessions] %s: a member of a team sends no conversation, ever', TIMEOUT, async (_, sessions) => {
  configure(sessions);
  await join_now();
  say('own', 'github.com/acme/web');
  await opened(machine, async (open) => {
    await open.flush({ stream: null, timeout_ms: 30_000 });
    await open.replaySessions({ confirm_vanished: true });
    // "Let the configuration decide" is no consent either.
    await open.shareConversations({ ids: [`own-${turn}`], share: true });
    await open.flushed();
    expect(await open.listed()).toHaveLength(1);
  });
  await flush(60 * MINUTE_MS);
  expect(sent()).toBe(0);
  // The proxy does see this machine: its telemetry went there.
  expect(team.proxy.exchanges.length).toBeGreaterThan(seen);
});

test('only what began after joining, in the named project, leaves, and only after the hold', TIMEOUT, async () => {
  say('past', 'github.com/acme/web', Date.now() - 60 * MINUTE_MS);
  configure(SHARED);
  await join_now();
  say('web', 'github.com/acme/web');
  say('api', 'github.com/acme/api');
  say('diary', 'github.com/ada/diary');
  await flush();
  expect(sent()).toBe(0);
  await flush(14 * MINUTE_MS);
  expect(sent()).toBe(0);
  await flush(16 * MINUTE_MS);
  expect(sent('PUT')).toBe(1);
  const there = await Promise.all(['past', 'web', 'api', 'diary'].map(is_there));
  expect(there).toEqual([false, true, false, false]);
  const bodies = team.proxy.transcripts('PUT', seen).map(({ body }) => body);
  for (const secret of [machine.home, word('past'), word('api'), word('diary')])
    expect(
      bodies.some((body) => body.includes(secret)),
      secret,
    ).toBe(false);
});

test("a repository's own share = none holds, whatever the configuration says", TIMEOUT, async () => {
  configure('[sessions]\nshare = "all"\nhold = "0s"\n');
  await join_now();
  say('web', 'github.com/acme/web');
  writeFileSync(join(machine.checkout('github.com/acme/quiet'), '.syncline.toml'), 'share = "none"\n');
  say('quiet', 'github.com/acme/quiet');
  await flush();
  expect(await Promise.all(['web', 'quiet'].map(is_there))).toEqual([true, false]);
  expect(sent('PUT')).toBe(1);
});

/** Two sessions at the server, of two shared projects. */
async function shareTwo(): Promise<void> {
  configure('[sessions]\nshare = "projects"\nprojects = ["github.com/acme/web", "github.com/acme/api"]\nhold = "0s"\n');
  await join_now();
  say('web', 'github.com/acme/web');
  say('api', 'github.com/acme/api');
  await flush();
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([true, true]);
}

test('unshare removes one at the server; share lets it go there again', TIMEOUT, async () => {
  await shareTwo();
  const choose = (share: boolean): Promise<unknown> =>
    opened(machine, async (open) => {
      await open.shareConversations({ ids: [`web-${turn}`], share });
      await open.flushed();
    });
  await choose(false);
  expect(sent('DELETE')).toBe(1);
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([false, true]);
  expect(await opened(machine, ({ listed }) => listed())).toHaveLength(2);
  await choose(true);
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([true, true]);
});

test.each([
  ['switching share off', '[sessions]\nshare = "none"\n', [false, false]],
  ['taking [sessions] out', '', [false, false]],
  ['naming one project less', '[sessions]\nshare = "projects"\nprojects = ["github.com/acme/api"]\n', [false, true]],
])('%s withdraws what is at the server', TIMEOUT, async (_, sessions, remaining) => {
  await shareTwo();
  configure(sessions);
  await flush();
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual(remaining);
  expect(sent('DELETE')).toBe(remaining.filter((there) => !there).length);
  // What is withdrawn is withdrawn from the team alone.
  expect(await opened(machine, ({ listed }) => listed())).toHaveLength(2);
  const before = sent();
  await flush();
  expect(sent()).toBe(before);
});

test('naming one project more sends what was said there since joining', TIMEOUT, async () => {
  configure('[sessions]\nshare = "projects"\nprojects = ["github.com/acme/web"]\nhold = "0s"\n');
  await join_now();
  say('web', 'github.com/acme/web');
  say('api', 'github.com/acme/api');
  await flush();
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([true, false]);
  configure('[sessions]\nshare = "projects"\nprojects = ["github.com/acme/web", "github.com/acme/api"]\nhold = "0s"\n');
  await flush();
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([true, true]);
});

test('a shorter hold is kept for what already waits', TIMEOUT, async () => {
  configure(SHARED);
  await join_now();
  say('web', 'github.com/acme/web');
  await flush();
  expect(sent()).toBe(0);
  configure(`${SHARED}hold = "0s"\n`);
  await flush();
  expect(await is_there('web')).toBe(true);
});

const rulesIn = (repository: string): string => join(machine.checkout(repository), '.syncline.toml');

test.each([
  ['share = "none"', 'share = "none"\n'],
  ['capture = false', 'capture = false\n'],
])('a repository that says %s later takes back what was shared, without any change of it', TIMEOUT, async (_, text) => {
  await shareTwo();
  // While Syncline runs, …
  await opened(machine, async (open) => {
    await open.flushed();
    writeFileSync(rulesIn('github.com/acme/web'), text);
    await open.flushed();
  });
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([false, true]);
  // … and while it does not; and taken back, it is there again.
  writeFileSync(rulesIn('github.com/acme/api'), text);
  rmSync(rulesIn('github.com/acme/web'));
  await flush();
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([true, false]);
  expect(await opened(machine, ({ listed }) => listed())).toHaveLength(2);
  const before = sent();
  await flush();
  expect(sent()).toBe(before);
});

test('a repository file that nobody can read, or a checkout that is gone, takes back nothing', TIMEOUT, async () => {
  await shareTwo();
  writeFileSync(rulesIn('github.com/acme/web'), 'share = \n');
  rmSync(machine.checkout('github.com/acme/api'), { recursive: true });
  const before = sent();
  await flush();
  expect(sent()).toBe(before);
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([true, true]);
});

test('the word of a repository reaches sessions whose transcript is gone', TIMEOUT, async () => {
  await shareTwo();
  rmSync(join(machine.projects), { recursive: true });
  mkdirSync(machine.projects);
  await flush();
  writeFileSync(rulesIn('github.com/acme/web'), 'share = "none"\n');
  await flush();
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([false, true]);
});

test('with capture switched off nothing is read, and what is taken back is taken back', TIMEOUT, async () => {
  await shareTwo();
  const both =
    '[sessions]\nshare = "projects"\nprojects = ["github.com/acme/web", "github.com/acme/api"]\nhold = "0s"\n';
  const off = `${both}[capture]\nenabled = false\n`;
  configure(off);
  say('late', 'github.com/acme/web');
  await opened(machine, async (open) => {
    await open.shareConversations({ ids: [`web-${turn}`], share: false });
    await open.flushed();
    expect(await open.listed()).toHaveLength(2);
  });
  expect(sent('DELETE')).toBe(1);
  writeFileSync(rulesIn('github.com/acme/api'), 'share = "none"\n');
  await flush();
  expect(await Promise.all(['web', 'api', 'late'].map(is_there))).toEqual([false, false, false]);
  // Once it is on again, only what is new is sent.
  rmSync(rulesIn('github.com/acme/api'));
  const puts = sent('PUT');
  configure(both);
  await flush();
  expect(await Promise.all(['web', 'api', 'late'].map(is_there))).toEqual([false, true, true]);
  expect(sent('PUT')).toBe(puts + 2);
});

test('switching share off while capture is off takes everything back', TIMEOUT, async () => {
  await shareTwo();
  configure('[sessions]\nshare = "none"\n[capture]\nenabled = false\n');
  await flush();
  expect(await Promise.all(['web', 'api'].map(is_there))).toEqual([false, false]);
});

test('what is on hold is no failure of a flush, is told with its time, and known after a start', TIMEOUT, async () => {
  configure(SHARED);
  await join_now();
  say('web', 'github.com/acme/web');
  const began_ms = Date.now();
  for (const run of ['first', 'second']) {
    // Exit 0: nothing remains that could have been sent.
    const { destinations } = await machine.json<FlushResult>(['flush', 'sessions']);
    const team_of = destinations.find(({ destination }) => destination === 'team');
    expect(team_of, run).toMatchObject({ remaining: 0, on_hold: { items: 1 } });
    const until_ms = team_of?.on_hold?.until_ms ?? 0;
    expect(until_ms).toBeGreaterThan(began_ms + 14 * MINUTE_MS);
    expect(until_ms).toBeLessThan(began_ms + 17 * MINUTE_MS);
  }
  await opened(machine, async (open) => {
    const at_team = (await open.status()).destinations.filter(({ destination }) => destination === 'team');
    expect(at_team.find(({ stream }) => stream === 'sessions')).toMatchObject({ waiting: 0, on_hold: { items: 1 } });
    expect((await open.conversation(`web-${turn}`)).shared).toMatchObject([{ destination: 'team', state: 'held' }]);
    // Taken out before it ever left: nothing waits any more.
    await open.shareConversations({ ids: [`web-${turn}`], share: false });
    expect((await open.flushed()).destinations).toContainEqual(
      expect.objectContaining({ destination: 'team', stream: 'sessions', remaining: 0, on_hold: null }),
    );
  });
  await flush(20 * MINUTE_MS);
  expect(sent()).toBe(0);
});

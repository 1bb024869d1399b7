/** `preview sessions`: byte for byte what a send sends then, and nothing changed by looking. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { PreviewedSession, SessionsPreview } from '../../src/runtime/session-verbs.ts';
import { Machine } from '../support/machine.ts';
import { opened, type OpenMachine } from '../support/open-machine.ts';
import { speak, spokenLines, transcriptPath, type SpokenSession } from '../support/spoken-session.ts';
import { joinTeam } from '../support/team.ts';
import { TeamServer } from '../support/team-server.ts';

const TIMEOUT = { timeout: 60_000 };
const MINUTE_MS = 60_000;
const SECRET = 'ghp_aB3dE5fG7hJ9kL1mN2pQ4rS6tU8vW0xY1zA2';
const ALL = { project: null, session: null, limit: 100 };

let team: TeamServer;
let machine: Machine;
let token: string;
let seen: number;
let turn = 0;

beforeAll(async () => (team = await TeamServer.start()), 60_000);
afterAll(() => team[Symbol.asyncDispose]());
beforeEach(async () => {
  machine = new Machine();
  token = await team.token('eve', `preview-${++turn}`);
  seen = team.proxy.exchanges.length;
  return () => machine[Symbol.asyncDispose]();
});

function configure(sessions: string): void {
  joinTeam(machine, { url: team.url, token, projects: ['github.com/acme/*'], more: sessions });
}

function say(name: string, repository = 'github.com/acme/web', over: Partial<SpokenSession> = {}): SpokenSession {
  const cwd = machine.checkout(repository);
  const session = { id: `${name}-${turn}`, cwd, at_ms: Date.now(), text: name, turns: 2, apart_ms: 1_000, ...over };
  speak(machine, session);
  return session;
}

const SHARED = '[sessions]\nshare = "projects"\nprojects = ["github.com/acme/web"]\n';
const look = (open: OpenMachine, query: object = {}): Promise<SessionsPreview> =>
  open.previewSessions({ ...ALL, ...query }) as Promise<SessionsPreview>;
/** As a request went: method, path, body. */
const requestsOf = (sessions: readonly PreviewedSession[]): string[] =>
  sessions.flatMap(({ requests }) => requests.map(({ method, path, body }) => `${method} ${path} ${body}`)).sort();
const sent = (since = seen): string[] =>
  team.proxy
    .transcripts(null, since)
    .map(({ method, path, body }) => `${method} ${path} ${body}`)
    .sort();

test('shows the very requests that are sent then: new, changed, withdrawn', TIMEOUT, async () => {
  configure(`${SHARED}hold = "0s"\n`);
  await opened(machine, async () => undefined);
  const web = say('web', 'github.com/acme/web', { text: `token ${SECRET}`, turns: 3 });
  say('long', 'github.com/acme/web', { turns: 200 });
  say('api', 'github.com/acme/api');
  await opened(machine, async (open) => {
    // What no round has found yet, nobody can tell of.
    await open.replaySessions({ confirm_vanished: false });
    await open.flush({ stream: 'telemetry', timeout_ms: 30_000 });
    await open.pause({ stream: 'sessions', destination: 'team', for_ms: null });
    await open.flushed();
    const before = await open.status();
    const preview = await look(open);
    expect(preview.sessions.map(({ project }) => project)).toEqual(['github.com/acme/web', 'github.com/acme/web']);
    expect(preview.staying).toEqual([{ destination: 'team', reason: 'project', sessions: 1 }]);
    expect(preview.sessions.flatMap(({ removed }) => Object.keys(removed))).toContain('github-token');
    expect(JSON.stringify(preview)).not.toContain(SECRET);
    expect(JSON.stringify(preview)).not.toContain(machine.home);
    expect(sent()).toEqual([]);
    expect((await open.status()).destinations).toEqual(before.destinations);
    await open.resume({ stream: 'sessions', destination: 'team' });
    await open.flushed();
    expect(requestsOf(preview.sessions)).toEqual(sent());
    expect(sent().length).toBeGreaterThanOrEqual(2);
    // All of it is there.
    expect(await look(open)).toMatchObject({ sessions: [] });
    expect((await look(open, { session: web.id })).sessions).toMatchObject([{ stays: 'there', requests: [] }]);
  });

  // A late turn, one taken out.
  machine.write(transcriptPath(web), spokenLines({ ...web, turns: 5 }));
  const since = team.proxy.exchanges.length;
  await opened(machine, async (open) => {
    await open.pause({ stream: 'sessions', destination: 'team', for_ms: null });
    await open.shareConversations({ ids: [`long-${turn}`], share: false });
    await open.flushed();
    const preview = await look(open);
    expect(preview.sessions.flatMap(({ requests }) => requests.map(({ kind }) => kind)).sort()).toEqual([
      'put',
      'remove',
    ]);
    await open.resume({ stream: 'sessions', destination: 'team' });
    await open.flushed();
    expect(requestsOf(preview.sessions)).toEqual(sent(since));
  });
});

test('what is on hold is said with its time, what stays with its reason', TIMEOUT, async () => {
  say('past', 'github.com/acme/web', { at_ms: Date.now() - 600 * MINUTE_MS });
  configure(SHARED);
  await opened(machine, async () => undefined);
  const web = say('web');
  say('diary', 'github.com/ada/diary');
  writeFileSync(join(machine.checkout('github.com/acme/web'), 'x'), '');
  await opened(machine, async (open) => {
    await open.flushed();
    const of = async (id: string): Promise<PreviewedSession | undefined> =>
      (await look(open, { session: id })).sessions[0];
    const held = await of(web.id);
    expect(held).toMatchObject({ requests: [], stays: null, destination: 'team' });
    const until_ms = held?.held_until_ms ?? 0;
    expect(until_ms).toBeGreaterThanOrEqual(web.at_ms + 15 * MINUTE_MS);
    expect(until_ms).toBeLessThan(web.at_ms + 17 * MINUTE_MS);
    expect(await of(`past-${turn}`)).toMatchObject({ stays: 'history', requests: [] });
    expect(await of(`diary-${turn}`)).toMatchObject({ stays: 'project', requests: [] });
    // Of the next ones only what moves is listed.
    expect((await look(open)).sessions).toMatchObject([{ key: held?.key, held_until_ms: until_ms }]);
    expect((await look(open, { project: 'api' })).sessions).toEqual([]);
    expect((await look(open, { project: 'web' })).sessions).toHaveLength(1);
    await expect(look(open, { session: 'nothing-of-it' })).rejects.toMatchObject({ code: 'session.unknown' });
  });
  // Once the hold is over.
  await opened(machine, async (open) => expect(requestsOf((await look(open)).sessions)).toHaveLength(1), {
    ahead_ms: 16 * MINUTE_MS,
  });
  expect(sent()).toEqual([]);
});

test('before a daemon ever delivered with the rules, as after a change of the configuration', TIMEOUT, async () => {
  configure('');
  await opened(machine, async () => undefined);
  say('web');
  await opened(machine, ({ flushed }) => flushed());
  configure(`${SHARED}hold = "0s"\n`);
  const preview = await machine.json<{ conversations: SessionsPreview }>(['preview', 'sessions']);
  expect(preview.conversations.sessions).toMatchObject([{ destination: 'team', requests: [{ kind: 'put' }] }]);
  expect(sent()).toEqual([]);
  await opened(machine, ({ flushed }) => flushed());
  expect(requestsOf(preview.conversations.sessions)).toEqual(sent());
});

test('without a team it shows what is kept here, masked', TIMEOUT, async () => {
  machine.configure('');
  const own = say('own', 'github.com/acme/web', { text: `token ${SECRET}` });
  const shown = await opened(machine, async (open) => {
    await open.flushed();
    return look(open, { session: own.id });
  });
  expect(shown.sessions).toMatchObject([{ destination: 'local', requests: [{ kind: 'put', messages: 4 }] }]);
  expect(shown.sessions[0]?.requests[0]?.body).toContain('answer about token');
  expect(JSON.stringify(shown)).not.toContain(SECRET);
});

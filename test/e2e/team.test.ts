/** A laptop and a real team server over HTTP: tokens, their end, a lost database, and a machine that joins late. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/platform/random.ts';
import type { FlushResult, Report } from '../../src/runtime/operator.ts';
import { until } from '../support/condition.ts';
import { writeConversations, type Truth } from '../support/conversations.ts';
import { freePort } from '../support/free-port.ts';
import { Growth } from '../support/growth.ts';
import { Machine } from '../support/machine.ts';
import { read } from '../support/page.ts';
import { canonicalDump, differences } from '../support/store-oracle.ts';
import { TEAM_ID, TEAM_SALT, joinTeam, joinedSince, makeToken, type MadeToken } from '../support/team.ts';
import { placeWorkedExample } from '../support/worked-example.ts';

const TIMEOUT = { timeout: 90_000 };

function talk(laptop: Machine, prefix: string, start_ms: number): Truth {
  const random = seededRandom(prefix.length + 11);
  const cwds = [laptop.checkout('github.com/acme/web'), laptop.checkout('github.com/acme/api')];
  const options = { random, prefix, cwds, conversations: 3, turns: 5, start_ms, span_ms: 1_000 };
  const { lines, truth } = writeConversations(options);
  new Growth(laptop.projects, lines, random).writeAll();
  return truth;
}

const both = (a: Truth, b: Truth): Truth => ({
  events: new Map([...a.events, ...b.events]),
  calls: new Map([...a.calls, ...b.calls]),
  sessions: new Set([...a.sessions, ...b.sessions]),
});

test('a token that ends stops the sending, and loses nothing', TIMEOUT, async () => {
  await using office = new Machine();
  await using laptop = new Machine();
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const first = await makeToken(office);
  const server = await office.server(port);
  const joined_ms = await joinedSince(laptop, { url, token: first.token });
  const store = { file: join(office.state, 'store.db'), salt: TEAM_SALT, team_id: TEAM_ID };

  const before = talk(laptop, 'before', joined_ms);
  const up = await laptop.up();
  expect(await laptop.json(['flush'])).toMatchObject({ remaining: 0, dead_letters: 0 });
  expect(await differences(store, before)).toEqual([]);

  expect(await office.run(['token', 'revoke', first.token_id, '--yes'])).toMatchObject({ exit: 0 });
  const after = talk(laptop, 'after', joined_ms);
  const status = await until('the laptop says that it is not allowed', async () => {
    const { destinations } = await laptop.status();
    return destinations.find(({ destination, circuit }) => destination === 'team' && circuit === 'open');
  });
  expect(status.last_error?.code).toBe('unauthorized');
  expect(status.dead_letters).toBe(0);
  const stuck = await laptop.json<FlushResult>(['flush', '--timeout', '1s'], 1);
  expect(stuck.remaining).toBeGreaterThanOrEqual(after.events.size);
  expect(await differences(store, before)).toEqual([]);
  expect(await up.stop()).toMatchObject({ exit: 143 });

  const second = await makeToken(office);
  expect(second.token).not.toBe(first.token);
  joinTeam(laptop, { url, token: second.token });
  expect(await laptop.json(['flush', '--timeout', '60s'])).toMatchObject({ remaining: 0, dead_letters: 0 });
  expect(await differences(store, both(before, after))).toEqual([]);
  // The laptop's token may send and nothing else (R6).
  const readable = await read(`${url}/v1/operate`, { authorization: `Bearer ${second.token}` });
  expect([401, 403, 404, 405]).toContain(readable.status);
  expect(await server.stop()).toMatchObject({ exit: 143, stderr: '' });
});

test('a lost database, imported again, changes nothing at the team', TIMEOUT, async () => {
  await using office = new Machine();
  await using laptop = new Machine();
  const port = await freePort();
  const { token } = await makeToken(office);
  const server = await office.server(port);
  const joined_ms = await joinedSince(laptop, { url: `http://127.0.0.1:${port}`, token });
  const truth = talk(laptop, 'lost', joined_ms);
  expect(await laptop.json(['flush'])).toMatchObject({ remaining: 0 });
  const file = join(office.state, 'store.db');
  const dump = canonicalDump(file);
  expect(dump.length).toBeGreaterThan(10_000);
  const began = beginningOf(laptop);

  for (const name of ['engine.db', 'store.db', 'labels.db'])
    for (const suffix of ['', '-wal', '-shm']) rmSync(join(laptop.state, name + suffix), { force: true });
  // The journal knew since when the team's salt is in force; with a new one, everything would be the past (R2).
  expect(await laptop.run(['status'])).toMatchObject({ exit: 0 });
  rememberBeginning(laptop, began);
  const again = await laptop.json<FlushResult>(['flush']);
  expect(again.remaining).toBe(0);
  expect(again.delivered).toBeGreaterThanOrEqual(2 * truth.events.size);

  expect(canonicalDump(file)).toBe(dump);
  const local = { file: join(laptop.state, 'store.db'), salt: TEAM_SALT, team_id: 'local' };
  expect(await differences(local, truth)).toEqual([]);
  expect(await server.stop()).toMatchObject({ exit: 143 });
});

test('a server shows its team, running or not, and reads nothing of its own machine', TIMEOUT, async () => {
  await using office = new Machine();
  await using laptop = new Machine();
  const port = await freePort();
  // No team is named anywhere: the server's own is meant.
  const { token } = await office.json<MadeToken>(['token', 'create', '--member', 'ada', '--device', 'laptop']);
  const server = await office.server(port);
  joinTeam(laptop, { url: `http://127.0.0.1:${port}`, token, id: null });
  talk(laptop, 'shown', Date.now() + 60_000);
  expect(await laptop.json(['flush'])).toMatchObject({ remaining: 0, dead_letters: 0 });

  placeWorkedExample(office);
  const report = ['telemetry', 'report', '--by', 'project', '--since', '3650d'];
  const shown = await office.json<Report>(report);
  expect(shown.rows.map((row) => (row as unknown as { project: string }).project).sort()).toEqual(['api', 'web']);
  expect(await office.run(['flush'])).toMatchObject({ exit: 0 });
  expect(await office.json(report)).toEqual(shown);
  expect(await server.stop()).toMatchObject({ exit: 143, stderr: '' });
  expect(await office.run(['flush'])).toMatchObject({ exit: 0 });
  expect(await office.json(report)).toEqual(shown);
});

function beginningOf(laptop: Machine): number {
  using db = new DatabaseSync(join(laptop.state, 'engine.db'), { readOnly: true });
  return Number(db.prepare('SELECT began_ms FROM telemetry_salt').get()?.['began_ms']);
}

function rememberBeginning(laptop: Machine, began_ms: number): void {
  using db = new DatabaseSync(join(laptop.state, 'engine.db'));
  db.prepare('UPDATE telemetry_salt SET began_ms = ?').run(began_ms);
}

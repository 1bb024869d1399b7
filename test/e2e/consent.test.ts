/** R1, R2: joining a team sends nothing of the past, and then only what belongs to the team's projects. */
import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/platform/random.ts';
import { loadHashing } from '../../src/redaction/hashing.ts';
import { writeConversations, type Truth } from '../support/conversations.ts';
import { FaultServer } from '../support/fault-server.ts';
import { Growth } from '../support/growth.ts';
import { Machine } from '../support/machine.ts';
import { TEAM_SALT, joinedSince } from '../support/team.ts';

const DAY_MS = 86_400_000;
const TIMEOUT = { timeout: 90_000 };

function write(machine: Machine, prefix: string, cwd: string, start_ms: number, span_ms: number): Truth {
  const random = seededRandom(prefix.length);
  const { lines, truth } = writeConversations({
    random,
    prefix,
    cwds: [cwd],
    conversations: 3,
    turns: 4,
    start_ms,
    span_ms,
  });
  new Growth(machine.projects, lines, random).writeAll();
  return truth;
}

test.each([
  ['captured before', true],
  ['never seen before', false],
])('a year of history, %s, stays here; new lines leave for the named projects only', TIMEOUT, async (_, captured) => {
  await using machine = new Machine();
  await using team = await FaultServer.start();
  const shared = machine.checkout('github.com/acme/web');
  const own = machine.checkout('github.com/ada/diary');
  const past = write(machine, 'past', shared, Date.now() - 365 * DAY_MS, 364 * DAY_MS);
  if (captured) expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });

  const joined_ms = await joinedSince(machine, { url: team.url, token: 't-secret' });
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  const up = await machine.up();
  expect(await machine.run(['telemetry', 'import'])).toMatchObject({ exit: 0 });
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  expect(await up.stop()).toMatchObject({ exit: 143 });
  expect({ requests: team.requests, connections: team.connections }).toEqual({ requests: [], connections: 0 });

  const fresh = write(machine, 'fresh', shared, joined_ms, 1_000);
  const diary = write(machine, 'diary', own, joined_ms, 1_000);
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  const hashing = await loadHashing();
  const hash = (text: string): string => hashing.hashWithSalt(TEAM_SALT, text);
  const sent = team.requests.map(({ body }) => body).join('\n');
  const found = (truth: Truth): number => [...truth.events.keys()].filter((id) => sent.includes(hash(id))).length;
  expect([found(past), found(fresh), found(diary)]).toEqual([0, fresh.events.size, 0]);
  expect(new Set(team.requests.map(({ workspace_hash }) => workspace_hash))).toEqual(
    new Set([hashing.workspaceHash(TEAM_SALT, 'github.com/acme/web')]),
  );
  expect(team.violations).toEqual([]);
  // Paths and native ids never stand on the wire, in either salt.
  for (const secret of [machine.home, 'session-past', 'session-fresh', 'diary'])
    expect(sent.includes(secret), secret).toBe(false);
});

test('without a team nothing can leave, and status says so', TIMEOUT, async () => {
  await using machine = new Machine();
  write(machine, 'alone', machine.checkout('github.com/acme/web'), Date.now() - DAY_MS, 1_000);
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  expect(await machine.json(['status'])).toMatchObject({
    nothing_leaves: true,
    destinations: [
      { destination: 'local', stream: 'telemetry' },
      { destination: 'local', stream: 'sessions' },
    ],
  });
});

test('a journal that is lost takes nothing from the team: what it had not got is sent after all', TIMEOUT, async () => {
  await using machine = new Machine();
  await using team = await FaultServer.start();
  const shared = machine.checkout('github.com/acme/web');
  const past = write(machine, 'past', shared, Date.now() - 30 * DAY_MS, 20 * DAY_MS);
  const joined_ms = await joinedSince(machine, { url: team.url, token: 't-secret' });
  const fresh = write(machine, 'fresh', shared, joined_ms, 1_000);
  for (const name of readdirSync(machine.state).filter((file) => file.startsWith('engine.db')))
    rmSync(join(machine.state, name));
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  const hashing = await loadHashing();
  const sent = team.requests.map(({ body }) => body).join('\n');
  const found = (truth: Truth): number =>
    [...truth.events.keys()].filter((id) => sent.includes(hashing.hashWithSalt(TEAM_SALT, id))).length;
  expect([found(past), found(fresh)]).toEqual([0, fresh.events.size]);
});

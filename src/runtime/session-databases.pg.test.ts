import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { promptLine } from '../../test/support/claude-transcripts.ts';
import { openDirectory, type OpenDirectory } from '../../test/support/open-directory.ts';
import { query, startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
import { systemClock } from '../platform/clock.ts';
import { seededRandom } from '../platform/random.ts';
import { systemTimers } from '../platform/timers.ts';
import { PostgresSessionStore } from '../sessions/store/postgres/postgres-session-store.ts';
import type { SessionFilter } from '../sessions/store/session-store.ts';
import { flush } from './flush.ts';

let postgres: TestPostgres;
let folder: string;
beforeAll(async () => {
  postgres = await startPostgres();
  folder = mkdtempSync(join(tmpdir(), 'syncline-databases-'));
  for (const project of ['web', 'payments']) mkdirSync(join(folder, project));
}, 60_000);
afterAll(async () => {
  await postgres.remove();
  rmSync(folder, { recursive: true });
});

const configOf = (url_file: string, hold = '1s'): string => `
[sessions]
hold = "${hold}"
[[sessions.destination]]
type = "postgres"
url = { file = "${url_file}" }
member = "ada"
projects = ["${folder}/web"]
`;

const MORNING = '2026-11-20T09:00:00.000Z';

/** A transcript of a project whose folder is there: what nobody can ask any more is never sent. */
function say({ home }: OpenDirectory, session: string, project: string, prompt: string, timestamp = MORNING): void {
  const parentUuid = timestamp === MORNING ? null : `${session}-${MORNING}`;
  const own = { sessionId: session, cwd: join(folder, project), timestamp, parentUuid };
  write(home, `-${project}/${session}.jsonl`, promptLine(`${session}-${timestamp}`, prompt, own));
}

/** Of a subagent that a session of the project `web` has at work: its line names the session. */
function saySubagent({ home }: OpenDirectory, session: string, agent: string, prompt: string): void {
  const own = { sessionId: session, agentId: agent, isSidechain: true, cwd: join(folder, 'web'), timestamp: MORNING };
  write(home, `-web/${session}/subagents/agent-${agent}.jsonl`, promptLine(`${agent}-0`, prompt, own));
}

function write(home: string, name: string, line: string): void {
  const file = join(dirname(home), 'claude', 'projects', name);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, line, { flag: 'a' });
}

/** As the team's members read it. */
function openTeamStore(url: string): Promise<PostgresSessionStore> {
  return PostgresSessionStore.open({ url, clock: systemClock, timers: systemTimers, random: seededRandom(1) });
}

test('conversations of the named projects reach a PostgreSQL, others stay at home', async () => {
  const url = await postgres.createDatabase();
  const url_file = join(folder, 'database');
  writeFileSync(url_file, `${url}\n`, { mode: 0o600 });
  await using own = await openDirectory(configOf(url_file));
  say(own, 'session-1', 'web', 'find the zebra');
  say(own, 'session-2', 'payments', 'nobody shares this');

  const flushed = await flush(own.directory, { stream: 'sessions', timeout_ms: 20_000 });

  expect(flushed.destinations).toEqual([
    { destination: 'local', stream: 'sessions', remaining: 0, reason: null, on_hold: null },
    { destination: 'postgres', stream: 'sessions', remaining: 0, reason: null, on_hold: null },
  ]);
  const rows = await query(url, 'SELECT team_id, member, project FROM syncline_sessions.session');
  expect(rows).toEqual([{ team_id: 'default', member: 'ada', project: 'web' }]);
  const { sessions } = own.directory;
  expect((await sessions?.store.totals({ team_id: 'local' }))?.sessions).toBe(2);
}, 60_000);

test('a database that is down is a destination that is not well; the local store goes on', async () => {
  const url_file = join(folder, 'closed');
  writeFileSync(url_file, 'postgres://ada:hunter2@127.0.0.1:1/none\n', { mode: 0o600 });
  await using own = await openDirectory(configOf(url_file));
  say(own, 'session-1', 'web', 'find the zebra');

  const { destinations } = await flush(own.directory, { stream: 'sessions', timeout_ms: 5_000 });

  expect(destinations).toMatchObject([
    { destination: 'local', remaining: 0 },
    { destination: 'postgres', remaining: 1, reason: expect.any(String) as string },
  ]);
  expect(JSON.stringify(destinations)).not.toContain('hunter2');
}, 60_000);

test('a turn that is too young stays out of a PostgreSQL, is told as on hold and not as a failure, and follows', async () => {
  const url = await postgres.createDatabase();
  const url_file = join(folder, 'held');
  writeFileSync(url_file, `${url}\n`, { mode: 0o600 });
  await using own = await openDirectory(configOf(url_file, '15m'));
  say(own, 'session-1', 'web', 'find the zebra');
  // Ten minutes before now, and a session of which nothing is old enough.
  const young = '2026-11-20T11:50:00.000Z';
  say(own, 'session-1', 'web', 'regret the quagga', young);
  say(own, 'session-2', 'web', 'regret the okapi', young);
  const flushed = async (): Promise<unknown> => {
    const { destinations } = await flush(own.directory, { stream: 'sessions', timeout_ms: 1_000 });
    return destinations.find(({ destination }) => destination === 'postgres');
  };
  const there = async (): Promise<string> =>
    JSON.stringify(await query(url, 'SELECT body FROM syncline_sessions.message'));
  const team = { destination: 'postgres', stream: 'sessions', remaining: 0, reason: null };

  expect(await flushed()).toEqual({
    ...team,
    on_hold: { items: 2, until_ms: Date.parse(young) + 15 * 60_000 },
  });
  expect(await there()).toContain('find the zebra');
  expect(await there()).not.toContain('regret');
  expect(await query(url, 'SELECT count(*)::int AS n FROM syncline_sessions.session')).toEqual([{ n: 1 }]);

  own.advance(5 * 60_000 + 1);
  expect(await flushed()).toEqual({ ...team, on_hold: null });
  for (const animal of ['zebra', 'quagga', 'okapi']) expect(await there()).toContain(animal);
}, 60_000);

test("a subagent's conversation stands below its parent, at home and in a PostgreSQL", async () => {
  const url = await postgres.createDatabase();
  const url_file = join(folder, 'subagents');
  writeFileSync(url_file, `${url}\n`, { mode: 0o600 });
  await using own = await openDirectory(configOf(url_file));
  say(own, 'session-1', 'web', 'find the zebra');
  saySubagent(own, 'session-1', 'aa11', 'search for stripes');
  await flush(own.directory, { stream: 'sessions', timeout_ms: 20_000 });

  const team = await openTeamStore(url);
  try {
    const stores = [
      { store: own.directory.sessions!.store, reader: { team_id: 'local' } },
      { store: team, reader: { team_id: 'default' } },
    ];
    for (const { store, reader } of stores) {
      const list = async (filter: SessionFilter): Promise<string[]> =>
        (await store.list(reader, filter, { limit: 10, after: null })).sessions.map(({ native_id }) => native_id);
      expect(await list({})).toEqual(['session-1']);
      expect((await list({ subagents: true })).sort()).toEqual(['agent-aa11', 'session-1']);
      const subagent = await store.find(reader, 'agent-aa11');
      const parent = await store.find(reader, 'session-1');
      expect(subagent).toMatchObject({ parent_key: parent?.key, relationship: 'subagent' });
      // The same tree from either end.
      for (const key of [parent!.key, subagent!.key])
        expect(await store.tree(reader, key)).toMatchObject({
          session: { native_id: 'session-1' },
          children: [{ session: { native_id: 'agent-aa11', relationship: 'subagent' }, children: [] }],
        });
      const [said] = await store.messages(reader, subagent!.key, 0, 10);
      expect(said?.content).toBe('search for stripes');
    }
  } finally {
    await team.close();
  }
}, 60_000);

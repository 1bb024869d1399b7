/** What a person asks of an open data directory: real databases, real transcripts, a clock of the test's own. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { openDirectory, type OpenDirectory } from '../../test/support/open-directory.ts';
import { FullError } from '../platform/errors.ts';
import { TELEMETRY_KINDS } from '../telemetry/wire/body.ts';
import { localOperator } from './local-operator.ts';
import type { Operator } from './operator.ts';
import { NOT_RUNNING } from './status-report.ts';
import { SERVER_TEAM, tokenVerbs } from './tokens.ts';

const MINUTE = 60_000;
/** Nobody listens there; the machine answers at once that nobody does. */
const TEAM = `
[team]
url = "http://127.0.0.1:1"
token = { file = "team.token" }
salt = { file = "team.salt" }
projects = ["/sample/web"]
`;

function operatorOf({ directory }: OpenDirectory): Operator {
  const tokens = tokenVerbs(directory.tokens(null), SERVER_TEAM);
  const verbs = { tokens, openLink: null, stop: null, wake: () => undefined };
  return localOperator(directory, NOT_RUNNING, verbs, 'cli');
}

test('a flush reads, delivers and says that nothing remains; a second one finds nothing', async () => {
  await using own = await openDirectory();
  own.say('session-1', 'web', 'one', 'two');
  const operator = operatorOf(own);
  const first = await operator.flush({ stream: 'telemetry', timeout_ms: 2_000 });
  expect(first).toEqual({
    delivered: 3,
    remaining: 0,
    unread: false,
    unreadable: 0,
    dead_letters: 0,
    destinations: [{ destination: 'local', stream: 'telemetry', remaining: 0, reason: null, on_hold: null }],
  });
  expect(await operator.flush({ stream: 'telemetry', timeout_ms: 2_000 })).toMatchObject({
    delivered: 0,
    remaining: 0,
  });
  expect(await operator.sessions({ since_ms: null, project: null, agent: null, limit: 10 })).toMatchObject([
    { session: 'session-1', project: 'web' },
  ]);
});

test('a status tells waiting, offline and paused apart', async () => {
  await using own = await openDirectory(TEAM);
  own.say('session-1', 'web', 'one');
  const operator = operatorOf(own);
  const team = async (): Promise<object | undefined> =>
    (await operator.status()).destinations.find(({ destination }) => destination === 'team');
  expect(await operator.status()).toMatchObject({ running: false, nothing_leaves: false, warnings: [] });

  const flushed = await operator.flush({ stream: 'telemetry', timeout_ms: 2_000 });
  expect(flushed).toMatchObject({ delivered: 2, remaining: 2 });
  expect(flushed.destinations).toEqual([
    { destination: 'local', stream: 'telemetry', remaining: 0, reason: null, on_hold: null },
    {
      destination: 'team',
      stream: 'telemetry',
      remaining: 2,
      reason: expect.stringMatching(/.+/) as string,
      on_hold: null,
    },
  ]);
  expect(await team()).toMatchObject({
    state: 'active',
    circuit: 'open',
    waiting: 2,
    acknowledged: 0,
    dead_letters: 0,
    offline_since_ms: expect.any(Number) as number,
    circuit_until_ms: expect.any(Number) as number,
  });

  expect(await operator.pause({ stream: null, destination: null, for_ms: null })).toEqual({ paused: ['team'] });
  expect(await team()).toMatchObject({ state: 'paused', waiting: 2 });
  expect((await operator.status()).warnings).toEqual(['team is paused; nothing of telemetry leaves to it']);
  expect((await operator.flush({ stream: 'telemetry', timeout_ms: 2_000 })).destinations[1]).toMatchObject({
    reason: 'paused',
  });
  expect(await operator.resume({ stream: null, destination: 'team' })).toEqual({ resumed: ['team'] });
  await expect(operator.pause({ stream: null, destination: 'elsewhere', for_ms: null })).rejects.toMatchObject({
    code: 'destination.unknown',
    hint: 'Known: local, team.',
  });
  const verbs = (await own.directory.engine.actions(10)).map(({ verb }) => verb);
  expect(verbs.toSorted()).toEqual(['flush', 'flush', 'pause', 'resume']);
});

test('a project that the team does not get waits for nobody there', async () => {
  await using own = await openDirectory(TEAM);
  own.say('session-1', 'private', 'one');
  expect(await operatorOf(own).flush({ stream: 'telemetry', timeout_ms: 2_000 })).toMatchObject({
    delivered: 2,
    remaining: 0,
  });
});

test('nothing is full until the journal refused something, and 20 days later a status warns', async () => {
  await using own = await openDirectory('[storage]\nmax_bytes = 67108864\n');
  const operator = operatorOf(own);
  own.say('session-1', 'web', 'one');
  await operator.flush({ stream: 'telemetry', timeout_ms: 2_000 });
  expect((await operator.status()).storage.full).toBe(false);

  const { sweep, engine } = own.directory;
  own.say('session-2', 'web', 'two');
  const refused = vi.spyOn(engine, 'appendTogether').mockRejectedValue(new FullError('no room'));
  await sweep.sweep(new AbortController().signal);
  expect(await operator.status()).toMatchObject({ storage: { full: true }, warnings: [] });
  own.advance(21 * 24 * 60 * MINUTE);
  expect((await operator.status()).warnings).toEqual([expect.stringContaining('nothing was read for 21 days')]);
  refused.mockRestore();
  await sweep.sweep(new AbortController().signal);
  expect(await operator.status()).toMatchObject({ storage: { full: false }, warnings: [] });
});

test('a preview shows the bytes that leave, of a session however deep it lies, and changes nothing', async () => {
  await using own = await openDirectory(TEAM);
  const prompts = Array.from({ length: 700 }, (_, i) => `prompt ${i}`);
  own.say('session-1', 'web', ...prompts);
  own.say('session-2', 'web', 'the last');
  own.say('session-3', 'private', 'not for the team');
  await own.directory.sweep.sweep(new AbortController().signal);
  const operator = operatorOf(own);
  const all = await operator.preview({ stream: null, project: null, session: null, limit: 10 });
  expect(all.map(({ destination, path, items }) => [destination, path, items])).toEqual([
    ['team', TELEMETRY_KINDS.events.path, 500],
    ['team', TELEMETRY_KINDS.sessions.path, 1],
  ]);
  for (const { body, bytes } of all) {
    expect(Buffer.byteLength(body)).toBe(bytes);
    expect(body).not.toMatch(/session-\d|prompt \d|the last|private/);
  }
  const [deep] = await operator.preview({ stream: null, project: 'web', session: 'session-2', limit: 1 });
  expect(deep).toMatchObject({ items: 1, path: TELEMETRY_KINDS.events.path });
  expect(await operator.preview({ stream: null, project: 'private', session: null, limit: 10 })).toEqual([]);
  expect(await operator.preview({ stream: 'memory', project: null, session: null, limit: 10 })).toEqual([]);
  const { waiting } = (await operator.status()).destinations[1] ?? {};
  expect(waiting).toBe(703);
});

test('an import takes a folder once; a folder or agent that is none is refused', async () => {
  await using own = await openDirectory();
  const folder = join(own.home, '..', 'elsewhere', '-sample-web');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'session-9.jsonl'), 'not JSON\n');
  own.say('session-1', 'web', 'one');
  const operator = operatorOf(own);
  expect(await operator.importTranscripts({ path: null, agent: 'claude' })).toEqual({
    files: 1,
    sessions: 1,
    new_entries: 2,
    skipped: {},
  });
  expect(await operator.importTranscripts({ path: null, agent: 'claude' })).toMatchObject({ new_entries: 0 });
  expect(await operator.importTranscripts({ path: join(folder, '..'), agent: 'claude' })).toMatchObject({
    files: 1,
    new_entries: 0,
    skipped: { malformed: 1 },
  });
  await expect(operator.importTranscripts({ path: join(folder, 'none'), agent: 'claude' })).rejects.toMatchObject({
    code: 'import.missing',
  });
  await expect(operator.importTranscripts({ path: null, agent: 'codex' })).rejects.toMatchObject({
    code: 'agent.unknown',
  });
});

test('a session is found by the beginning of its id, and an ambiguous one is not guessed', async () => {
  await using own = await openDirectory();
  own.say('aaaa-1', 'web', 'one');
  own.say('aaaa-2', 'web', 'two');
  const operator = operatorOf(own);
  await operator.flush({ stream: 'telemetry', timeout_ms: 2_000 });
  expect(await operator.session('aaaa-2')).toMatchObject({ session: 'aaaa-2' });
  await expect(operator.session('aaaa')).rejects.toMatchObject({ code: 'session.ambiguous' });
});

test('a token made where nothing runs is one for the server that will run here', async () => {
  await using own = await openDirectory();
  const made = await operatorOf(own).createToken({
    team_id: null,
    member: 'ann',
    device: 'laptop',
    scopes: ['ingest'],
  });
  expect(made).toMatchObject({ team_id: 'default', member: 'ann' });
});

/**
 * `kill -9` of a process that writes conversations: afterwards the store has one version, whole in every part of it
 * (messages, calls, index, title), never something of two. `SYNCLINE_CRASH_KILLS=200` is the long run.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, onTestFinished, test } from 'vitest';
import { systemClock } from '../../src/platform/clock.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { TEAM } from '../../src/sessions/store/contract/scene.ts';
import { SqliteSessionStore } from '../../src/sessions/store/sqlite/sqlite-session-store.ts';
import { Database } from '../../src/storage/sqlite/database.ts';
import { SESSION_KEY, versionNamed, versionOf } from '../support/session-versions.ts';
import { scratchDirectory } from '../support/scratch-directory.ts';

const KILLS = Number(process.env['SYNCLINE_CRASH_KILLS'] ?? 15);
const KILL_MS = 6_000;

test(
  `a store of conversations killed ${KILLS} times while it is written has one version, whole`,
  {
    timeout: 30_000 + KILLS * KILL_MS,
  },
  async () => {
    const folder = scratchDirectory();
    onTestFinished(folder.remove);
    const path = join(folder.path, 'sessions-store.db');
    const random = seededRandom(20261121);
    let version = 0;
    for (let round = 0; round < KILLS; round++) {
      const told = await writeAndDie(path, random.unit() * 120);
      const found = await soundVersion(path);
      // What was acknowledged is there; what was not may be.
      expect(found).toBeGreaterThanOrEqual(told);
      expect(found).toBeLessThanOrEqual(told + 1);
      expect(found).toBeGreaterThan(version);
      version = found;
    }
  },
);

/** Lets a process put versions and kills it some time after its first; returns the last version that it told. */
async function writeAndDie(path: string, after_ms: number): Promise<number> {
  const script = new URL('../support/put-until-killed.ts', import.meta.url);
  const child = spawn(process.execPath, [script.pathname, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  let told = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (told += text));
  const ended = once(child, 'close');
  await once(child.stdout, 'data');
  await sleep(after_ms);
  child.kill('SIGKILL');
  await ended;
  // A line that was cut off counts as not told.
  return Number(told.slice(0, told.lastIndexOf('\n')).split('\n').at(-1));
}

/** The version that the store has, after every part of it was compared with that version. */
async function soundVersion(path: string): Promise<number> {
  const store = new SqliteSessionStore(path, { clock: systemClock });
  const reader = { team_id: TEAM };
  const state = await store.state(TEAM, SESSION_KEY);
  const version = versionNamed(state?.fingerprint ?? null);
  const expected = versionOf(version);
  const messages = expected.segments.flatMap((segment) => segment.messages);
  expect(state?.segment_hashes).toEqual(expected.segment_hashes);
  expect(await store.messages(reader, SESSION_KEY, 0, 1000)).toEqual(messages);
  expect(await store.find(reader, SESSION_KEY)).toMatchObject({ title: `version${version}` });
  const found = async (text: string): Promise<number> =>
    (await store.search(reader, { text }, { limit: 1, after: null })).total;
  expect(await found(`version${version}`)).toBe(messages.length + 1);
  expect(await found('version*')).toBe(messages.length + 1);
  await store.close();

  const db = new Database(path);
  expect(db.value<string>('PRAGMA integrity_check')).toBe('ok');
  db.run(`INSERT INTO search (search) VALUES ('integrity-check')`);
  const calls = messages.flatMap(({ tool_calls }) => tool_calls).length;
  expect(db.value<number>('SELECT count(*) FROM tool_call')).toBe(calls);
  expect(db.value<number>('SELECT count(*) FROM document')).toBe(messages.length + 1);
  db.close();
  return version;
}

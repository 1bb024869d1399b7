import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AgentsviewWriter } from '../../test/support/agentsview-databases.ts';
import { sessionPlaces, type SessionPlace } from './session-places.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-places-'));
  mkdirSync(join(folder, 'claude', 'projects'), { recursive: true });
});

afterEach(() => rmSync(folder, { recursive: true }));

function places(): Pick<SessionPlace, 'reader' | 'in_use' | 'newer' | 'problem'>[] {
  const env = { HOME: folder, AGENTSVIEW_DATA_DIR: folder, CLAUDE_CONFIG_DIR: join(folder, 'claude') };
  return sessionPlaces(env, Date.now()).map(({ reader, in_use, newer, problem }) => ({
    reader,
    in_use,
    newer,
    problem,
  }));
}

const transcripts = { reader: 'claude transcripts', in_use: true, newer: false, problem: null };
const database = { reader: 'agentsview', in_use: true, newer: false, problem: null };

test("agentsview's database is in use where it is, else Claude Code's files", () => {
  expect(places()).toEqual([{ ...database, in_use: false }, transcripts]);
  using writer = new AgentsviewWriter(join(folder, 'sessions.db'));
  expect(places()).toEqual([database, { ...transcripts, in_use: false }]);
  writer.run('PRAGMA user_version = 9999');
  expect(places()[0]).toEqual({ ...database, newer: true });
});

test("Claude Code's files are read while agentsview stands still, and it is said", () => {
  const file = join(folder, 'sessions.db');
  new AgentsviewWriter(file)[Symbol.dispose]();
  const days_ago = (days: number): number => Date.now() / 1000 - days * 86_400;
  const transcript = join(folder, 'claude', 'projects', '-src-web', 'one.jsonl');
  mkdirSync(join(folder, 'claude', 'projects', '-src-web'));
  writeFileSync(transcript, '');
  const at = (database: number, said: number): void => {
    for (const name of readdirSync(folder)) if (name.startsWith('sessions.db')) touch(join(folder, name), database);
    touch(transcript, said);
  };
  const touch = (path: string, days: number): void => utimesSync(path, days_ago(days), days_ago(days));
  at(5, 1);
  expect(places()).toEqual([{ ...database, in_use: false }, transcripts]);
  const env = { HOME: folder, AGENTSVIEW_DATA_DIR: folder, CLAUDE_CONFIG_DIR: join(folder, 'claude') };
  expect(sessionPlaces(env, Date.now())[0]?.behind).toMatch(/^agentsview has written nothing for 5 days/);
  // Nothing newer was said, or only of the days that agentsview may rest.
  for (const [written, said] of [
    [5, 6],
    [5, 3.5],
    [1, 0],
  ] as const) {
    at(written, said);
    expect(places(), `${written} ${said}`).toEqual([database, { ...transcripts, in_use: false }]);
  }
});

test('a file that is no database is told, not thrown', () => {
  writeFileSync(join(folder, 'sessions.db'), 'no database '.repeat(100));
  expect(places()[0]?.problem).toMatch(/./);
});

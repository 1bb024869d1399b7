import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
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
  return sessionPlaces(env).map(({ reader, in_use, newer, problem }) => ({ reader, in_use, newer, problem }));
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

test('a file that is no database is told, not thrown', () => {
  writeFileSync(join(folder, 'sessions.db'), 'no database '.repeat(100));
  expect(places()[0]?.problem).toMatch(/./);
});

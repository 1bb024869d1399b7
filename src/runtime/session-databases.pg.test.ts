import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { promptLine } from '../../test/support/claude-transcripts.ts';
import { openDirectory, type OpenDirectory } from '../../test/support/open-directory.ts';
import { query, startPostgres, type TestPostgres } from '../../test/support/postgres.ts';
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

const configOf = (url_file: string): string => `
[sessions]
hold = "1s"
[[sessions.destination]]
type = "postgres"
url = { file = "${url_file}" }
member = "ada"
projects = ["${folder}/web"]
`;

/** A transcript of a project whose folder is there: what nobody can ask any more is never sent. */
function say({ home }: OpenDirectory, session: string, project: string, prompt: string): void {
  const file = join(dirname(home), 'claude', 'projects', `-${project}`, `${session}.jsonl`);
  mkdirSync(dirname(file), { recursive: true });
  const own = { sessionId: session, cwd: join(folder, project), timestamp: '2026-11-20T09:00:00.000Z' };
  writeFileSync(file, promptLine(`${session}-0`, prompt, own));
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

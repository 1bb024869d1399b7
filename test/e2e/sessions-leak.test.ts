/**
 * P3, S3 for conversations: no planted secret anywhere, and no text of a conversation anywhere but, masked, in the store:
 * not in the journal, the links, a dead letter, a log, or what an error prints.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../support/condition.ts';
import { FaultServer } from '../support/fault-server.ts';
import { PLANTED, leaksIn, leaksInDatabase, leaksInFiles } from '../support/leak-search.ts';
import { Machine } from '../support/machine.ts';
import { spokenTurn, transcriptPath } from '../support/spoken-session.ts';
import { joinedSince } from '../support/team.ts';

/** Stands in every message. */
const SENTINEL = 'heliotrope';
const TURNS_PER_SESSION = 12;

/** Every planted text once, as prompt, answer, input and output of a tool, in a few sessions. */
function plant(machine: Machine, cwd: string): number {
  const sessions = Math.ceil(PLANTED.length / TURNS_PER_SESSION);
  for (let i = 0; i < sessions; i++) {
    const turns = PLANTED.slice(i * TURNS_PER_SESSION, (i + 1) * TURNS_PER_SESSION);
    const session = { id: `planted-${i}`, cwd, at_ms: Date.now(), apart_ms: 1 };
    const lines = turns.map(({ text }, turn) => spokenTurn({ ...session, text: `${SENTINEL}\n${text}\n` }, turn));
    machine.write(transcriptPath(session), lines.join(''));
  }
  return sessions;
}

/** Files below the folder that hold the word; the store of conversations may. */
function filesWith(folder: string, word: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && !entry.name.startsWith('session-store.db'))
    .map(({ parentPath, name }) => join(parentPath, name))
    .filter((file) => readFileSync(file).includes(word));
}

test('no secret is anywhere, and no text but in the store', { timeout: 120_000 }, async () => {
  await using machine = new Machine();
  // A server that says back what it was sent, so that its answers hold text.
  await using team = await FaultServer.start(({ path, body }) =>
    path.startsWith('/v1/transcripts')
      ? { status: 400, body: JSON.stringify({ code: 'schema', message: `cannot take ${body.slice(-2_000)}` }) }
      : null,
  );
  const more = '[sessions]\nshare = "all"\nhold = "0s"\n';
  await joinedSince(machine, { url: team.url, token: 't-plain', more });
  const cwd = machine.checkout('github.com/acme/web');
  const sessions = plant(machine, cwd);

  const up = await machine.up();
  await until(
    'everything is stored here, and some of it refused there',
    async () => {
      const { conversations, destinations } = await machine.status();
      const there = destinations.find(({ stream, destination }) => stream === 'sessions' && destination === 'team');
      const refused = (there?.dead_letters ?? 0) > 0 || (there?.held.length ?? 0) > 0;
      return conversations?.sessions === sessions && refused;
    },
    { within_ms: 60_000, every_ms: 200 },
  );
  {
    await using operator = machine.operator();
    const page = { limit: 100, after: null };
    const { hits } = await operator.searchConversations({ search: { text: SENTINEL }, page });
    expect(hits.length).toBeGreaterThan(0);
    expect(leaksIn('a search', JSON.stringify(hits))).toEqual([]);
    const said = JSON.stringify([await operator.deadLetters({}), await operator.status()]);
    expect([said.includes(SENTINEL), leaksIn('what is said of it', said)]).toEqual([false, []]);
  }
  const wrong = await machine.run(['sessions', 'show', `${SENTINEL}-unknown`]);
  expect(wrong.exit).not.toBe(0);
  expect(await up.stop()).toMatchObject({ exit: 143 });

  const sent = team.requests.map(({ body }) => body).join('\n');
  expect(sent).toContain(SENTINEL);
  expect(leaksIn('on the wire', sent)).toEqual([]);
  expect(leaksInFiles(machine.state)).toEqual([]);
  for (const name of ['sessions.db', 'session-store.db'])
    expect(leaksInDatabase(join(machine.state, name))).toEqual([]);
  expect(filesWith(machine.state, SENTINEL)).toEqual([]);
  // No path of a person's: not in what is kept, logged or printed besides the state directory's own.
  for (const path of [cwd, machine.projects]) expect(filesWith(machine.state, path)).toEqual([]);
  expect(leaksIn('printed', machine.printed())).toEqual([]);
  for (const word of [SENTINEL, cwd, machine.projects]) expect(up.stderr.includes(word), word).toBe(false);
  // Proof that the search is one: what is looked for does stand in the agent's own files, and the text in the store.
  expect(leaksInFiles(machine.projects).length).toBeGreaterThanOrEqual(PLANTED.length);
  expect(existsSync(join(machine.state, 'session-store.db'))).toBe(true);
});

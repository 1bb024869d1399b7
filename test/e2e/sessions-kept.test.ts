/** R12 for conversations: what agents delete stays, and is found; installing agentsview later doubles nothing. */
import { mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { SearchHit, SessionSummary } from '../../src/sessions/store/session-store.ts';
import { AgentsviewWriter } from '../support/agentsview-databases.ts';
import { Machine } from '../support/machine.ts';
import { opened, sourceIn } from '../support/open-machine.ts';
import { speak } from '../support/spoken-session.ts';

const TIMEOUT = { timeout: 90_000 };
const MANY = 12;
const HOUR_MS = 3_600_000;

/** Sessions that each have a word of their own and one in common. */
function speakMany(machine: Machine): string[] {
  const cwd = machine.checkout('github.com/acme/web');
  const ids = Array.from({ length: MANY }, (_, i) => `session-${i}`);
  for (const [i, id] of ids.entries())
    speak(machine, { id, cwd, at_ms: Date.now() - HOUR_MS + i * 1_000, text: textOf(id), turns: 2 });
  return ids.sort();
}

const textOf = (id: string): string => `walrus word${id.split('-')[1] ?? ''}`;
const idsOf = (sessions: readonly SessionSummary[]): string[] => sessions.map(({ native_id }) => native_id).sort();
const idsFound = (hits: readonly SearchHit[]): string[] =>
  [...new Set(hits.map(({ session }) => session.native_id))].sort();

test('a transcript tree that is deleted whole takes nothing along', TIMEOUT, async () => {
  await using machine = new Machine();
  const ids = speakMany(machine);
  // Once as a person does; after that in this process, where each step takes no start of a program.
  expect(await machine.json(['flush'])).toMatchObject({ remaining: 0, dead_letters: 0 });
  const found = await machine.run(['sessions', 'search', 'word7']);
  expect(found.exit).toBe(0);
  expect(found.stdout).toContain('walrus word7');

  rmSync(machine.projects, { recursive: true });
  mkdirSync(machine.projects);
  await opened(machine, async (open) => {
    expect(await open.flushed()).toMatchObject({ remaining: 0 });
    // More than a tenth at once may be an unmounted disk: it is said, and nothing is even marked.
    const braked = await open.status();
    expect(braked.conversations).toMatchObject({ sessions: MANY });
    expect(sourceIn(braked)).toMatchObject({ paused: { vanished: MANY, known: MANY }, sessions: MANY, gone: 0 });
    expect(braked.warnings).toEqual([expect.stringMatching(/^12 of 12 sessions are missing in claude transcripts/)]);
    expect(new Set((await open.listed()).map(({ presence }) => presence.kind))).toEqual(new Set(['present']));
  });

  await opened(machine, async (open) => {
    await open.replaySessions({ confirm_vanished: true });
    expect(await open.flushed()).toMatchObject({ remaining: 0 });
    expect(idsOf(await open.listed())).toEqual(ids);
    expect(new Set((await open.listed()).map(({ presence }) => presence.kind))).toEqual(new Set(['source_gone']));
    expect(idsFound(await open.found('output walrus'))).toEqual(ids);
    const after = await open.status();
    expect(after.warnings).toEqual([]);
    expect(sourceIn(after)).toMatchObject({ paused: null, sessions: 0, gone: MANY });
  });
  const shown = await machine.run(['sessions', 'show', 'session-7']);
  expect(shown.stdout).toContain('answer about walrus word7');
  expect(shown.stdout).toMatch(/source +gone since/);
});

test('a few that vanish are marked at once, and are present again when they come back', TIMEOUT, async () => {
  await using machine = new Machine();
  const ids = speakMany(machine);
  const cwd = machine.checkout('github.com/acme/web');
  const again = { id: 'session-3', cwd, at_ms: Date.now() - HOUR_MS, text: textOf('session-3'), turns: 2 };
  const kinds = (): Promise<Map<string, string>> =>
    opened(machine, async ({ flushed, listed }) => {
      await flushed();
      return new Map((await listed()).map(({ native_id, presence }) => [native_id, presence.kind]));
    });
  expect((await kinds()).get('session-3')).toBe('present');
  rmSync(speak(machine, again));
  const without = await kinds();
  expect([without.size, without.get('session-3'), without.get('session-4')]).toEqual([
    ids.length,
    'source_gone',
    'present',
  ]);
  speak(machine, again);
  expect((await kinds()).get('session-3')).toBe('present');
});

test('agentsview, installed later, tells the same sessions: none is doubled', TIMEOUT, async () => {
  await using machine = new Machine();
  const ids = speakMany(machine);
  const seen = (): Promise<{ list: SessionSummary[]; hits: SearchHit[]; label: unknown }> =>
    opened(machine, async (open) => {
      expect(await open.flushed()).toMatchObject({ remaining: 0, dead_letters: 0 });
      const { label } = sourceIn(await open.status()) as { label: string };
      return { list: await open.listed(), hits: await open.found('output walrus'), label };
    });
  const before = await seen();
  expect([before.label, idsOf(before.list)]).toEqual(['claude transcripts', ids]);

  mkdirSync(join(machine.home, '.agentsview'));
  using writer = new AgentsviewWriter(join(machine.home, '.agentsview', 'sessions.db'));
  const cwd = machine.checkout('github.com/acme/web');
  for (const id of ids) talkInAgentsview(writer, id, { agent: 'claude', cwd });
  const after = await seen();
  expect([after.label, idsOf(after.list)]).toEqual(['agentsview', ids]);
  const keys = (list: readonly SessionSummary[]): string[] => list.map(({ key }) => key).sort();
  expect(keys(after.list)).toEqual(keys(before.list));
  expect(after.hits.length).toBe(before.hits.length);

  talkInAgentsview(writer, 'codex:other', { agent: 'codex', cwd });
  expect(idsOf((await seen()).list)).toEqual(['codex:other', ...ids]);
});

test('agentsview that stands still hides nothing of what Claude Code goes on to say', TIMEOUT, async () => {
  await using machine = new Machine();
  const ids = speakMany(machine);
  const folder = join(machine.home, '.agentsview');
  mkdirSync(folder);
  const cwd = machine.checkout('github.com/acme/web');
  using writer = new AgentsviewWriter(join(folder, 'sessions.db'));
  for (const id of [...ids, 'codex:other'])
    talkInAgentsview(writer, id, { agent: id.startsWith('codex') ? 'codex' : 'claude', cwd });
  const seen = (): Promise<{ ids: string[]; label: unknown; warnings: string[] }> =>
    opened(machine, async (open) => {
      expect(await open.flushed()).toMatchObject({ remaining: 0, dead_letters: 0 });
      const status = await open.status();
      const { label } = sourceIn(status) as { label: string };
      return { ids: idsOf(await open.listed()), label, warnings: status.warnings };
    });
  expect(await seen()).toEqual({ ids: ['codex:other', ...ids], label: 'agentsview', warnings: [] });

  // It was not started for five days.
  const then = Date.now() / 1000 - 5 * 86_400;
  for (const name of readdirSync(folder)) utimesSync(join(folder, name), then, then);
  speak(machine, { id: 'unseen', cwd, at_ms: Date.now(), text: 'walrus word99' });
  const behind = await seen();
  expect([behind.label, behind.ids]).toEqual(['claude transcripts', ['codex:other', ...ids, 'unseen'].sort()]);
  expect(behind.warnings).toEqual([
    expect.stringMatching(/^agentsview has written nothing for 5 days .* start agentsview/),
  ]);

  // And started again: it tells the same sessions, and none is doubled.
  writer.run('PRAGMA user_version = 9999');
  talkInAgentsview(writer, 'unseen', { agent: 'claude', cwd });
  const again = await seen();
  expect([again.label, again.ids]).toEqual(['agentsview', behind.ids]);
  expect(again.warnings).toEqual([expect.stringMatching(/^a newer agentsview/)]);
});

/** The two turns of `speakMany` as agentsview has them. */
function talkInAgentsview(writer: AgentsviewWriter, id: string, fields: { agent: string; cwd: string }): void {
  const text = textOf(id);
  const timestamp = new Date(Date.now() - HOUR_MS).toISOString();
  const created_at = new Date().toISOString();
  writer.session(id, { ...fields, created_at, started_at: timestamp, ended_at: timestamp, user_message_count: 2 });
  for (const turn of [0, 1]) {
    const said = `${text} turn ${turn}`;
    writer.message(id, 2 * turn, { content: said, timestamp });
    const answer = { role: 'assistant', content: `answer about ${said}`, timestamp, has_tool_use: 1 };
    const message_id = writer.message(id, 2 * turn + 1, answer);
    const result = { result_content: `output of ${said}`, call_index: 0 };
    writer.call(id, message_id, { tool_use_id: `t${turn}`, input_json: '{}', ...result });
  }
}

/**
 * P3: no byte of any positive example of the rule set in any file of the data directory (spool, databases, WAL, log), on
 * the wire, in what is printed, or on a page, wherever an agent may have said it.
 */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import type { SessionRow } from '../../src/runtime/operator.ts';
import {
  assistantLine,
  promptLine,
  resultLine,
  toolUse,
  transcriptLine,
  type LineFields,
} from '../support/claude-transcripts.ts';
import { until } from '../support/condition.ts';
import { FaultServer } from '../support/fault-server.ts';
import { PLANTED, leaksIn, leaksInDatabase, leaksInFiles } from '../support/leak-search.ts';
import { bundleHook, runHook } from '../support/hook.ts';
import { Machine } from '../support/machine.ts';
import { Browser } from '../support/page.ts';
import { joinedSince } from '../support/team.ts';

const HOOK_PAYLOADS = 6;

beforeAll(bundleHook);

describe.each(['redacted', 'none'] as const)('content = "%s"', (content) => {
  test('no planted secret is anywhere', { timeout: 120_000 }, async () => {
    await using machine = new Machine();
    await using team = await FaultServer.start(({ items, path }) =>
      // Some items become dead letters, which keep a copy.
      path === '/v1/events' && items.some(isRefused)
        ? { status: 400, body: JSON.stringify({ errors: indexesOf(items) }) }
        : null,
    );
    const joined_ms = await joinedSince(machine, { url: team.url, token: 't-plain', content });
    const cwd = machine.checkout('github.com/acme/web');
    for (const [i, { text }] of PLANTED.entries())
      machine.write(`.claude/projects/-p/session-${i}.jsonl`, conversation(`session-${i}`, cwd, text, joined_ms + i));
    await sendHooks(machine, cwd);
    const spool = join(machine.state, 'spool');
    expect(readdirSync(spool).length).toBeGreaterThan(0);
    expect(leaksInFiles(spool)).toEqual([]);

    const up = await machine.up();
    const { url } = await up.ready();
    await until(
      'everything is delivered or set aside',
      async () => {
        const { destinations, sources } = await machine.status();
        const read = sources.some(({ files, read_bytes, bytes }) => files === PLANTED.length && read_bytes === bytes);
        return read && destinations.every(({ waiting }) => waiting === 0);
      },
      { within_ms: 60_000, every_ms: 200 },
    );
    expect(team.requests.length).toBeGreaterThan(0);

    const browser = await Browser.signIn(url);
    expect(leaksIn('the page', (await browser.get('/?since=all&rows=all')).body)).toEqual([]);
    const { sessions } = await machine.json<{ sessions: SessionRow[] }>(['telemetry', 'list', '--limit', '1000']);
    expect(sessions.length).toBeGreaterThanOrEqual(PLANTED.length);
    for (const { session } of sessions.slice(0, 20))
      expect(leaksIn('a session page', (await browser.get(`/sessions/${encodeURIComponent(session)}`)).body)).toEqual(
        [],
      );
    await machine.run(['telemetry', 'show', sessions[0]?.session ?? '']);
    for (const args of [['preview'], ['status'], ['dead-letters', 'list'], ['telemetry', 'report', '--by', 'model']])
      expect(await machine.run(args)).toMatchObject({ exit: 0 });
    const { dead_letters } = await machine.json<{ dead_letters: { dead_letter_id: string }[] }>([
      ...['dead-letters', 'list', '--limit', '1000'],
    ]);
    expect(dead_letters.length).toBeGreaterThan(0);
    await machine.run(['dead-letters', 'show', dead_letters[0]?.dead_letter_id ?? '']);

    expect(leaksInFiles(machine.state)).toEqual([]);
    expect(await up.stop()).toMatchObject({ exit: 143 });
    expect(leaksInFiles(machine.state)).toEqual([]);
    for (const name of ['engine.db', 'store.db', 'labels.db'])
      expect(leaksInDatabase(join(machine.state, name))).toEqual([]);
    expect(leaksIn('printed', machine.printed())).toEqual([]);
    expect(leaksIn('on the wire', team.requests.map(({ body }) => body).join('\n'))).toEqual([]);
    // Proof that the search is one: the agent's own files hold all of it.
    expect(leaksInFiles(machine.projects).length).toBeGreaterThanOrEqual(PLANTED.length);
    if (content === 'redacted') expect(team.requests.some(({ body }) => body.includes('REDACTED'))).toBe(true);
  });
});

/** An eighth of the errors. */
function isRefused(item: string): boolean {
  const { kind, event_seq } = JSON.parse(item) as { kind?: string; event_seq?: number };
  return kind === 'error' && (event_seq ?? 0) % 8 === 0;
}

function indexesOf(items: readonly string[]): object[] {
  return items.flatMap((item, index) => (isRefused(item) ? [{ index, code: 'refused', message: 'not today' }] : []));
}

/** A session in which the text stands wherever a person, a model or a tool can put one. */
function conversation(session: string, cwd: string, text: string, start_ms: number): string {
  const fields = { sessionId: session, cwd, gitBranch: text, version: text };
  const at = (step: number): LineFields => ({ ...fields, timestamp: new Date(start_ms + step).toISOString() });
  const id = (what: string): string => `${what}-${session}`;
  const calls = [
    toolUse(`toolu_1${session}`, 'Bash', { command: text, description: text }),
    toolUse(`toolu_2${session}`, text, { file_path: text, content: text, nested: { [text]: [text, { text }] } }),
  ];
  return [
    transcriptLine({ type: 'ai-title', aiTitle: text, ...at(0) }),
    promptLine(id('u1'), text, at(1)),
    promptLine(id('u2'), [{ type: 'text', text }], { ...at(2), promptSource: text }),
    assistantLine({
      uuid: id('a1'),
      id: `msg_${session}`,
      model: text,
      content: [{ type: 'text', text }, ...calls],
      stop_reason: 'tool_use',
      fields: { ...at(3), entrypoint: text },
    }),
    resultLine(
      id('r1'),
      `toolu_1${session}`,
      { ...at(4), toolUseResult: { stdout: text, stderr: text } },
      { content: text },
    ),
    resultLine(
      id('r2'),
      `toolu_2${session}`,
      { ...at(5), toolUseResult: text },
      {
        content: [{ type: 'text', text }],
        is_error: true,
      },
    ),
    transcriptLine({
      type: 'system',
      subtype: 'api_error',
      uuid: id('e1'),
      content: text,
      error: { message: text },
      ...at(6),
    }),
    transcriptLine({
      type: 'attachment',
      uuid: id('q1'),
      attachment: { type: 'queued_command', commandMode: 'prompt', prompt: text },
      ...at(7),
    }),
    transcriptLine({ type: text, uuid: id('x1'), ...at(8) }),
    assistantLine({ uuid: id('s1'), id: text, model: '<synthetic>', content: [{ type: 'text', text }], fields: at(9) }),
    promptLine(id('u3'), 'the end', at(10)),
  ].join('');
}

/** Hooks while nothing runs: their records rest in the spool. */
async function sendHooks(machine: Machine, cwd: string): Promise<void> {
  expect(existsSync(join(machine.state, 'hook.json'))).toBe(true);
  const size = Math.ceil(PLANTED.length / HOOK_PAYLOADS);
  for (let i = 0; i < HOOK_PAYLOADS; i++) {
    const texts = PLANTED.slice(i * size, (i + 1) * size).map(({ text }) => text);
    const text = texts.join('\n');
    const common = { session_id: `session-${i}`, transcript_path: text, cwd, permission_mode: text, model: text };
    const payloads = [
      { hook_event_name: 'UserPromptSubmit', prompt: text, title: text },
      {
        hook_event_name: 'PostToolUse',
        tool_name: text,
        tool_use_id: text,
        tool_input: texts,
        tool_response: { text },
      },
      { hook_event_name: text, reason: text, error: text },
    ];
    for (const payload of payloads) await runHook(machine, { ...common, ...payload });
  }
}

/** What a person does to a running Syncline from another process, and the exit codes that scripts rely on. */
import { existsSync, statSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { seededRandom } from '../../src/platform/random.ts';
import type { DeadLetterRow, PreviewBatch, StatusReport } from '../../src/runtime/operator.ts';
import { until } from '../support/condition.ts';
import { writeConversations, type Truth } from '../support/conversations.ts';
import { FaultServer, type Script } from '../support/fault-server.ts';
import { Growth } from '../support/growth.ts';
import { Machine } from '../support/machine.ts';
import { joinTeam, joinedSince } from '../support/team.ts';

const TIMEOUT = { timeout: 120_000 };
/** Each look is a process. */
const SLOWLY = { every_ms: 250 };

function talk(machine: Machine, prefix: string, start_ms: number, turns = 4): Truth {
  const random = seededRandom(prefix.length);
  const cwds = [machine.checkout('github.com/acme/web')];
  const { lines, truth } = writeConversations({
    ...{ random, prefix, cwds, conversations: 1, turns },
    ...{ start_ms, span_ms: 1_000 },
  });
  new Growth(machine.projects, lines, random).writeAll();
  return truth;
}

async function team(machine: Machine): Promise<StatusReport['destinations'][number]> {
  const { destinations } = await machine.status();
  return destinations.find(({ destination }) => destination === 'team')!;
}

test('pause holds everything back, over a restart, until resume', TIMEOUT, async () => {
  await using machine = new Machine();
  await using server = await FaultServer.start();
  const joined_ms = await joinedSince(machine, { url: server.url, token: 't-secret' });
  talk(machine, 'first', joined_ms);
  const up = await machine.up();
  const ready = await up.ready();
  await until('the first words are delivered', async () => {
    const { waiting, acknowledged } = await team(machine);
    return acknowledged > 0 && waiting === 0;
  });
  const running = await machine.json<StatusReport>(['status']);
  expect(running).toMatchObject({ running: true, pid: ready.pid, url: new URL(ready.url).origin });
  expect(running.loops.map(({ name, state }) => [name, state])).toEqual(
    expect.arrayContaining([
      ['transcripts', 'running'],
      ['deliver team', 'running'],
      ['deliver local', 'running'],
    ]),
  );

  expect(await machine.run(['pause'])).toMatchObject({ exit: 0 });
  const sent = server.requests.length;
  const second = talk(machine, 'second', joined_ms);
  // Capture goes on: what was said meanwhile is in the journal and at home.
  await until('the second words wait', async () => (await team(machine)).waiting >= second.events.size);
  await until('they are at home', async () => (await machine.status()).destinations[0]?.waiting === 0);
  expect(await up.stop()).toMatchObject({ exit: 143 });
  const again = await machine.up();
  expect(await team(machine)).toMatchObject({ state: 'paused' });
  const flushed = await machine.run(['flush', '--timeout', '1s']);
  expect(flushed.exit).toBe(1);
  expect(flushed.stderr).toContain('paused');
  expect(server.requests.length).toBe(sent);

  expect(await machine.run(['resume'])).toMatchObject({ exit: 0 });
  await until('they are delivered', async () => (await team(machine)).waiting === 0);
  expect(server.requests.length).toBeGreaterThan(sent);
  expect(await again.stop()).toMatchObject({ exit: 143 });
});

test('a pause of some seconds ends by itself', TIMEOUT, async () => {
  await using machine = new Machine();
  await using server = await FaultServer.start();
  const joined_ms = await joinedSince(machine, { url: server.url, token: 't-secret' });
  // Without any transcript the sample would be shown.
  talk(machine, 'past', joined_ms - 60_000);
  const up = await machine.up();
  expect(await machine.run(['pause', '--to', 'team', '--for', '3s'])).toMatchObject({ exit: 0 });
  talk(machine, 'soon', joined_ms);
  await until('the words wait', async () => (await team(machine)).waiting > 0);
  await until('they are delivered', async () => (await team(machine)).waiting === 0);
  expect(server.requests.length).toBeGreaterThan(0);
  expect(await up.stop()).toMatchObject({ exit: 143 });
});

test('dead letters: listed, shown, tried again, given up', TIMEOUT, async () => {
  const isBad = (item: string): boolean => item.includes('"kind":"tool_result"') && item.includes('"failed"');
  const refusing: Script = ({ items }) => {
    const errors = items.flatMap((item, index) =>
      isBad(item) ? [{ index, code: 'too_sad', message: 'no failures please', field: 'outcome' }] : [],
    );
    return errors.length === 0 ? null : { status: 422, body: JSON.stringify({ errors }) };
  };
  await using machine = new Machine();
  await using server = await FaultServer.start(refusing);
  const joined_ms = await joinedSince(machine, { url: server.url, token: 't-secret' });
  const truth = talk(machine, 'letters', joined_ms, 10);
  const bad = [...truth.events.values()].filter(({ outcome }) => outcome === 'failed').length;
  expect(bad).toBeGreaterThan(2);
  const up = await machine.up();
  const list = async (...args: string[]): Promise<DeadLetterRow[]> =>
    (await machine.json<{ dead_letters: DeadLetterRow[] }>(['dead-letters', 'list', ...args])).dead_letters;
  const letters = await until(
    'the bad ones are set aside',
    async () => {
      const found = await list();
      return found.length === bad && found;
    },
    SLOWLY,
  );
  expect(letters[0]).toMatchObject({ destination: 'team', stream: 'telemetry', code: 'too_sad', state: 'open' });
  const shown = await machine.json<Record<string, unknown>>(['dead-letters', 'show', letters[0]!.dead_letter_id]);
  expect(shown).toMatchObject({ item_error: { code: 'too_sad', field: 'outcome' } });
  expect(isBad(String(shown['payload']))).toBe(true);
  expect(await machine.run(['dead-letters', 'show', 'nobody'])).toMatchObject({ exit: 1 });

  expect(await machine.run(['dead-letters', 'retry', '--dry-run'])).toMatchObject({ exit: 0 });
  const untouched = server.requests.length;
  expect(await machine.run(['dead-letters', 'retry', letters[0]!.dead_letter_id])).toMatchObject({ exit: 0 });
  await until(
    'it is refused again',
    async () => server.requests.length > untouched && (await list()).length === bad,
    SLOWLY,
  );
  server.script = () => null;
  expect(await machine.run(['dead-letters', 'retry', letters[1]!.dead_letter_id])).toMatchObject({ exit: 0 });
  await until('it is delivered', async () => (await list()).length === bad - 1, SLOWLY);

  // Gives data up: without a terminal and without --yes it asks for a yes and does nothing.
  expect(await machine.run(['dead-letters', 'discard'])).toMatchObject({ exit: 6 });
  expect(await list()).toHaveLength(bad - 1);
  expect(await machine.run(['dead-letters', 'discard', '--yes'])).toMatchObject({ exit: 0 });
  expect(await list()).toEqual([]);
  expect(await list('--state', 'discarded')).toHaveLength(bad - 1);
  expect(server.violations).toEqual([]);
  expect(await up.stop()).toMatchObject({ exit: 143 });
});

test('preview shows exactly the bodies that leave next', TIMEOUT, async () => {
  await using machine = new Machine();
  await using server = await FaultServer.start();
  const joined_ms = await joinedSince(machine, { url: server.url, token: 't-secret' });
  expect(await machine.run(['pause'])).toMatchObject({ exit: 0 });
  talk(machine, 'preview', joined_ms);
  expect(await machine.run(['flush', '--timeout', '1s'])).toMatchObject({ exit: 1 });
  const { batches } = await machine.json<{ batches: PreviewBatch[] }>(['preview']);
  expect(server.requests).toEqual([]);
  expect(await machine.run(['resume'])).toMatchObject({ exit: 0 });
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  const sent = server.requests.map(({ body }) => body);
  for (const { destination, body } of batches) {
    expect(destination).toBe('team');
    expect(sent).toContain(body);
  }
  expect(new Set(batches.map(({ path }) => path))).toEqual(new Set(['/v1/events', '/v1/tool-spans', '/v1/sessions']));
});

test('exit codes and files without anything running', TIMEOUT, async () => {
  await using machine = new Machine();
  talk(machine, 'codes', Date.now() - 60_000);
  const codes: [string[], number][] = [
    [['status'], 0],
    [['flush'], 0],
    [['stop'], 0],
    [['open'], 3],
    [['no-such-command'], 2],
    [['flush', '--timeout', 'soon'], 2],
    [['pause', '--to', 'nobody'], 2],
    [['telemetry', 'show', 'nobody'], 1],
    [['telemetry', 'import', '/nowhere', '--agent', 'claude'], 2],
    [['doctor'], 0],
  ];
  for (const [args, exit] of codes) expect([args, (await machine.run(args)).exit]).toEqual([args, exit]);

  // Everything is for this user alone (product page §2).
  const open = filesBelow(machine.state).filter((file) => (statSync(file).mode & 0o077) !== 0);
  expect(open).toEqual([]);

  machine.configure('[team]\nurl = "http://example.com"\ntoken = { env = "T" }\n');
  expect(await machine.run(['flush'])).toMatchObject({ exit: 2 });
  joinTeam(machine, { url: 'http://127.0.0.1:9', token: 't', more: '[typo]' });
  const refused = await machine.run(['up']);
  expect(refused.exit).toBe(2);
  expect(refused.stderr).toContain('typo');
  expect(existsSync(join(machine.state, 'daemon.json'))).toBe(false);
});

function filesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
  return [folder, ...entries.map(({ parentPath, name }) => join(parentPath, name))];
}

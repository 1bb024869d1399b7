/** What a person meets first: `up` on an empty home, its end by every road, and a port or directory that is taken. */
import { existsSync, readdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../support/condition.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { loadHashing } from '../../src/redaction/hashing.ts';
import { writeConversations } from '../support/conversations.ts';
import { FaultServer } from '../support/fault-server.ts';
import { Growth } from '../support/growth.ts';
import { TEAM_SALT, joinTeam } from '../support/team.ts';
import { freePort } from '../support/free-port.ts';
import { Machine } from '../support/machine.ts';
import { Browser, read } from '../support/page.ts';
import { placeWorkedExample } from '../support/worked-example.ts';

test('an empty machine is shown sample data, and nothing of it stays', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  const port = await freePort();
  const up = machine.start(['up', '--port', String(port)]);
  const link = await until('the first screen shows a link', () => /http:\S+key=\S+/.exec(up.stdout)?.[0]);

  expect(up.stdout).toContain('Everything stays on this machine: no team joined, no destination set.');
  expect(up.stdout).toContain('SAMPLE DATA');
  expect(await read(`http://127.0.0.1:${port}/healthz`)).toMatchObject({ status: 200 });
  expect(await read(`http://127.0.0.1:${port}/`)).toMatchObject({ status: 401 });
  const browser = await Browser.signIn(link);
  const page = await browser.get('/');
  expect(page.status).toBe(200);
  expect(page.body).toContain('SAMPLE DATA');
  expect(page.body).not.toContain('<script');
  await expect(Browser.signIn(link)).rejects.toThrow('401');
  await until('the sample is read', async () => (await browser.get('/')).body.includes('claude-opus-5'));

  expect(await up.stop()).toMatchObject({ exit: 143, stderr: '' });
  expect(readdirSync(join(machine.home, 'tmp'))).toEqual([]);
  expect(existsSync(join(machine.state, 'engine.db'))).toBe(false);
});

test('the sample reaches no destination, though one is configured', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  const knocked: string[] = [];
  const stranger = createServer((socket) => {
    knocked.push('connected');
    socket.destroy();
  });
  const port = await freePort();
  stranger.listen(port, '127.0.0.1');
  machine.configure(
    `[team]\nurl = "http://127.0.0.1:${port}"\ntoken = { env = "T" }\nsalt = { env = "S" }\nprojects = ["**"]\n`,
  );
  const up = await machine.up([], { env: { T: 'token', S: 'a5'.repeat(32) } });
  const { url } = await up.ready();
  const browser = await Browser.signIn(url);
  await until('the sample is read', async () => (await browser.get('/')).body.includes('claude-opus-5'));
  expect(await up.stop('SIGINT')).toMatchObject({ exit: 130, stderr: '' });
  stranger.close();
  expect(knocked).toEqual([]);
});

test('the first real transcript takes the place of the sample, and reaches the team', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  await using team = await FaultServer.start();
  joinTeam(machine, { url: team.url, token: 't-secret' });
  const cwd = machine.checkout('github.com/acme/web');
  const up = machine.start(['up', '--port', String(await freePort())]);
  await until('the sample is shown', () => up.stdout.includes('SAMPLE DATA') && up.stdout.includes('all read'));
  const now_ms = Date.now();
  const { lines, truth } = writeConversations({
    ...{ random: seededRandom(1), prefix: 'first', cwds: [cwd], conversations: 1 },
    ...{ turns: 2, start_ms: now_ms, span_ms: 1_000 },
  });
  new Growth(machine.projects, lines, seededRandom(1)).writeAll();
  await until('the own is shown', () => /Found +Claude Code +2 sessions/.test(up.stdout));
  expect(await machine.run(['flush'])).toMatchObject({ exit: 0 });
  const hashing = await loadHashing();
  const sent = team.requests.map(({ body }) => body).join('\n');
  for (const id of truth.events.keys()) expect(sent).toContain(hashing.hashWithSalt(TEAM_SALT, id));
  expect((await machine.json<{ sessions: unknown[] }>(['telemetry', 'list'])).sessions).toHaveLength(2);
  expect(readdirSync(join(machine.home, 'tmp'))).toEqual([]);
  expect(await up.stop()).toMatchObject({ exit: 143, stderr: '' });
});

test('a second one beside the sample is told of it; stop ends it', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  const up = await machine.up();
  const { url, pid, sample } = await up.ready();
  expect(sample).toBe(true);
  const second = await machine.run(['up', '--port', new URL(url).port]);
  expect(second).toMatchObject({ exit: 5, stdout: '' });
  expect(second.stderr).toContain(`process ${pid}`);
  expect(second.stderr).toContain(new URL(url).origin);
  const status = await machine.run(['status']);
  expect(status.stderr).toContain(`process ${pid} shows sample data`);
  expect(await machine.run(['stop'])).toMatchObject({ exit: 0 });
  expect(await up.ended()).toMatchObject({ exit: 0, stderr: '' });
  expect(existsSync(join(machine.state, 'sample.json'))).toBe(false);
});

test('a machine with transcripts is shown its own', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  placeWorkedExample(machine);
  const up = machine.start(['up', '--port', String(await freePort())]);
  await until('everything is read', () => up.stdout.includes('all read'));
  expect(up.stdout).not.toContain('SAMPLE DATA');
  expect(up.stdout).toMatch(/Found +Claude Code +2 sessions, 1 project/);
  expect(await up.stop('SIGINT')).toMatchObject({ exit: 130, stderr: '' });
  expect(existsSync(join(machine.state, 'daemon.json'))).toBe(false);
});

test('a second one is told of the first; stop ends it', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  placeWorkedExample(machine);
  const up = await machine.up();
  const { url, pid } = await up.ready();
  const second = await machine.run(['up', '--port', String(await freePort())]);
  expect(second.exit).toBe(5);
  expect(second.stderr).toContain(`process ${pid}`);
  expect(second.stderr).toContain(new URL(url).origin);

  const stop = await machine.run(['stop']);
  expect(stop.exit).toBe(0);
  expect(await up.ended()).toMatchObject({ exit: 0, stderr: '' });
  const again = await machine.up();
  expect(await again.stop()).toMatchObject({ exit: 143 });
});

test('a port of a stranger is named, and no other is taken', { timeout: 60_000 }, async () => {
  await using machine = new Machine();
  placeWorkedExample(machine);
  const stranger = createServer();
  const port = await freePort();
  await new Promise<void>((resolve) => stranger.listen(port, '127.0.0.1', resolve));
  const ended = await machine.run(['up', '--port', String(port)]);
  expect(ended).toMatchObject({ exit: 3, stdout: '' });
  expect(ended.stderr).toContain(String(port));
  expect(ended.stderr).toContain('--port');
  await new Promise((resolve) => stranger.close(resolve));
  const up = machine.start(['up', '--port', String(port), '--json']);
  await up.ready();
  expect(await up.stop()).toMatchObject({ exit: 143 });
});

test.each([
  [['up', '--port', '0'], 'port'],
  [['up', '--port', 'many'], '--port'],
  [['up', '--only', 'nothing'], 'nothing'],
  [['server', '--listen', '0.0.0.0:4777'], 'listen'],
])('%j is refused before anything is done', { timeout: 60_000 }, async (args, named) => {
  await using machine = new Machine();
  const ended = await machine.run(args);
  expect(ended).toMatchObject({ exit: 2, stdout: '' });
  expect(ended.stderr).toContain(named);
  expect(existsSync(machine.state)).toBe(false);
});

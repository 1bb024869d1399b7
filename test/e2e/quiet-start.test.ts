/** R29: a second `npm start` makes no network call, and says nothing of an installation. */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../support/condition.ts';
import { freePort } from '../support/free-port.ts';
import { Machine, REPOSITORY } from '../support/machine.ts';
import { isSetUp } from '../support/set-up.ts';
import { placeWorkedExample } from '../support/worked-example.ts';

const skip = !isSetUp();
if (skip)
  console.warn('skipped: the test of a second start, because `npm start` or `npm test` has not set this tree up');

test.skipIf(skip)('a second start asks nobody for anything', { timeout: 90_000 }, async () => {
  await using machine = new Machine();
  placeWorkedExample(machine);
  const asked: string[] = [];
  // Every way that npm, Node and a proxy know to leave the machine leads here.
  const registry = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(503).end();
  }).on('connect', (request, socket) => {
    asked.push(`CONNECT ${request.url}`);
    socket.end();
  });
  await new Promise<void>((resolve) => registry.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(registry.address() as AddressInfo).port}/`;
  const env = {
    npm_config_registry: url,
    npm_config_proxy: url,
    npm_config_https_proxy: url,
    HTTP_PROXY: url,
    HTTPS_PROXY: url,
    NODE_USE_ENV_PROXY: '1',
  };
  const args = ['start', '--silent', '--', '--port', String(await freePort())];
  const started = machine.program('npm', args, { env, cwd: REPOSITORY, group: true });
  await until('the first screen is there', () => started.stdout.includes('Look '), { within_ms: 60_000 });
  expect(started.stdout).toContain('Everything stays on this machine');
  expect(started.stderr).not.toContain('installing');
  // Ctrl-C in a terminal; npm may end by the signal itself or with its number.
  const { exit, signal } = await started.stop('SIGINT');
  expect(exit ?? signal).toBe(signal === null ? 130 : 'SIGINT');
  expect(await machine.json(['status'])).toMatchObject({ running: false });
  await new Promise((resolve) => registry.close(resolve));
  expect(asked).toEqual([]);
});

test('the repository tells npm to keep quiet', () => {
  const npmrc = readFileSync(join(REPOSITORY, '.npmrc'), 'utf8');
  for (const line of ['update-notifier=false', 'audit=false', 'fund=false']) expect(npmrc).toContain(line);
  const setting = spawnSync('npm', ['config', 'get', 'update-notifier'], { cwd: REPOSITORY, encoding: 'utf8' });
  expect(setting.stdout.trim()).toBe('false');
});

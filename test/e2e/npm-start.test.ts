/** `npm start` ends with npm, whatever ended that, and leaves nothing behind. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { until } from '../support/condition.ts';
import { freePort } from '../support/free-port.ts';
import { Machine, REPOSITORY } from '../support/machine.ts';
import { read } from '../support/page.ts';
import { isSetUp } from '../support/set-up.ts';

const skip = !isSetUp();
if (skip)
  console.warn('skipped: the tests of how npm ends, because `npm start` or `npm test` has not set this tree up');

test.skipIf(skip).each([
  ['npm is terminated', 'SIGTERM', 'npm'],
  ['npm is hung up', 'SIGHUP', 'npm'],
  ['npm is killed', 'SIGKILL', 'npm'],
  ['the terminal is closed', 'SIGHUP', 'all'],
  ['Ctrl-C', 'SIGINT', 'all'],
] as const)('%s: Syncline stops cleanly', { timeout: 90_000 }, async (_, signal, whom) => {
  await using machine = new Machine();
  const port = await freePort();
  const args = ['start', '--silent', '--', '--json', '--port', String(port)];
  const npm = machine.program('npm', args, { cwd: REPOSITORY, group: true });
  const { sample } = await npm.ready(60_000);
  expect(sample).toBe(true);
  process.kill(whom === 'npm' ? npm.pid : -npm.pid, signal);
  // What has our streams open is npm, or was started by it.
  await until('every process has ended', () => npm.over, { within_ms: 15_000 });
  await expect(read(`http://127.0.0.1:${port}/healthz`)).rejects.toThrow();
  // Only a stop that was clean removes the home of the sample.
  expect(readdirSync(join(machine.home, 'tmp')).filter((name) => name.startsWith('syncline'))).toEqual([]);
});

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Agent, request } from 'undici';
import { expect, it } from 'vitest';
import { cli, hostOf } from '../../../test/support/cli-host.ts';
import { systemTimers } from '../../platform/timers.ts';
import { runCommandLine } from '../run.ts';

interface Announced {
  url: string;
  pubsub_port: number;
  certificate: string;
  client_id: string;
  client_secret: string;
}

/** Runs the command until it has said where it is, lets `use` try it, and stops it. */
async function running(argv: string[], use: (announced: Announced, words: string) => Promise<void>): Promise<number> {
  const stop = new AbortController();
  const said = Promise.withResolvers<void>();
  const { host, written } = hostOf({ host: { signal: stop.signal, timers: systemTimers } });
  const write = host.stdout.write.bind(host.stdout);
  host.stdout.write = (text) => {
    write(text);
    said.resolve();
  };
  const exit = runCommandLine(['sandbox', 'salesforce', '--port', '0', '--pubsub-port', '0', ...argv], host);
  await Promise.race([said.promise, exit]);
  const { stdout, stderr } = written();
  try {
    await use(stdout.startsWith('{') ? (JSON.parse(stdout) as Announced) : ({} as Announced), `${stdout}\n${stderr}`);
  } finally {
    stop.abort(130);
  }
  return exit;
}

it('serves an organisation over TLS with a certificate that one can trust, and leaves nothing', async () => {
  let file = '';
  const exit = await running(['--json'], async ({ url, certificate, pubsub_port, client_id, client_secret }) => {
    file = certificate;
    expect(url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
    expect(pubsub_port).toBeGreaterThan(0);
    const dispatcher = new Agent({ connect: { ca: readFileSync(certificate, 'utf8') } });
    const form = new URLSearchParams({ grant_type: 'client_credentials', client_id, client_secret }).toString();
    const headers = { 'content-type': 'application/x-www-form-urlencoded' };
    const answer = await request(`${url}/services/oauth2/token`, { method: 'POST', headers, body: form, dispatcher });
    const { access_token } = (await answer.body.json()) as { access_token: string };
    const query = await request(`${url}/services/data/v67.0/query?q=SELECT+COUNT()+FROM+Account`, {
      headers: { authorization: `Bearer ${access_token}` },
      dispatcher,
    });
    expect(await query.body.json()).toMatchObject({ totalSize: 3 });
    await dispatcher.close();
  });
  expect(exit).toBe(130);
  expect(existsSync(file)).toBe(false);
});

it('says how to sign in, how to edit and what to trust; or serves plain HTTP', async () => {
  await running(['--http'], async (_, words) => {
    expect(words).toMatch(/REST and Bulk {2}http:\/\/127\.0\.0\.1:\d+\n/);
    for (const part of ['client id syncline-sandbox', '/__sim/transaction', 'NODE_EXTRA_CA_CERTS', 'Ctrl-C'])
      expect(words).toContain(part);
  });
});

it('runs as the program itself and ends with Ctrl-C', async () => {
  // Node takes names from libraries that the test runner does not miss.
  const program = fileURLToPath(new URL('../../../bin/syncline', import.meta.url));
  const child = spawn(program, ['sandbox', 'salesforce', '--port', '0', '--pubsub-port', '0'], { env: process.env });
  let words = '';
  child.stdout.on('data', (chunk: Buffer) => (words += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => {
    words += chunk.toString();
    if (words.includes('Ctrl-C')) child.kill('SIGINT');
  });
  expect(await once(child, 'exit')).toEqual([130, null]);
  expect(words).toContain('Pub/Sub        127.0.0.1:');
});

it('wants whole numbers', async () => {
  expect(await cli(['sandbox', 'salesforce', '--seed', 'x'])).toMatchObject({
    exit: 2,
    stderr: expect.stringContaining('--seed') as string,
  });
});

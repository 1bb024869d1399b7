import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { EXIT } from '../platform/errors.ts';
import { deadlineOf, remoteOperator } from './remote-operator.ts';

let server: Server | undefined;
afterEach(() => void server?.close());

/** A daemon that answers everything with `reply`, and what it was asked. */
async function daemon(reply: object | string): Promise<{ url: string; asked: unknown[] }> {
  const asked: unknown[] = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      asked.push([request.method, request.url, request.headers.authorization, JSON.parse(text)]);
      response.end(typeof reply === 'string' ? reply : JSON.stringify(reply));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked };
}

const file = (url: string): Parameters<typeof remoteOperator>[0] => ({
  pid: 4242,
  url,
  token: 'operator-token',
  version: '0.1.0',
  started_ms: 1,
});

test('a verb goes to the daemon with its token and comes back with its result', async () => {
  const { url, asked } = await daemon({ result: { paused: ['team'] } });
  await using operator = remoteOperator(file(url));
  expect(await operator.pause({ stream: null, destination: 'team', for_ms: 5 })).toEqual({ paused: ['team'] });
  const argument = { stream: null, destination: 'team', for_ms: 5 };
  expect(asked).toEqual([['POST', '/v1/operate', 'Bearer operator-token', { verb: 'pause', arguments: argument }]]);
});

test('an error arrives as it was thrown: code, words, hint, field and exit code', async () => {
  const error = { code: 'destination.unknown', message: 'no such', hint: 'Known: local.', field: '--to', exit: 2 };
  const { url } = await daemon({ error });
  await using operator = remoteOperator(file(url));
  await expect(operator.flush({ stream: null, timeout_ms: 1 })).rejects.toMatchObject(error);
});

test('an error without an exit code we know ends with 1', async () => {
  const { url } = await daemon({ error: { code: 'new', message: 'of a newer program', hint: null, exit: 99 } });
  await using operator = remoteOperator(file(url));
  await expect(operator.status()).rejects.toMatchObject({ code: 'new', exit: EXIT.no });
});

test('a daemon that is gone, or whose port now belongs to something else, cannot be reached: exit 3', async () => {
  const unreachable = { code: 'daemon.unreachable', exit: EXIT.unreachable };
  await using gone = remoteOperator(file('http://127.0.0.1:1'));
  await expect(gone.status()).rejects.toMatchObject(unreachable);
  const { url } = await daemon('<html>another program</html>');
  await using other = remoteOperator(file(url));
  await expect(other.status()).rejects.toMatchObject(unreachable);
});

test('a daemon that hangs is told of in the time of the verb, with what to do: exit 3', async () => {
  server = createServer(() => undefined).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const asked: string[] = [];
  await using operator = remoteOperator(file(url), (verb) => asked.push(verb) * 100);
  await expect(operator.status()).rejects.toMatchObject({
    code: 'daemon.hung',
    exit: EXIT.unreachable,
    message: 'The running Syncline (process 4242) gave no answer to status in 1 s',
    hint: expect.stringContaining('kill 4242') as string,
  });
  await expect(operator.report({} as never)).rejects.toMatchObject({ code: 'daemon.hung' });
  expect(asked).toEqual(['status', 'report']);
  server.closeAllConnections();
});

test('every verb has a deadline of its own; a flush what it was given, and some more', () => {
  expect([deadlineOf('status', undefined), deadlineOf('importTranscripts', {})]).toEqual([30_000, 3_600_000]);
  expect(deadlineOf('flush', { timeout_ms: 600_000 })).toBe(630_000);
});

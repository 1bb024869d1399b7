import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { startServer } from '../../../test/server/harness.ts';
import type { OutgoingBatch, PartitionHeader, Reply } from '../../engine/ordered/destination.ts';
import { systemTimers } from '../../platform/timers.ts';
import { TeamServerDestination, type TeamServerOptions } from './team-server.ts';

const header = (kind: string): PartitionHeader => ({
  kind,
  workspace_hash: 'blake3:ws',
  project_name: 'web',
  schema: 1,
  rule_set: 'r1',
  salt_id: 'salt-1',
});
const event = (seq: number): string =>
  JSON.stringify({
    session_id_hash: 's',
    event_seq: seq,
    ts_ms: 1,
    agent: 'claude',
    model: 'm',
    kind: 'message',
    source: 'tail',
    payload: {},
  });
const session = JSON.stringify({
  session_id_hash: 's',
  agent: 'claude',
  model: 'm',
  started_at_ms: 1,
  ended_at_ms: null,
  status: 'running',
});

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

function destinationTo(url: string, more: Partial<TeamServerOptions> = {}): TeamServerDestination {
  const destination = new TeamServerDestination({
    id: 'team',
    url,
    token: 'plain-team-token',
    team_id: 'acme',
    salt_id: 'salt-1',
    version: '0.1.0',
    timers: systemTimers,
    limits: { max_items: 500, max_body_bytes: 1_000_000 },
    project_names: true,
    insecure: false,
    session_arrays: true,
    connect_timeout_ms: 2000,
    request_timeout_ms: 2000,
    max_connections: 2,
    ...more,
  });
  closers.unshift(() => destination.close());
  return destination;
}

/** A server that does as told. */
async function fakeServer(listener: RequestListener): Promise<string> {
  const server: Server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return gunzipSync(Buffer.concat(chunks)).toString();
}

function send(
  destination: TeamServerDestination,
  kind: string,
  items: string[],
  signal = new AbortController().signal,
): Promise<Reply> {
  const batch: OutgoingBatch = {
    batch_id: `${kind}-${items.length}`,
    stream: 'telemetry',
    header: header(kind),
    items: items.length,
    body: destination.encode(header(kind), items),
  };
  return destination.send(batch, signal);
}

describe('against our own server', () => {
  test('every kind arrives, and a repeat has no second effect', async () => {
    const server = await startServer();
    closers.push(() => server.close());
    const destination = destinationTo(`${server.url}/`);
    expect(await send(destination, 'events', [event(1), event(2)])).toMatchObject({
      status: 202,
      received: 2,
      deduped: 0,
    });
    expect(await send(destination, 'events', [event(1), event(2)])).toMatchObject({ status: 409, received: 2 });
    expect(await send(destination, 'sessions', [session, session])).toMatchObject({ status: 202, deduped: 1 });
    const contract = destinationTo(server.url, { session_arrays: false });
    expect(contract.limits(header('sessions')).max_items).toBe(1);
    expect(await send(contract, 'sessions', [session])).toMatchObject({ status: 202, deduped: 1 });
    const reader = { team_id: 'acme', time_zone: 'UTC', price_date: '' };
    expect(server.store.session(reader, 's').project).toBe('web');
  });

  test('bad items come back by their place', async () => {
    const server = await startServer();
    closers.push(() => server.close());
    const reply = await send(destinationTo(server.url), 'events', [event(1), '{"kind":1}']);
    expect(reply).toMatchObject({ status: 400, code: 'schema' });
    expect(new Set((reply as { item_errors: { index: number }[] }).item_errors.map(({ index }) => index))).toEqual(
      new Set([1]),
    );
  });
});

test('sends what the original client sends, under one key for every attempt', async () => {
  const seen: { headers: IncomingMessage['headers']; url: string | undefined; body: string }[] = [];
  const url = await fakeServer((request, response) => {
    void bodyOf(request).then((body) => {
      seen.push({ headers: request.headers, url: request.url, body });
      response.writeHead(202).end();
    });
  });
  const destination = destinationTo(`${url}/base/`, { project_names: false });
  expect(await send(destination, 'tool_spans', ['{"a":1}', '{"b":"ü"}'])).toMatchObject({
    status: 202,
    received: 0,
    deduped: 0,
  });
  await send(destination, 'tool_spans', ['{"a":1}', '{"b":"ü"}']);
  expect(seen[0]).toMatchObject({
    url: '/base/v1/tool-spans',
    body: '{"team_id":"acme","workspace_hash":"blake3:ws","spans":[{"a":1},{"b":"ü"}]}',
    headers: {
      authorization: 'Bearer plain-team-token',
      'content-type': 'application/json',
      'content-encoding': 'gzip',
      'x-kaizen-idempotency-key': 'tool_spans-2',
      'x-syncline-idempotency-key': 'tool_spans-2',
      'x-kaizen-client': 'syncline/0.1.0',
    },
  });
  expect(seen[1]).toEqual(seen[0]);
});

describe('answers', () => {
  test.each<[string, number, Record<string, string>, string, object]>([
    ['a 413 with limits', 413, {}, '{"limits":{"max_items":10}}', { limits: { max_items: 10 } }],
    [
      'Retry-After as it stands',
      429,
      { 'retry-after': 'Wed, 21 Oct 2026 07:28:00 GMT' },
      '',
      { retry_after: 'Wed, 21 Oct 2026 07:28:00 GMT' },
    ],
    ['a page of a proxy', 502, {}, '<html>', { code: undefined, received: 0 }],
    ['words with control characters', 400, {}, '{"code":"x","message":"a\\u001b[31mb"}', { message: 'a [31mb' }],
    ['odd counts', 202, {}, '{"received":-1,"deduped":"many"}', { received: 0, deduped: 0 }],
    ['too much of an answer', 202, {}, 'x'.repeat(2_000_000), { received: 0 }],
    ['a plain 200', 200, {}, '{}', {}],
  ])('%s', async (_name, status, headers, body, expected) => {
    const url = await fakeServer((request, response) => {
      request.resume().on('end', () => response.writeHead(status, headers).end(body));
    });
    expect(await send(destinationTo(url), 'events', [event(1)])).toMatchObject({ status, ...expected });
  });

  test('a redirect is an answer and is not followed', async () => {
    let requests = 0;
    const url = await fakeServer((request, response) => {
      requests++;
      request.resume().on('end', () => response.writeHead(307, { location: '/elsewhere' }).end());
    });
    expect(await send(destinationTo(url), 'events', [event(1)])).toMatchObject({ status: 307 });
    expect(requests).toBe(1);
  });

  test('a status whose body breaks off is still an answer', async () => {
    const url = await fakeServer((request, response) => {
      request.resume().on('end', () => {
        response.writeHead(202, { 'content-length': '100' });
        response.write('{"rec', () => response.destroy());
      });
    });
    expect(await send(destinationTo(url), 'events', [event(1)])).toMatchObject({ status: 202, received: 0 });
  });
});

describe('no answer', () => {
  test('nobody listens', async () => {
    expect(await send(destinationTo('http://127.0.0.1:9'), 'events', [event(1)])).toMatchObject({
      status: null,
      reason: 'refused',
    });
  });

  test('a name that does not exist', async () => {
    const destination = destinationTo('https://nowhere.invalid');
    expect(await send(destination, 'events', [event(1)])).toMatchObject({ status: null, reason: 'dns' });
  });

  test('no TLS where TLS should be', async () => {
    const url = await fakeServer((_request, response) => response.end());
    const destination = destinationTo(url.replace('http:', 'https:'));
    expect(await send(destination, 'events', [event(1)])).toMatchObject({ status: null, reason: 'tls' });
  });

  test('the connection breaks', async () => {
    const url = await fakeServer((request) => request.socket.destroy());
    const reply = await send(destinationTo(url), 'events', [event(1)]);
    expect(reply).toMatchObject({ status: null, reason: 'reset' });
    expect(JSON.stringify(reply)).not.toContain('127.0.0.1');
  });

  test('silence, and an answer that drips for ever', async () => {
    const silent = await fakeServer(() => undefined);
    expect(await send(destinationTo(silent, { request_timeout_ms: 100 }), 'events', [event(1)])).toMatchObject({
      status: null,
      reason: 'timeout',
    });
    const dripping = await fakeServer((request, response) => {
      response.writeHead(202);
      const drip = setInterval(() => response.write(' '), 10);
      request.socket.on('close', () => clearInterval(drip));
    });
    expect(await send(destinationTo(dripping, { request_timeout_ms: 150 }), 'events', [event(1)])).toMatchObject({
      status: 202,
    });
  });

  test('stopped by the engine', async () => {
    const stop = new AbortController();
    const url = await fakeServer(() => stop.abort());
    expect(await send(destinationTo(url), 'events', [event(1)], stop.signal)).toMatchObject({
      status: null,
      reason: 'aborted',
    });
  });
});

describe('where it may send (R7)', () => {
  test.each(['http://example.com', 'http://10.0.0.1:80', 'http://127.0.0.1.evil.example'])(
    '%s is refused, unless called insecure',
    (url) => {
      expect(() => destinationTo(url)).toThrow(expect.objectContaining({ code: 'destination.insecure', exit: 2 }));
      expect(() => destinationTo(url, { insecure: true })).not.toThrow();
    },
  );

  test.each(['https://example.com', 'http://localhost:1', 'http://[::1]:1', 'http://127.9.9.9'])(
    '%s is fine',
    (url) => {
      expect(() => destinationTo(url)).not.toThrow();
    },
  );

  test.each(['ftp://example.com', 'nonsense', 'https://user:pass@example.com'])('%s is no address', (url) => {
    expect(() => destinationTo(url)).toThrow(expect.objectContaining({ code: 'destination.url' }));
  });

  test('a token that would break out of its header is refused', () => {
    expect(() => destinationTo('https://example.com', { token: 'a\r\nX: y' })).toThrow(
      expect.objectContaining({ code: 'destination.token' }),
    );
  });

  test('only partitions of its own salt', () => {
    const destination = destinationTo('https://example.com');
    expect(destination.accepts('telemetry', header('events'))).toBe(true);
    expect(destination.accepts('telemetry', { ...header('events'), salt_id: 'before joining' })).toBe(false);
    expect([destination.window(header('events')), destination.window(header('tool_spans'))]).toEqual([4, 1]);
  });
});

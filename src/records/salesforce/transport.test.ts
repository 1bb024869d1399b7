import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { Clock } from '../../platform/clock.ts';
import { seededRandom } from '../../platform/random.ts';
import { systemTimers } from '../../platform/timers.ts';
import { ApiBudget } from './budget.ts';
import { HttpClient } from './http.ts';
import { SalesforceSession } from './session.ts';
import { SignInRefused } from './sign-in/token.ts';
import { type ApiRefusal, SalesforceTransport } from './transport.ts';

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void;
let handler: Handler;
let seen: { method: string; path: string; token: string; headers: IncomingMessage['headers']; body: Buffer }[] = [];
let server: Server;
let address = '';
const signal = new AbortController().signal;
const http = new HttpClient({ timers: systemTimers });
let now = 1_800_000_000_000;
const clock: Clock = { now_ms: () => now, monotonic_ms: () => now };
/** Waiting takes no time but moves the clock; the deadline of a request is a real one. */
const timers = { sleep: async (ms: number) => void (now += ms) };
let sign_ins = 0;
let refuse_sign_in = false;
let budget: ApiBudget;
let transport: SalesforceTransport;

const json = (response: ServerResponse, status: number, body: unknown, headers: Record<string, string> = {}) => {
  response.writeHead(status, { 'content-type': 'application/json', ...headers });
  response.end(JSON.stringify(body));
};
const error = (errorCode: string) => [{ errorCode, message: 'words' }];

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const { method = '', url: path = '', headers } = request;
      seen.push({ method, path, token: headers.authorization ?? '', headers, body });
      handler(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await http.close();
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen = [];
  now = 1_800_000_000_000;
  sign_ins = 0;
  refuse_sign_in = false;
  handler = (_, response) => json(response, 200, { fine: true });
  budget = new ApiBudget({ clock });
  const session = new SalesforceSession({
    clock,
    sign_in: async () => {
      if (refuse_sign_in) throw new SignInRefused('invalid_grant');
      const name = `token-${++sign_ins}`;
      return { access_token: name, instance_url: address, organization_id: 'o', user_id: 'u', refresh_token: null };
    },
  });
  transport = new SalesforceTransport({
    http,
    session,
    budget,
    clock,
    timers,
    random: seededRandom(1),
    client: 'syncline-t',
  });
});

const read = { method: 'GET', path: '/sobjects', reads: true } as const;
const write = { method: 'PATCH', path: '/sobjects/A/1', reads: false, body: { Name: 'x' } } as const;
const call = async (request: Parameters<SalesforceTransport['call']>[0]) => transport.call(request, signal);
const refusal = async (request: Parameters<SalesforceTransport['call']>[0]) => (await call(request)) as ApiRefusal;

describe('a call', () => {
  test('is signed in, tagged and versioned, and its answer parsed', async () => {
    await expect(call(read)).resolves.toMatchObject({ ok: true, status: 200, body: { fine: true } });
    expect(seen[0]).toMatchObject({ path: '/services/data/v67.0/sobjects', token: 'Bearer token-1' });
    expect(seen[0]!.headers['sforce-call-options']).toBe('client=syncline-t');
  });

  test('is compressed both ways when that pays', async () => {
    handler = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync(JSON.stringify({ big: 'y'.repeat(5_000) })));
    };
    const answered = await call({ ...write, body: { Name: 'x'.repeat(5_000) } });
    expect(answered).toMatchObject({ body: { big: 'y'.repeat(5_000) } });
    expect(JSON.parse(gunzipSync(seen[0]!.body).toString())).toEqual({ Name: 'x'.repeat(5_000) });
  });

  test('an answer that unfolds without end is not read to its end', async () => {
    handler = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': 'gzip' });
      response.end(gzipSync('0'.repeat(3_000_000)));
    };
    expect((await refusal({ ...read, max_bytes: 1_000_000 })).failure).toMatchObject({
      class: 'permanent',
      code: 'too_long',
    });
    expect((await refusal({ ...write, max_bytes: 1_000_000 })).failure.class).toBe('unknown');
  });

  test('does not follow a redirect with its token', async () => {
    handler = (_, response) => json(response, 302, {}, { location: `${address}/elsewhere` });
    expect((await refusal(write)).failure.class).toBe('auth');
    expect(seen.map(({ path }) => path)).toEqual(['/services/data/v67.0/sobjects/A/1']);
  });
});

describe('a token that is refused', () => {
  test('is renewed once and the call made again', async () => {
    handler = (request, response) =>
      request.headers.authorization === 'Bearer token-1' && seen.length > 1
        ? json(response, 401, error('INVALID_SESSION_ID'))
        : json(response, 200, {});
    await call(read);
    const all = await Promise.all([call(write), call(write), call(write)]);
    expect(all.every(({ ok }) => ok)).toBe(true);
    expect(sign_ins).toBe(2);
  });

  test('stays refused without a loop when the new one is refused, too', async () => {
    handler = (_, response) => json(response, 401, error('INVALID_SESSION_ID'));
    for (let i = 0; i < 5; i++) expect((await refusal(write)).failure.class).toBe('auth');
    expect(sign_ins).toBe(1);
    expect(seen).toHaveLength(5);
  });

  test('a sign-in that is refused fails each call as a matter of who we are, and asks no more', async () => {
    refuse_sign_in = true;
    for (let i = 0; i < 3; i++)
      expect((await refusal(write)).failure).toMatchObject({ class: 'auth', code: 'invalid_grant' });
    expect(seen).toEqual([]);
  });
});

describe('an answer that does not come', () => {
  const drop: Handler = (_, response) => response.destroy();

  test('to a write is unknown, and the write is not repeated', async () => {
    handler = drop;
    expect((await refusal(write)).failure.class).toBe('unknown');
    expect(seen).toHaveLength(1);
  });

  test('to a read is asked for again', async () => {
    handler = (...all) => (seen.length < 3 ? drop(...all) : json(all[1], 200, { fine: true }));
    await expect(call(read)).resolves.toMatchObject({ ok: true });
    handler = drop;
    expect((await refusal(read)).failure.class).toBe('retry');
    expect(seen).toHaveLength(6);
  });

  test('in time: a write is unknown', async () => {
    handler = () => undefined;
    const real = { ...write, timeout_ms: 50 };
    expect((await refusal(real)).failure).toMatchObject({ class: 'unknown', code: 'timeout' });
  });

  test('a write that a caller gives up is unknown, a read throws', async () => {
    const stop = new AbortController();
    handler = () => stop.abort(new Error('stopped'));
    expect(await transport.call(write, stop.signal)).toMatchObject({ failure: { class: 'unknown' } });
    const other = new AbortController();
    handler = () => other.abort(new Error('stopped'));
    await expect(transport.call(read, other.signal)).rejects.toThrow('stopped');
  });

  test('a body that is cut off tells nothing of what was done', async () => {
    handler = (_, response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
      response.write('[{"id"');
      setTimeout(() => response.destroy(), 20);
    };
    expect((await refusal(write)).failure.class).toBe('unknown');
  });

  test('a gateway that gave up does not know what became of a write; the org itself does', async () => {
    handler = (_, response) => json(response, 502, {});
    expect((await refusal(write)).failure.class).toBe('unknown');
    handler = (_, response) => json(response, 502, error('SERVER_UNAVAILABLE'));
    expect((await refusal(write)).failure.class).toBe('retry');
  });

  test('a server that cannot be reached got nothing', async () => {
    const session = new SalesforceSession({
      clock,
      sign_in: async () => ({
        access_token: 't',
        instance_url: 'http://127.0.0.1:1',
        organization_id: 'o',
        user_id: 'u',
        refresh_token: null,
      }),
    });
    const away = new SalesforceTransport({
      http,
      session,
      budget,
      clock,
      timers,
      random: seededRandom(1),
      client: 'c',
    });
    expect(await away.call(write, signal)).toMatchObject({ failure: { class: 'retry' } });
  });
});

describe('the budget', () => {
  test('is heard with every answer', async () => {
    handler = (_, response) => json(response, 200, {}, { 'sforce-limit-info': 'api-usage=123/1000' });
    await call(read);
    expect(budget.current()).toEqual({ used: 123, max: 1000 });
    expect(budget.left()).toBe(677);
  });

  test('beyond the share no call is made until the window has moved', async () => {
    let used = 800;
    handler = (request, response) =>
      request.url?.endsWith('/limits')
        ? json(response, 200, { DailyApiRequests: { Max: 1000, Remaining: 1000 - used } })
        : json(response, 200, {}, { 'sforce-limit-info': `api-usage=${used}/1000` });
    await call(read);
    expect((await refusal(write)).failure).toMatchObject({ class: 'throttle', code: 'api_budget' });
    expect(seen).toHaveLength(1);
    now += 5 * 60_000;
    expect((await refusal(write)).failure.wait_ms).toBe(5 * 60_000);
    expect(seen.map(({ path }) => path.split('/').at(-1))).toEqual(['sobjects', 'limits']);
    used = 700;
    now += 5 * 60_000;
    await expect(call(write)).resolves.toMatchObject({ ok: true });
  });

  test('an org that asks for quiet gets it', async () => {
    handler = (_, response) => json(response, 429, error('REQUEST_LIMIT_EXCEEDED'), { 'retry-after': '30' });
    expect((await refusal(write)).failure).toMatchObject({ class: 'throttle', wait_ms: 30_000 });
    expect((await refusal(read)).failure).toMatchObject({ class: 'throttle', code: 'quiet', wait_ms: 30_000 });
    expect(seen).toHaveLength(1);
    now += 30_000;
    handler = (_, response) => json(response, 200, {});
    await expect(call(write)).resolves.toMatchObject({ ok: true });
  });
});

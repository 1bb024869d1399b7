import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { connect as connectTls } from 'node:tls';
import { afterEach, beforeAll, afterAll, describe, expect, test } from 'vitest';
import { systemTimers, type Timers } from '../platform/timers.ts';
import { SynclineError } from '../platform/errors.ts';
import type { Operator } from '../runtime/operator.ts';
import { eventsBody, get, post, startServer, type Setup, type TestServer } from '../../test/server/harness.ts';

let server: TestServer | undefined;
const start = async (setup: Setup = {}): Promise<TestServer> => (server = await startServer(setup));
afterEach(async () => {
  await server?.close();
  server = undefined;
});

let certificates: string;
const file = (name: string): string => join(certificates, name);
function makeCertificate(name: string, common_name: string): void {
  const subject = ['-subj', `/CN=${common_name}`, '-keyout', file(`${name}.key`), '-out', file(`${name}.pem`)];
  const options = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  execFileSync('openssl', [...options, ...subject], { stdio: 'ignore' });
}
beforeAll(() => {
  certificates = mkdtempSync(join(tmpdir(), 'syncline-tls-'));
  makeCertificate('first', 'first.test');
  makeCertificate('second', 'second.test');
});
afterAll(() => rmSync(certificates, { recursive: true }));

describe('where it listens (R7)', () => {
  test.each([
    ['no TLS', {}, 'listen.tls'],
    ['a range that is none', { behind_proxy: ['10.0.0.0/99'] }, 'listen.proxy'],
  ])('beyond this machine with %s it does not start and says what is missing', async (_name, setup, code) => {
    await expect(start({ host: '0.0.0.0', ...setup })).rejects.toMatchObject({ code, exit: 2 });
  });

  test('behind a proxy only the proxy is answered', async () => {
    await start({ host: '127.0.0.1', behind_proxy: ['10.0.0.0/8'] });
    expect(await get(server!, '/v1/health')).toMatchObject({ status: 403, json: { code: 'proxy' } });
    await server!.close();
    await start({ host: '127.0.0.1', behind_proxy: ['127.0.0.0/8'], public_url: 'https://syncline.acme.dev' });
    const asked = await get(server!, '/v1/health', {
      host: 'syncline.acme.dev',
      origin: 'https://syncline.acme.dev',
    });
    expect(asked.status).toBe(200);
    expect((await get(server!, '/v1/health', { host: 'syncline.acme.dev:81' })).status).toBe(403);
  });

  test('a port that is taken is an error with a way out', async () => {
    const { port } = await start();
    await expect(startServer({ port })).rejects.toMatchObject({ code: 'listen.port_taken', exit: 3 });
  });

  test('TLS, and a renewed certificate without a restart', async () => {
    for (const part of ['key', 'pem']) writeFileSync(file(`live.${part}`), readFileSync(file(`first.${part}`)));
    const upkeep = upkeepTimers();
    const tls = { cert_file: file('live.pem'), key_file: file('live.key') };
    const { port } = await start({ tls, timers: upkeep.timers });
    expect(await commonName(port)).toBe('first.test');
    for (const part of ['key', 'pem']) {
      writeFileSync(file(`live.${part}`), readFileSync(file(`second.${part}`)));
      utimesSync(file(`live.${part}`), 2_000_000_000, 2_000_000_000);
    }
    upkeep.tick();
    await expect.poll(() => commonName(port)).toBe('second.test');
  });

  test('a certificate without its key does not start', async () => {
    const tls = { cert_file: file('first.pem'), key_file: file('second.key') };
    await expect(start({ tls })).rejects.toMatchObject({ code: 'tls.files', exit: 2 });
  });
});

/** Timers whose upkeep sleep ends when told to. */
function upkeepTimers(): { timers: Timers; tick: () => void } {
  let wake = (): void => undefined;
  const sleep: Timers['sleep'] = (delay_ms, signal) =>
    delay_ms === 15_000
      ? new Promise((resolve) => {
          wake = resolve;
          signal?.addEventListener('abort', () => resolve(), { once: true });
        })
      : systemTimers.sleep(delay_ms, signal);
  return { timers: { sleep }, tick: () => wake() };
}

function commonName(port: number): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().subject.CN);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('start and stop', () => {
  test('healthz is 503 until all is ready', async () => {
    let ready = false;
    await start({ isReady: () => ready });
    expect((await get(server!, '/healthz')).status).toBe(503);
    ready = true;
    expect((await get(server!, '/healthz')).status).toBe(200);
  });

  test('a stop lets a running request end', async () => {
    const { port, server: running } = await start();
    const body = JSON.stringify(eventsBody(1));
    const socket = connect(port, '127.0.0.1');
    socket.write(
      `POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: Bearer plain-team-token\r\n` +
        `Content-Type: application/json\r\nX-Kaizen-Idempotency-Key: k\r\nContent-Length: ${body.length}\r\n\r\n`,
    );
    await expect.poll(async () => (await get(server!, '/metrics', admin())).text).toMatch(/in_flight_requests 2/);
    const stopped = running.stop();
    let answer = '';
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    const ended = once(socket, 'close');
    socket.write(body);
    await stopped;
    await ended;
    expect(answer).toContain('202 Accepted');
    await expect(get(server!, '/v1/health')).rejects.toThrow();
  });

  test('a stop ends within its bound whatever a client does', async () => {
    const { port, server: running } = await start({ limits: { stop_timeout_ms: 50 } });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(`POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 10\r\n`);
    await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0);
    await running.stop();
    await running.stop();
  });
});

const admin = () => ({ authorization: `Bearer ${server!.token.admin}` });

describe('operator verbs', () => {
  const operator = {
    session: async (id: string) => {
      if (id === 'broken') throw new TypeError('sk-secret-detail');
      throw new SynclineError('session.unknown', 'No session has this id', { hint: 'List them.', field: 'id' });
    },
    resume: async (query: object) => ({ resumed: [JSON.stringify(query)] }),
    tokens: async () => [],
  } as unknown as Operator;
  const call = (token: string, body: unknown) =>
    post(server!, '/v1/operate', body, { authorization: `Bearer ${token}`, 'content-encoding': undefined });

  test('a verb gets its argument, and its result comes back', async () => {
    const { token } = await start({ operator });
    const body = { verb: 'resume', arguments: { stream: 'telemetry', destination: null } };
    expect((await call(token.operate, body)).json).toEqual({
      result: { resumed: ['{"stream":"telemetry","destination":null}'] },
    });
  });

  test('errors come whole, defects without their detail', async () => {
    const defects: unknown[] = [];
    const { token } = await start({ operator, onDefect: (error) => defects.push(error) });
    const unknown = await call(token.operate, { verb: 'session', arguments: 'x' });
    expect(unknown).toMatchObject({
      status: 422,
      json: {
        error: { code: 'session.unknown', message: 'No session has this id', hint: 'List them.', field: 'id', exit: 1 },
      },
    });
    const broken = await call(token.operate, { verb: 'session', arguments: 'broken' });
    expect(broken).toMatchObject({ status: 500, json: { error: { code: 'defect', exit: 70 } } });
    expect(broken.text).not.toContain('sk-secret');
    expect(defects).toHaveLength(1);
  });

  test('tokens are the admin’s, unknown verbs nobody’s', async () => {
    const { token } = await start({ operator });
    expect((await call(token.operate, { verb: 'tokens' })).status).toBe(403);
    expect((await call(token.admin, { verb: 'tokens' })).json).toEqual({ result: [] });
    expect((await call(token.ingest, { verb: 'resume' })).status).toBe(403);
    expect((await call(token.admin, { verb: 'constructor' })).json).toMatchObject({ code: 'operate.verb' });
  });
});

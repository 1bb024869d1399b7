import { constants, gzipSync, zstdCompressSync } from 'node:zlib';
import { connect } from 'node:net';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { afterEach, describe, expect, test } from 'vitest';
import type { Clock } from '../platform/clock.ts';
import { eventsBody, get, post, startServer, type Setup, type TestServer } from '../../test/server/harness.ts';

let server: TestServer;
const start = async (setup: Setup = {}): Promise<TestServer> => (server = await startServer(setup));
afterEach(() => server.close());

/** 1 GiB of zeros: a gzip file may have many members, and they read as one. */
function gzippedGigabyte(): Buffer {
  const member = gzipSync(Buffer.alloc(16 << 20), { level: constants.Z_BEST_COMPRESSION });
  return Buffer.concat(Array.from({ length: 64 }, () => member));
}

describe('decompression bombs', () => {
  test('1 GiB of zeros in gzip is refused in bounded memory', async () => {
    await start();
    const bomb = gzippedGigabyte();
    expect(bomb.length).toBeLessThan(2 << 20);
    const before = process.memoryUsage();
    let peak = 0;
    const sample = setInterval(() => {
      const { arrayBuffers, heapUsed } = process.memoryUsage();
      peak = Math.max(peak, arrayBuffers + heapUsed - before.arrayBuffers - before.heapUsed);
    }, 1);
    const answer = await post(server, '/v1/events', bomb);
    clearInterval(sample);
    expect(answer).toMatchObject({ status: 413, json: { limit: 'max_body_bytes' } });
    expect(peak).toBeLessThan(100 << 20);
    expect((await post(server, '/v1/events', eventsBody(1))).status).toBe(202);
  });

  test('a bomb in zstd, and a frame that asks for a giant window', async () => {
    await start();
    const bomb = zstdCompressSync(Buffer.alloc(64 << 20), { params: { [constants.ZSTD_c_windowLog]: 20 } });
    const answer = await post(server, '/v1/events', bomb, { 'content-encoding': 'zstd' });
    expect(answer).toMatchObject({ status: 413, json: { limit: 'max_body_bytes' } });
    const wide = zstdCompressSync(Buffer.alloc(64 << 20), { params: { [constants.ZSTD_c_windowLog]: 27 } });
    expect(await post(server, '/v1/events', wide, { 'content-encoding': 'zstd' })).toMatchObject({
      status: 400,
      json: { code: 'encoding' },
    });
  });
});

describe('quotas', () => {
  const stillClock = (): Clock & { at_ms: number } => {
    const clock = {
      at_ms: 1_763_000_000_000,
      now_ms: () => clock.at_ms,
      monotonic_ms: () => clock.at_ms,
    };
    return clock;
  };

  test('requests by the minute, per token', async () => {
    const clock = stillClock();
    await start({ clock, limits: { requests_per_minute: 2 } });
    const send = () => post(server, '/v1/events', eventsBody(1));
    expect([(await send()).status, (await send()).status]).toEqual([202, 202]);
    const refused = await send();
    expect(refused).toMatchObject({ status: 429, json: { code: 'rate_limited', limit: 'requests_per_minute' } });
    expect(refused.headers['retry-after']).toBe('30');
    const other = await post(server, '/v1/events', eventsBody(1), { authorization: `Bearer ${server.token.ingest}` });
    expect(other.status).toBe(202);
    clock.at_ms += 30_000;
    expect((await send()).status).toBe(202);
  });

  test('items by the day; a refused batch stores nothing and may come again under its key', async () => {
    const clock = stillClock();
    await start({ clock, limits: { items_per_day: 100 } });
    expect((await post(server, '/v1/events', eventsBody(80))).status).toBe(202);
    const key = { 'x-kaizen-idempotency-key': 'late' };
    const body = eventsBody(40, { workspace_hash: 'late' });
    const refused = await post(server, '/v1/events', body, key);
    expect(refused).toMatchObject({ status: 429, json: { limit: 'items_per_day' } });
    clock.at_ms += Number(refused.headers['retry-after']) * 1000;
    expect((await post(server, '/v1/events', body, key)).json).toEqual({ received: 40, deduped: 0 });
  });
});

describe('full and busy', () => {
  test('507 when the store has reached its cap; nothing of the batch stays', async () => {
    await start({ store_max_bytes: 600_000 });
    const events = (eventsBody(900)['events'] as object[]).map((event) => ({ ...event, payload: 'x'.repeat(900) }));
    const answer = await post(server, '/v1/events', eventsBody(0, { events }));
    expect(answer).toMatchObject({ status: 507, json: { code: 'full' } });
    expect(answer.headers['retry-after']).toBeDefined();
    expect((await post(server, '/v1/events', eventsBody(1))).json).toEqual({ received: 1, deduped: 0 });
  });

  test('503 beyond the concurrent requests, and well again after', async () => {
    await start({ limits: { max_concurrent_requests: 1 } });
    const slow = connect(server.port, '127.0.0.1');
    slow.write(
      `POST /v1/events HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nAuthorization: Bearer plain-team-token\r\n` +
        'Content-Type: application/json\r\nX-Kaizen-Idempotency-Key: slow\r\nContent-Length: 9\r\n\r\n{',
    );
    await expect.poll(async () => (await get(server, '/v1/health')).status).toBe(503);
    const busy = await get(server, '/v1/health');
    expect([busy.json['code'], busy.headers['retry-after']]).toEqual(['busy', '1']);
    slow.destroy();
    await expect.poll(async () => (await get(server, '/v1/health')).status).toBe(200);
  });

  test('503 beyond the bytes held for all together', async () => {
    await start({ limits: { max_in_flight_bytes: 10_000 } });
    const body = eventsBody(1, { note: 'x'.repeat(20_000) });
    expect(await post(server, '/v1/events', body)).toMatchObject({
      status: 503,
      json: { limit: 'max_in_flight_bytes' },
    });
    expect((await post(server, '/v1/events', eventsBody(1))).status).toBe(202);
  });

  test('room is given back after every request, refused ones included', async () => {
    await start({ limits: { max_in_flight_bytes: 30_000 } });
    for (let i = 0; i < 8; i++) {
      const body = eventsBody(1, { workspace_hash: `w${i}`, note: 'x'.repeat(20_000) });
      expect((await post(server, '/v1/events', i % 2 ? body : { ...body, events: 1 })).status).toBe(i % 2 ? 202 : 400);
    }
  });

  test('an upload without end is refused at the limit, and the refusal arrives', async () => {
    await start({ limits: { max_encoded_body_bytes: 100_000 } });
    let sent = 0;
    const endless = new Readable({
      read() {
        sent += 10_000;
        this.push(sent > 20_000_000 ? null : Buffer.alloc(10_000, 'a'));
      },
    });
    const { statusCode, body } = await request(`${server.url}/v1/events`, {
      method: 'POST',
      body: endless,
      headers: {
        authorization: 'Bearer plain-team-token',
        'content-type': 'application/json',
        'x-kaizen-idempotency-key': 'endless',
      },
    });
    expect([statusCode, await body.json()]).toMatchObject([413, { limit: 'max_encoded_body_bytes' }]);
  });

  test('headers beyond their limit are refused', async () => {
    await start({ limits: { max_header_bytes: 4096 } });
    expect((await get(server, '/v1/health', { 'x-wide': 'x'.repeat(8000) })).status).toBe(431);
  });

  test('a body that breaks off stores nothing', async () => {
    await start();
    const body = gzipSync(JSON.stringify(eventsBody(5)));
    const cut = await post(server, '/v1/events', body.subarray(0, body.length - 20));
    expect(cut).toMatchObject({ status: 400, json: { code: 'encoding' } });
  });
});

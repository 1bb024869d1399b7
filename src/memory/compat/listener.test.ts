import { X509Certificate } from 'node:crypto';
import { join } from 'node:path';
import { Hono } from 'hono';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { defaultRetryPolicy } from '../../engine/retry.ts';
import { systemClock } from '../../platform/clock.ts';
import { systemRandom } from '../../platform/random.ts';
import { systemTimers } from '../../platform/timers.ts';
import { openMemberCertificate } from '../replication/pairing/member-key.ts';
import { fingerprintOf, readClientCertificates } from './client-certificates.ts';
import { listenForOldPeers, type CompatListener } from './listener.ts';
import { OldPeerClient, type OldPeerTls } from './old-peer-client.ts';

interface Identity {
  cert: string;
  key: string;
  fingerprint: string;
}

let scratch: ReturnType<typeof scratchDirectory>;
let listener: CompatListener | null = null;
let requests = 0;
const app = new Hono().post('/api/v1/sync/push', (c) => {
  requests++;
  return c.json({ skipped: 0 });
});

beforeEach(() => {
  scratch = scratchDirectory();
  requests = 0;
});
afterEach(async () => {
  await listener?.stop();
  listener = null;
  scratch.remove();
});

async function identity(name: string): Promise<Identity> {
  const { certificate, private_key } = await openMemberCertificate(join(scratch.path, name));
  return { cert: certificate, key: private_key, fingerprint: fingerprintOf(new X509Certificate(certificate).raw) };
}

async function outcomeOf(url: string, tls: OldPeerTls): Promise<string> {
  const client = new OldPeerClient({
    ...{ url, agent_id: 'n1', insecure: false, request_timeout_ms: 10_000, retry: defaultRetryPolicy, tls },
    ...{ clock: systemClock, random: systemRandom, timers: systemTimers },
  });
  try {
    const outcome = await client.push({}, 'a.1:1', [], AbortSignal.timeout(10_000));
    return outcome.outcome === 'away' ? outcome.message : outcome.outcome;
  } finally {
    await client.close();
  }
}

describe('client certificates', () => {
  test('only those of the list get in, and only a server that is pinned is spoken to', async () => {
    const [server, friend, stranger] = [await identity('server'), await identity('friend'), await identity('stranger')];
    listener = await listenForOldPeers({
      ...{ app, host: '127.0.0.1', port: 0, tls: server },
      client_certificates: readClientCertificates(`# a friend\nsha256:${friend.fingerprint.toUpperCase()}\n`),
    });
    const { url } = listener;
    const pin = { server_fingerprint: server.fingerprint };
    expect(await outcomeOf(url, { cert: friend.cert, key: friend.key, ...pin })).toBe('ack');
    expect(requests).toBe(1);
    expect(await outcomeOf(url, { cert: stranger.cert, key: stranger.key, ...pin })).not.toBe('ack');
    expect(await outcomeOf(url, pin)).not.toBe('ack');
    const other = { server_fingerprint: stranger.fingerprint };
    expect(await outcomeOf(url, { cert: friend.cert, key: friend.key, ...other })).toMatch(/no trusted TLS connection/);
    expect(await outcomeOf(url, { cert: friend.cert, key: friend.key })).toMatch(/no trusted TLS connection/);
    expect(requests).toBe(1);
  });
});

it.each([
  ['0.0.0.0', undefined, /in clear/],
  ['127.0.0.1', new Set(['0'.repeat(64)]), /needs TLS/],
])('does not listen on %s with %j without TLS', async (host, client_certificates, message) => {
  const options = { app, host, port: 0, ...(client_certificates ? { client_certificates } : {}) };
  await expect(listenForOldPeers(options)).rejects.toThrow(message);
});

import { TLSSocket } from 'node:tls';
import { Pool, buildConnector } from 'undici';
import { checkEndpoint } from '../../engine/http/endpoint.ts';
import { retryAfter_ms, type RetryPolicy } from '../../engine/retry.ts';
import { unanswered } from '../../engine/http/transport-error.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import { readPushReply, type PushOutcome } from './ack-rules.ts';
import { fingerprintOf } from './client-certificates.ts';
import { newNonce } from './freshness.ts';
import { instantOfMilliseconds } from './instant.ts';
import type { SigningKey } from './ed25519.ts';
import { buildPush, type LaneItems } from './push-lanes.ts';
import { NONCE_HEADER, PEER_HEADER, SIGNATURE_HEADER, signatureHeader } from './signature.ts';

/** A reply of counters; what a peer says beyond is not read. */
const MAX_REPLY_BYTES = 1024 * 1024;

/** As the original's (§4.2). */
const CONNECT_TIMEOUT_MS = 2000;

export interface OldPeerTls {
  /** PEM: our certificate and key, towards a peer that pins them. */
  cert?: string;
  key?: string;
  /** PEM: authorities to trust instead of the system's. */
  ca?: string;
  /** SHA-256 of the peer's certificate (DER): pinned, whoever issued it and whatever its name. [..._PEER_FINGERPRINTS] */
  server_fingerprint?: string;
}

export interface OldPeerClientOptions {
  /** Base address, such as `http://peer:9077`. */
  url: string;
  /** Under which id we speak; also `x-peer-id`. */
  agent_id: string;
  /** The peer's own id where it is one of ours: named as the receiver, so that nobody else takes the request. */
  receiver?: string | undefined;
  api_key?: string | undefined;
  signing_key?: SigningKey | undefined;
  tls?: OldPeerTls | undefined;
  /** Allows http:// to another machine. */
  insecure: boolean;
  request_timeout_ms: number;
  clock: Clock;
  random: Random;
  timers: Timers;
  retry: RetryPolicy;
}

/** No answer that says anything about the items: the peer is away, or takes nothing now. */
export interface PeerAway {
  outcome: 'away';
  message: string;
  /** What it asked for in `Retry-After`. */
  wait_ms: number | null;
}

/** Pushes to one old peer: signed where we have a key, one connection at a time, no redirect followed. */
export class OldPeerClient {
  readonly #options: OldPeerClientOptions;
  readonly #path: string;
  readonly #pool: Pool;

  /** @throws UsageError `destination.url`, `destination.insecure` */
  constructor(options: OldPeerClientOptions) {
    const url = checkEndpoint(options.url, options.insecure);
    this.#options = options;
    this.#path = `${url.pathname.replace(/\/+$/, '')}/api/v1/sync/push`;
    this.#pool = new Pool(url.origin, { connections: 1, connect: connectorOf(options.tls ?? {}) });
  }

  /** Sends one body; `key` is ASCII. Whatever the network or the peer does is a value. */
  async push(
    items: LaneItems,
    key: string,
    expected: readonly string[],
    signal: AbortSignal,
  ): Promise<PushOutcome | PeerAway> {
    const { options, body, headers } = this.#request(items, key);
    const ended = new AbortController();
    let timed_out = false;
    void options.timers.sleep(options.request_timeout_ms, ended.signal).then(() => {
      timed_out = !ended.signal.aborted;
      ended.abort();
    });
    try {
      const reply = await this.#pool.request({
        method: 'POST',
        path: this.#path,
        body,
        headers,
        signal: AbortSignal.any([signal, ended.signal]),
      });
      const text = await boundedText(reply.body);
      if (isAboutThePeer(reply.statusCode)) return this.#away(reply.statusCode, reply.headers['retry-after']);
      return readPushReply(reply.statusCode, text, expected);
    } catch (error) {
      return { outcome: 'away', message: unanswered(error, timed_out).message, wait_ms: null };
    } finally {
      ended.abort();
    }
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  #request(
    items: LaneItems,
    key: string,
  ): { options: OldPeerClientOptions; body: Buffer; headers: Record<string, string> } {
    const { agent_id, receiver, signing_key, api_key, clock, random } = this.#options;
    const sender_wall_clock = signing_key && instantOfMilliseconds(clock.now_ms());
    const body = Buffer.from(buildPush({ sender_agent_id: agent_id, receiver, sender_wall_clock }, items), 'utf8');
    const headers: Record<string, string> = {
      'content-type': 'application/json',
      'idempotency-key': key,
      [PEER_HEADER]: agent_id,
      ...(api_key === undefined ? {} : { 'x-api-key': api_key }),
    };
    if (signing_key) {
      const nonce = newNonce(clock, random);
      headers[NONCE_HEADER] = nonce;
      headers[SIGNATURE_HEADER] = signatureHeader(signing_key, { body }, nonce);
    }
    return { options: this.#options, body, headers };
  }

  #away(status: number, header: string | string[] | undefined): PeerAway {
    const { clock, retry } = this.#options;
    const wait_ms = retryAfter_ms(typeof header === 'string' ? header : undefined, clock.now_ms(), retry);
    return { outcome: 'away', message: `the peer answered ${status}`, wait_ms };
  }
}

/** A connection to a pinned peer is closed before anything is sent when another certificate is there. */
function connectorOf({
  server_fingerprint,
  ...tls
}: OldPeerTls): buildConnector.BuildOptions | buildConnector.connector {
  if (server_fingerprint === undefined) return { timeout: CONNECT_TIMEOUT_MS, ...tls };
  const connect = buildConnector({ timeout: CONNECT_TIMEOUT_MS, ...tls, rejectUnauthorized: false });
  return (options, callback) =>
    connect(options, (error, socket) => {
      if (error) return callback(error, null);
      const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
      if (certificate && fingerprintOf(certificate.raw) === server_fingerprint) return callback(null, socket);
      socket.destroy();
      callback(Object.assign(new Error('another certificate than the pinned one'), { code: 'ERR_TLS_PINNED' }), null);
    });
}

/** Statuses that mean all we could send, not what we sent: who we are, how much at once, the peer's own trouble. */
function isAboutThePeer(status: number): boolean {
  return [401, 403, 404, 405, 415, 426, 429].includes(status) || status >= 500 || (status >= 300 && status < 400);
}

async function boundedText(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > MAX_REPLY_BYTES) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

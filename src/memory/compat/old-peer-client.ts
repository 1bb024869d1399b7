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
import { isObject } from '../json.ts';
import { RECEIVER_PARAMETER, newNonce } from './freshness.ts';
import { instantOfMilliseconds } from './instant.ts';
import type { SigningKey } from './ed25519.ts';
import { buildPush, type LaneItems } from './push-lanes.ts';
import { NONCE_HEADER, PEER_HEADER, SIGNATURE_HEADER, signatureHeader, type Signed } from './signature.ts';

/** A reply of counters; what a peer says beyond is not read. */
const MAX_REPLY_BYTES = 1024 * 1024;

/** A page of 500 rows of the largest content, with its escapes. */
const MAX_PAGE_BYTES = 96 * 1024 * 1024;

/** Of the answer to `GET /api/v1/health`: who speaks the native dialect; ai-memory has no such member. */
export const NATIVE_MEMBER = 'syncline';

export const PUSH_PATH = '/api/v1/sync/push';
const SINCE_PATH = '/api/v1/sync/since';

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
  /** It answered, but with a refusal of everything. */
  is_answer?: boolean;
}

/** A page of `GET /api/v1/sync/since`: rows as they came. */
export interface PulledPage {
  outcome: 'page';
  memories: readonly unknown[];
  /** What the peer's clock showed, by its `Date`, whole seconds; null: it did not say. */
  served_ms: number | null;
}

/** Speaks to one old peer: signed where we have a key, one connection at a time, no redirect followed. */
export class OldPeerClient {
  readonly #options: OldPeerClientOptions;
  readonly #prefix: string;
  readonly #pool: Pool;

  /** @throws UsageError `destination.url`, `destination.insecure` */
  constructor(options: OldPeerClientOptions) {
    const url = checkEndpoint(options.url, options.insecure);
    this.#options = options;
    this.#prefix = url.pathname.replace(/\/+$/, '');
    this.#pool = new Pool(url.origin, { connections: 1, connect: connectorOf(options.tls ?? {}) });
  }

  /** Sends one body; `key` is ASCII. Whatever the network or the peer does is a value. */
  async push(
    items: LaneItems,
    key: string,
    expected: readonly string[],
    signal: AbortSignal,
  ): Promise<PushOutcome | PeerAway> {
    const body = Buffer.from(this.pushBody(items), 'utf8');
    const headers = { ...this.#headers({ body }), 'content-type': 'application/json', 'idempotency-key': key };
    const path = `${this.#prefix}${PUSH_PATH}`;
    const reply = await this.#exchange({ method: 'POST', path, body, headers }, MAX_REPLY_BYTES, signal);
    return 'outcome' in reply ? reply : readPushReply(reply.status, reply.text, expected);
  }

  /** The body of a push, as it leaves now. */
  pushBody(items: LaneItems): string {
    const { agent_id, receiver, signing_key, clock } = this.#options;
    const sender_wall_clock = signing_key && instantOfMilliseconds(clock.now_ms());
    return buildPush({ sender_agent_id: agent_id, receiver, sender_wall_clock }, items);
  }

  /** Whether one of ours answers there, which has a dialect of its own. Tells the peer nothing but that we are there. */
  async speaksNative(signal: AbortSignal): Promise<boolean | PeerAway> {
    const path = `${this.#prefix}/api/v1/health`;
    const reply = await this.#exchange({ method: 'GET', path, headers: {} }, MAX_REPLY_BYTES, signal);
    if (!('outcome' in reply)) return isSyncline(reply.text);
    // It answered, whatever: an old peer behind something that hides its health.
    return reply.is_answer ? false : reply;
  }

  /** Asks for what the peer has after a time of its own, as it spelled it; '' asks from the beginning. */
  async since(since: string, limit: number, signal: AbortSignal): Promise<PulledPage | PeerAway> {
    const { agent_id, receiver } = this.#options;
    const query = new URLSearchParams({
      peer: agent_id,
      limit: String(limit),
      ...(since === '' ? {} : { since }),
      ...(receiver === undefined ? {} : { [RECEIVER_PARAMETER]: receiver }),
    }).toString();
    const path = `${this.#prefix}${SINCE_PATH}`;
    const headers = this.#headers({ path, query });
    const reply = await this.#exchange({ method: 'GET', path: `${path}?${query}`, headers }, MAX_PAGE_BYTES, signal);
    if ('outcome' in reply) return reply;
    const memories = reply.status === 200 ? memoriesOf(reply.text) : null;
    return memories
      ? { outcome: 'page', memories, served_ms: timeOfDate(reply.date) }
      : { outcome: 'away', message: `the peer answered ${reply.status} without a page`, wait_ms: null };
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }

  async #exchange(
    request: { method: 'GET' | 'POST'; path: string; body?: Buffer; headers: Record<string, string> },
    max_bytes: number,
    signal: AbortSignal,
  ): Promise<{ status: number; text: string; date: unknown } | PeerAway> {
    const { timers, request_timeout_ms } = this.#options;
    const ended = new AbortController();
    let timed_out = false;
    void timers.sleep(request_timeout_ms, ended.signal).then(() => {
      timed_out = !ended.signal.aborted;
      ended.abort();
    });
    try {
      const reply = await this.#pool.request({ ...request, signal: AbortSignal.any([signal, ended.signal]) });
      const text = await boundedText(reply.body, max_bytes);
      if (isAboutThePeer(reply.statusCode)) return this.#away(reply.statusCode, reply.headers['retry-after']);
      return { status: reply.statusCode, text, date: reply.headers['date'] };
    } catch (error) {
      return { outcome: 'away', message: unanswered(error, timed_out).message, wait_ms: null };
    } finally {
      ended.abort();
    }
  }

  #headers(signed: Signed): Record<string, string> {
    const { agent_id, signing_key, api_key, clock, random } = this.#options;
    const nonce = newNonce(clock, random);
    return {
      [PEER_HEADER]: agent_id,
      ...(api_key === undefined ? {} : { 'x-api-key': api_key }),
      ...(signing_key
        ? { [NONCE_HEADER]: nonce, [SIGNATURE_HEADER]: signatureHeader(signing_key, signed, nonce) }
        : {}),
    };
  }

  #away(status: number, header: string | string[] | undefined): PeerAway {
    const { clock, retry } = this.#options;
    const wait_ms = retryAfter_ms(typeof header === 'string' ? header : undefined, clock.now_ms(), retry);
    return { outcome: 'away', message: `the peer answered ${status}`, wait_ms, is_answer: status < 500 };
  }
}

function isSyncline(health: string): boolean {
  try {
    const said: unknown = JSON.parse(health);
    return isObject(said) && isObject(said[NATIVE_MEMBER]);
  } catch {
    return false;
  }
}

function timeOfDate(header: unknown): number | null {
  const ms = typeof header === 'string' ? Date.parse(header) : NaN;
  return Number.isNaN(ms) ? null : ms;
}

function memoriesOf(text: string): readonly unknown[] | null {
  try {
    const page: unknown = JSON.parse(text);
    const memories: unknown = isObject(page) ? page['memories'] : null;
    return Array.isArray(memories) ? memories : null;
  } catch {
    // A proxy's page, or a cut one: no page of the peer.
    return null;
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

async function boundedText(body: AsyncIterable<Buffer>, max_bytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > max_bytes) break;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

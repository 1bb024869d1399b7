import { createGunzip, gzip } from 'node:zlib';
import { promisify } from 'node:util';
import type { Readable } from 'node:stream';
import { Agent } from 'undici';
import type { Unanswered } from '../../engine/ordered/destination.ts';
import { isLoopback } from '../../engine/http/endpoint.ts';
import { unanswered } from '../../engine/http/transport-error.ts';
import { UsageError } from '../../platform/errors.ts';
import type { Timers } from '../../platform/timers.ts';

const compress = promisify(gzip);
/** Level 4 costs a third of the default level 6 on JSON and gives 5 % more bytes. */
const GZIP_LEVEL = 4;
/** Below a network packet or so, compressing gains nothing. */
const GZIP_FROM_BYTES = 1_400;

/** Failures of the network before any byte of the request can have reached the server. */
const NEVER_SENT: ReadonlySet<Unanswered['reason']> = new Set(['dns', 'tls', 'refused']);

export interface HttpOptions {
  timers: Timers;
  connect_timeout_ms?: number;
  max_connections?: number;
  /** Certificate authorities to trust instead of the system's, PEM: for the sandbox. */
  ca?: string | undefined;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Readonly<Record<string, string>>;
  body?: string | Readable;
  /** For the whole exchange, from the first byte to the last. */
  timeout_ms: number;
  /** An answer that is longer is a failure; nothing beyond is read. */
  max_bytes: number;
  /** Compress the body when that pays. */
  gzip?: boolean;
}

/** An answer, whole and decompressed. */
export interface HttpAnswer {
  readonly status: number;
  /** By lower-case name; of repeated headers the first. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** No whole answer came. */
export interface HttpFailure {
  readonly status: null;
  readonly reason: Unanswered['reason'] | 'cut' | 'too_long';
  /** False: surely nothing was carried out. */
  readonly sent: boolean;
}

/**
 * Requests to the few addresses of one org (sign-in and instance): pooled connections, one deadline, bounded bodies, no
 * redirect followed. Every failure of the network is a value that says whether the request may have arrived.
 */
export class HttpClient {
  readonly #timers: Timers;
  readonly #agent: Agent;

  constructor({ timers, connect_timeout_ms = 10_000, max_connections = 8, ca }: HttpOptions) {
    this.#timers = timers;
    this.#agent = new Agent({
      connections: max_connections,
      connect: { timeout: connect_timeout_ms, ...(ca === undefined ? {} : { ca }) },
      // The deadline of the exchange is ours, and shorter.
      headersTimeout: 600_000,
      bodyTimeout: 600_000,
    });
  }

  /** @throws UsageError `salesforce.address` for http:// to another machine */
  async request(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | HttpFailure> {
    checkAddress(request.url);
    const ended = new AbortController();
    let timed_out = false;
    void this.#timers.sleep(request.timeout_ms, ended.signal).then(() => {
      timed_out = !ended.signal.aborted;
      ended.abort();
    });
    try {
      return await this.#exchange(request, AbortSignal.any([signal, ended.signal]));
    } catch (error) {
      const { reason } = unanswered(error, timed_out);
      return { status: null, reason, sent: !NEVER_SENT.has(reason) && !neverConnected(error) };
    } finally {
      ended.abort();
    }
  }

  async #exchange(request: HttpRequest, signal: AbortSignal): Promise<HttpAnswer | HttpFailure> {
    const url = new URL(request.url);
    const { body, encoding } = await encodeBody(request);
    // `request` of an Agent follows no redirect: a 3xx comes back as the answer that it is.
    const response = await this.#agent.request({
      origin: url.origin,
      path: url.pathname + url.search,
      method: request.method,
      body,
      signal,
      headers: { 'accept-encoding': 'gzip', ...encoding, ...request.headers },
    });
    const headers = firstOf(response.headers);
    try {
      const text = await readBounded(response.body, headers['content-encoding'] === 'gzip', request.max_bytes);
      if (text === null) return { status: null, reason: 'too_long', sent: true };
      return { status: response.statusCode, headers, body: text };
    } catch (error) {
      if (signal.aborted) throw error;
      // The status is known, but of a list of results it is the list that counts.
      return { status: null, reason: 'cut', sent: true };
    }
  }

  async close(): Promise<void> {
    await this.#agent.destroy();
  }
}

/** @throws UsageError `salesforce.address`: a token never goes in clear to another machine. */
export function checkAddress(address: string): URL {
  const url = URL.canParse(address) ? new URL(address) : null;
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && isLoopback(url.hostname))) return url;
  throw new UsageError('salesforce.address', 'The address of Salesforce is not an https:// address', {
    hint: 'http:// is only for the sandbox on this machine.',
  });
}

function neverConnected(error: unknown): boolean {
  return error instanceof Error && (error as { code?: unknown }).code === 'UND_ERR_CONNECT_TIMEOUT';
}

async function encodeBody(request: HttpRequest): Promise<{
  body: string | Buffer | Readable | null;
  encoding: Record<string, string>;
}> {
  const { body } = request;
  if (body === undefined) return { body: null, encoding: {} };
  if (!request.gzip || typeof body !== 'string' || body.length < GZIP_FROM_BYTES) return { body, encoding: {} };
  return { body: await compress(body, { level: GZIP_LEVEL }), encoding: { 'content-encoding': 'gzip' } };
}

function firstOf(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) => {
      const first = Array.isArray(value) ? value[0] : value;
      return first === undefined ? [] : [[name.toLowerCase(), first]];
    }),
  );
}

/** The text; null when it is longer than allowed. Bounded after decompression: a small answer can unfold without end. */
async function readBounded(body: Readable, zipped: boolean, max_bytes: number): Promise<string | null> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of zipped ? body.compose(createGunzip()) : body) {
    bytes += (chunk as Buffer).length;
    if (bytes > max_bytes) return null;
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks).toString('utf8');
}

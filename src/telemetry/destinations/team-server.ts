import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { Pool } from 'undici';
import type {
  BatchLimits,
  OrderedDestination,
  OutgoingBatch,
  PartitionHeader,
  Reply,
} from '../../engine/ordered/destination.ts';
import { UsageError, invariant } from '../../platform/errors.ts';
import type { Timers } from '../../platform/timers.ts';
import { TELEMETRY_KINDS } from '../wire/body.ts';
import { encodeBody, envelopeBytes, kindOf, type BodyForm } from './body.ts';
import { checkEndpoint } from './endpoint.ts';
import { readReply } from './reply.ts';
import { unanswered } from './transport-error.ts';

const compress = promisify(gzip);

/** Level 4 costs a third of the default level 6 on JSON and gives 5 % more bytes. */
const GZIP_LEVEL = 4;

/** An answer is a few hundred bytes; 1000 item errors fit as well. What a server says beyond is not read. */
const MAX_REPLY_BYTES = 512 * 1024;

/** Events may overtake each other, their identity orders nothing; spans and sessions are sent one after another. */
const EVENT_WINDOW = 4;

export interface TeamServerOptions {
  id: string;
  /** Base address; a path in it is kept as a prefix. */
  url: string;
  token: string;
  team_id: string;
  salt_id: string;
  /** For `X-Syncline-Client`. */
  version: string;
  timers: Timers;
  limits: BatchLimits;
  /** `team.names`: project names go along in clear (R5). */
  project_names: boolean;
  /** Allows http:// to another machine (R7). */
  insecure: boolean;
  /** A server of ours takes many sessions in one body; the original contract has one. */
  session_arrays: boolean;
  connect_timeout_ms: number;
  /** For the whole exchange, from the first byte to the last. */
  request_timeout_ms: number;
  max_connections: number;
  /** Certificate authorities to trust instead of the system's, PEM. */
  ca?: string;
}

/** A team's ingest server: ours, or any that keeps the original's contract (telemetry specification §2.4, §5.3, §6). */
export class TeamServerDestination implements OrderedDestination {
  readonly id: string;
  readonly guarantee = 'exact';
  readonly #options: TeamServerOptions;
  readonly #form: BodyForm;
  readonly #prefix: string;
  readonly #pool: Pool;

  /** @throws UsageError `destination.url`, `destination.insecure`, `destination.token` */
  constructor(options: TeamServerOptions) {
    const url = checkEndpoint(options.url, options.insecure);
    if (!/^[\x21-\x7e]+$/.test(options.token))
      throw new UsageError('destination.token', 'The team token is empty or holds characters that no token has', {
        field: 'token',
      });
    this.id = options.id;
    this.#options = options;
    this.#form = {
      team_id: options.team_id,
      project_names: options.project_names,
      single_session: !options.session_arrays,
    };
    this.#prefix = url.pathname.replace(/\/+$/, '');
    this.#pool = new Pool(url.origin, {
      connections: options.max_connections,
      connect: { timeout: options.connect_timeout_ms, ...(options.ca === undefined ? {} : { ca: options.ca }) },
      headersTimeout: options.request_timeout_ms,
      bodyTimeout: options.request_timeout_ms,
    });
  }

  window(header: PartitionHeader): number {
    return kindOf(header) === 'events' ? EVENT_WINDOW : 1;
  }

  limits(header: PartitionHeader): BatchLimits {
    const { limits, session_arrays } = this.#options;
    return kindOf(header) === 'sessions' && !session_arrays ? { ...limits, max_items: 1 } : limits;
  }

  accepts(stream: string, header: PartitionHeader): boolean {
    return stream === 'telemetry' && kindOf(header) !== null && header['salt_id'] === this.#options.salt_id;
  }

  encode(header: PartitionHeader, items: readonly string[]): string {
    return encodeBody(this.#form, header, items);
  }

  envelopeBytes(header: PartitionHeader): number {
    return envelopeBytes(this.#form, header);
  }

  /** The same batch always goes under the same key, so that a repeat after a lost answer has no second effect. */
  async send(batch: OutgoingBatch, signal: AbortSignal): Promise<Reply> {
    const kind = kindOf(batch.header);
    invariant(kind, 'a destination is sent only partitions that it accepts');
    const body = await compress(batch.body, { level: GZIP_LEVEL });
    const ended = new AbortController();
    let timed_out = false;
    void this.#options.timers.sleep(this.#options.request_timeout_ms, ended.signal).then(() => {
      timed_out = !ended.signal.aborted;
      ended.abort();
    });
    try {
      return await this.#exchange(
        `${this.#prefix}${TELEMETRY_KINDS[kind].path}`,
        batch.batch_id,
        body,
        AbortSignal.any([signal, ended.signal]),
      );
    } catch (error) {
      return unanswered(error, timed_out);
    } finally {
      ended.abort();
    }
  }

  async #exchange(path: string, key: string, body: Buffer, signal: AbortSignal): Promise<Reply> {
    const client = `syncline/${this.#options.version}`;
    // `request` of a Pool follows no redirect: a 3xx comes back as the answer that it is.
    const response = await this.#pool.request({
      method: 'POST',
      path,
      body,
      signal,
      headers: {
        authorization: `Bearer ${this.#options.token}`,
        'content-type': 'application/json',
        'content-encoding': 'gzip',
        'x-syncline-idempotency-key': key,
        'x-kaizen-idempotency-key': key,
        'x-syncline-client': client,
        'x-kaizen-client': client,
      },
    });
    const retry_after = response.headers['retry-after'];
    return readReply(
      response.statusCode,
      typeof retry_after === 'string' ? retry_after : undefined,
      await readBounded(response.body),
    );
  }

  async close(): Promise<void> {
    await this.#pool.destroy();
  }
}

/** The reply's text as far as it is wanted. Once the status is known, a reply that breaks off is still an answer. */
async function readBounded(body: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of body) {
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > MAX_REPLY_BYTES) break;
    }
  } catch {
    return '';
  }
  return Buffer.concat(chunks).toString('utf8');
}

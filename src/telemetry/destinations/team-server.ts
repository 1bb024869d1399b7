import type {
  BatchLimits,
  OrderedDestination,
  OutgoingBatch,
  PartitionHeader,
  Reply,
} from '../../engine/ordered/destination.ts';
import { HttpExchange } from '../../engine/http/exchange.ts';
import { readReply } from '../../engine/http/reply.ts';
import { invariant } from '../../platform/errors.ts';
import type { Timers } from '../../platform/timers.ts';
import { TELEMETRY_KINDS } from '../wire/body.ts';
import { encodeBody, envelopeBytes, kindOf, type BodyForm } from './body.ts';

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
  readonly #exchange: HttpExchange;

  /** @throws UsageError `destination.url`, `destination.insecure`, `destination.token` */
  constructor(options: TeamServerOptions) {
    this.id = options.id;
    this.#options = options;
    this.#form = {
      team_id: options.team_id,
      project_names: options.project_names,
      single_session: !options.session_arrays,
    };
    this.#exchange = new HttpExchange({ ...options, max_reply_bytes: MAX_REPLY_BYTES });
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
    const client = `syncline/${this.#options.version}`;
    const reply = await this.#exchange.request(
      {
        method: 'POST',
        path: TELEMETRY_KINDS[kind].path,
        body: batch.body,
        headers: {
          'x-syncline-idempotency-key': batch.batch_id,
          'x-kaizen-idempotency-key': batch.batch_id,
          'x-syncline-client': client,
          'x-kaizen-client': client,
        },
      },
      signal,
    );
    return reply.status === null ? reply : readReply(reply.status, reply.retry_after, reply.body);
  }

  /** `DELETE /v1/sessions/{hash}`: the member's own telemetry of a session; a server without that route answers 404 or 405. */
  async eraseSession(session_id_hash: string, signal: AbortSignal): Promise<Reply> {
    const { team_id, version } = this.#options;
    const path = `${TELEMETRY_KINDS.sessions.path}/${encodeURIComponent(session_id_hash)}`;
    const headers = { 'x-syncline-client': `syncline/${version}` };
    const query = `?team_id=${encodeURIComponent(team_id)}`;
    const reply = await this.#exchange.request({ method: 'DELETE', path: `${path}${query}`, headers }, signal);
    return reply.status === null ? reply : readReply(reply.status, reply.retry_after, reply.body);
  }

  async close(): Promise<void> {
    await this.#exchange.close();
  }
}

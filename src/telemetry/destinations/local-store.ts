import { createHash } from 'node:crypto';
import type {
  BatchLimits,
  OrderedDestination,
  OutgoingBatch,
  PartitionHeader,
  Reply,
} from '../../engine/ordered/destination.ts';
import { FullError, invariant } from '../../platform/errors.ts';
import type { Principal } from '../store/principal.ts';
import type { TelemetryStore } from '../store/telemetry-store.ts';
import { parseBody } from '../wire/parse.ts';
import { encodeBody, envelopeBytes, kindOf, type BodyForm } from './body.ts';

/** The team of what is kept only at home. */
export const LOCAL_TEAM = 'local';

export interface LocalStoreOptions {
  id: string;
  store: TelemetryStore;
  /** Takes only partitions of this salt; absent: of every salt, since nothing leaves the machine. */
  salt_id?: string;
  member: string;
  device: string;
}

/** At most this in one transaction (design §5 rule 1). */
const LIMITS: BatchLimits = { max_items: 1000, max_body_bytes: 4 * 1024 * 1024 };

/**
 * Delivers to the store of this machine in this process: the same bytes, rules and answers as a team server, without the
 * network, so that home and team cannot come to differ.
 */
export class LocalStoreDestination implements OrderedDestination {
  readonly id: string;
  readonly guarantee = 'exact';
  readonly #store: TelemetryStore;
  readonly #salt_id: string | undefined;
  readonly #principal: Principal;
  readonly #form: BodyForm = { team_id: LOCAL_TEAM, project_names: true, single_session: false };

  constructor(options: LocalStoreOptions) {
    this.id = options.id;
    this.#store = options.store;
    this.#salt_id = options.salt_id;
    this.#principal = { team_id: LOCAL_TEAM, member: options.member, device: options.device };
  }

  window(_header: PartitionHeader): number {
    return 1;
  }

  limits(_header: PartitionHeader): BatchLimits {
    return LIMITS;
  }

  accepts(stream: string, header: PartitionHeader): boolean {
    return (
      stream === 'telemetry' && kindOf(header) !== null && (this.#salt_id ?? header['salt_id']) === header['salt_id']
    );
  }

  encode(header: PartitionHeader, items: readonly string[]): string {
    return encodeBody(this.#form, header, items);
  }

  envelopeBytes(header: PartitionHeader): number {
    return envelopeBytes(this.#form, header);
  }

  async send(batch: OutgoingBatch, _signal: AbortSignal): Promise<Reply> {
    const kind = kindOf(batch.header);
    invariant(kind, 'a destination is sent only partitions that it accepts');
    const parsed = parseBody(kind, batch.body);
    if (!parsed.ok) {
      const errors = parsed.reason === 'schema' ? parsed.errors : [];
      const [first] = errors;
      return {
        status: 400,
        code: parsed.reason === 'schema' ? 'schema' : 'json',
        message: first ? `${first.field}: ${first.message}` : 'the body is not valid JSON',
        item_errors: errors.filter((error) => error.index >= 0),
      };
    }
    const body_sha256 = createHash('sha256').update(batch.body).digest();
    try {
      const result = this.#store.ingest(parsed.body, this.#principal, { key: batch.batch_id, body_sha256 });
      if (result.outcome === 'key_reused')
        return { status: 422, code: 'idempotency_key_reused', message: 'the batch id came with another body' };
      return {
        status: result.outcome === 'stored' ? 202 : 409,
        received: result.received,
        deduped: result.deduped,
      };
    } catch (error) {
      if (error instanceof FullError) return { status: 507, code: error.code, message: error.message };
      throw error;
    }
  }
}

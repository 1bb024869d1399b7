import type {
  BatchLimits,
  OrderedDestination,
  OutgoingBatch,
  PartitionHeader,
  Reply,
} from '../../engine/ordered/destination.ts';
import { invariant } from '../../platform/errors.ts';
import type { Principal } from '../store/principal.ts';
import { TelemetryStore } from '../store/telemetry-store.ts';
import { encodeBody, envelopeBytes, kindOf, type BodyForm } from './body.ts';
import { receiveBatch } from './receive-batch.ts';
import type { StoreThread } from './store-thread.ts';

/** The team of what is kept only at home. */
export const LOCAL_TEAM = 'local';

export interface LocalStoreOptions {
  id: string;
  /** Where batches go: the store itself, or the thread that writes it. Closed with the destination when it is a thread. */
  store: TelemetryStore | StoreThread;
  /** Takes only partitions of this salt; absent: of every salt, since nothing leaves the machine. */
  salt_id?: string;
  member: string;
  device: string;
}

/** At most this in one transaction (design §5 rule 1). */
const LIMITS: BatchLimits = { max_items: 500, max_body_bytes: 1024 * 1024 };

/**
 * Delivers to the store of this machine in this process: the same bytes, rules and answers as a team server, without the
 * network, so that home and team cannot come to differ.
 */
export class LocalStoreDestination implements OrderedDestination {
  readonly id: string;
  readonly guarantee = 'exact';
  readonly #store: TelemetryStore | StoreThread;
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
    const received = { kind, batch_id: batch.batch_id, body: batch.body };
    return this.#store instanceof TelemetryStore
      ? receiveBatch(this.#store, this.#principal, received)
      : this.#store.receive(this.#principal, received);
  }

  async close(): Promise<void> {
    if (!(this.#store instanceof TelemetryStore)) await this.#store.close();
  }
}

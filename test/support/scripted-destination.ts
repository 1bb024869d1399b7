import type {
  BatchLimits,
  OrderedDestination,
  OutgoingBatch,
  PartitionHeader,
  Reply,
} from '../../src/engine/ordered/destination.ts';

/** One request as the destination saw it. */
export interface SeenRequest {
  batch_id: string;
  partition: string;
  /** The ids of its items, in order. */
  ids: number[];
  at_ms: number;
}

export interface ScriptedOptions {
  id?: string;
  now_ms: () => number;
  /** What it answers; a 2xx delivers the items. */
  answer: (request: SeenRequest, signal: AbortSignal) => Reply | Promise<Reply>;
  window?: number;
  limits?: Partial<BatchLimits>;
  accepts?: (header: PartitionHeader) => boolean;
  probe?: (signal: AbortSignal) => Promise<boolean>;
}

/** A destination in memory whose items are `{"id":n}`, that answers as it is told and remembers everything. */
export class ScriptedDestination implements OrderedDestination {
  readonly id: string;
  readonly guarantee = 'exact';
  readonly probe?: (signal: AbortSignal) => Promise<boolean>;
  readonly requests: SeenRequest[] = [];
  /** Ids in the order of their effect. */
  readonly delivered: number[] = [];
  /** Keys that came with two bodies; always empty in a right engine (I5). */
  readonly reused_keys: string[] = [];
  in_flight = 0;
  most_in_flight = 0;
  answer: ScriptedOptions['answer'];
  readonly #options: ScriptedOptions;
  readonly #bodies = new Map<string, string>();

  constructor(options: ScriptedOptions) {
    this.#options = options;
    this.id = options.id ?? 'team';
    this.answer = options.answer;
    if (options.probe) this.probe = options.probe;
  }

  window(): number {
    return this.#options.window ?? 1;
  }

  limits(): BatchLimits {
    return { max_items: 500, max_body_bytes: 1_000_000, ...this.#options.limits };
  }

  accepts(_stream: string, header: PartitionHeader): boolean {
    return this.#options.accepts?.(header) ?? true;
  }

  encode(_header: PartitionHeader, items: readonly string[]): string {
    return `[${items.join(',')}]`;
  }

  envelopeBytes(): number {
    return 2;
  }

  async send(batch: OutgoingBatch, signal: AbortSignal): Promise<Reply> {
    const ids = (JSON.parse(batch.body) as { id: number }[]).map(({ id }) => id);
    const known = this.#bodies.get(batch.batch_id);
    if (known !== undefined && known !== batch.body) this.reused_keys.push(batch.batch_id);
    this.#bodies.set(batch.batch_id, batch.body);
    const request = {
      batch_id: batch.batch_id,
      partition: String(batch.header.name),
      ids,
      at_ms: this.#options.now_ms(),
    };
    this.requests.push(request);
    this.most_in_flight = Math.max(this.most_in_flight, ++this.in_flight);
    try {
      const reply = await this.answer(request, signal);
      if (reply.status !== null && reply.status >= 200 && reply.status < 300) this.delivered.push(...ids);
      return reply;
    } finally {
      this.in_flight--;
    }
  }
}

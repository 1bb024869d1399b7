/**
 * What the engine asks of a destination of ordered delivery. A destination only encodes and sends; when to send, what a
 * reply means and what happens next is the engine's (classifier, retry, circuits, dead letters).
 */

export interface BatchLimits {
  /** Most items a request may carry; at least 1. */
  max_items: number;
  /** Most bytes of the uncompressed body. A single larger item still goes alone. */
  max_body_bytes: number;
}

/** What a request body repeats for every item; stored once in the partition's header. */
export type PartitionHeader = Readonly<Record<string, string | number | boolean | null>>;

export interface OutgoingBatch {
  /** UUIDv7; the idempotency key of every attempt at this very body. */
  batch_id: string;
  stream: string;
  header: PartitionHeader;
  items: number;
  /** The exact body, as `encode` made it. */
  body: string;
}

/** A bad item inside a refused request, by its place in the body. */
export interface ItemError {
  index: number;
  code: string;
  message: string;
  field?: string | undefined;
}

/** An answer of the destination, as it came. */
export interface Replied {
  status: number;
  /** The `Retry-After` header, unparsed: seconds or an HTTP date. */
  retry_after?: string | undefined;
  code?: string | undefined;
  message?: string | undefined;
  received?: number | undefined;
  deduped?: number | undefined;
  item_errors?: ItemError[] | undefined;
  /** Stated with 413: what the destination does take. */
  limits?: Partial<BatchLimits> | undefined;
}

/** No answer: the request may or may not have had its effect. */
export interface Unanswered {
  status: null;
  reason: 'dns' | 'tls' | 'refused' | 'timeout' | 'reset' | 'aborted' | 'unknown';
  message: string;
}

export type Reply = Replied | Unanswered;

export interface OrderedDestination {
  /** The configured name; never an index or URL (design §4). */
  readonly id: string;
  /** `exact`: an item's effect happens once whatever is repeated. `at-least-once`: repeats carry a stable id (P2). */
  readonly guarantee: 'exact' | 'at-least-once';
  /** How many batches of one partition may be open at once for this header; 1 where order matters. */
  window(header: PartitionHeader): number;
  limits(header: PartitionHeader): BatchLimits;
  /** Whether this destination takes partitions of this header at all (kind, workspace, salt). */
  accepts(stream: string, header: PartitionHeader): boolean;
  /** Joins item texts into a body; never parses them. `envelope_bytes` is what the body has besides items and commas. */
  encode(header: PartitionHeader, items: readonly string[]): string;
  envelopeBytes(header: PartitionHeader): number;
  /** Sends one batch. Returns every answer and every transport failure as a value; throws only for defects. */
  send(batch: OutgoingBatch, signal: AbortSignal): Promise<Reply>;
  /** Whether the destination is well apart from any batch; tells an outage from a batch that crashes it. */
  probe?(signal: AbortSignal): Promise<boolean>;
  close?(): Promise<void>;
}

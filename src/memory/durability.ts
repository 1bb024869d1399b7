import type { MemberId, OperationId } from './origin.ts';

/** How far a write has got. `durable_on` counts this member. */
export interface Receipt {
  /** The last operation of the write; null when it wrote none. */
  operation: OperationId | null;
  durable_on: number;
  /** Members that were asked to keep it, this one included. */
  members: number;
  /** Those that have it, by id. */
  on: MemberId[];
}

/**
 * Who else has an operation: implemented by replication, which knows the peers' vectors. Without one a member is alone.
 * May only count members whose reply said that it is on their disk.
 */
export interface Durability {
  receipt(operation: OperationId): Receipt;
  /** Resolves when `members` have it or the deadline is over; the receipt says which. Never rejects for either. */
  wait(operation: OperationId, members: number, deadline_ms: number, signal?: AbortSignal): Promise<Receipt>;
}

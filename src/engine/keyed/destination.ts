/**
 * What the engine asks of a destination of keyed delivery. It reads the newest state of a key and the link (what the
 * other side has), and sends the difference; when to send, what a refusal means, and what happens next is the engine's.
 */
import type { PartitionHeader, Replied, Unanswered } from '../ordered/destination.ts';
import type { CounterChange, FlowWrite, Refusal, RowWrite } from '../transaction.ts';
import type { Task } from './store.ts';

/** What the sender may use during one attempt. */
export interface SendContext {
  /** Aborts when the program stops or the time is over; every request carries it, and `send` ends soon after. */
  signal: AbortSignal;
  /** How long the whole attempt may take, well within the lease of the claim. */
  timeout_ms: number;
  /**
   * To be awaited right before each request leaves: false when the claim was lost or the destination paused since; then
   * nothing is sent and `send` returns `later`. `writes` (the intent of a vendor call) commit in the same transaction.
   * @throws StaleError when a write changes another number of rows than it expects
   */
  proceed(task: Task, writes?: readonly FlowWrite[]): Promise<boolean>;
  /**
   * The same right before a request that carries many keys, in one transaction: one answer for each, in order. `rows[i]` (the
   * intent of `tasks[i]`) commits where the answer is true. A key whose answer is false is left out of the request.
   */
  proceedAll(tasks: readonly Task[], rows?: readonly (readonly RowWrite[])[]): Promise<readonly boolean[]>;
}

/** Why an attempt failed, where the sender knows it better than the classifier of replies does. */
export type KeyedFailure = Refusal & {
  /**
   * `destination`: it is not well, or throttles: circuit, no attempt. `group`: it takes nothing of this group: held, no
   * attempt. `key`: this key: an attempt, again after a back-off. `key_for_good`: this key can never pass: dead letter.
   */
  scope: 'destination' | 'group' | 'key' | 'key_for_good';
  /** How long the destination asked to be left alone; scope `destination` only. */
  wait_ms?: number | null;
};

/** How one attempt at one key ended. `writes`, `rows` (the link) and `counters` commit in the transaction that settles it. */
export type KeyedOutcome = {
  writes?: readonly FlowWrite[];
  rows?: readonly RowWrite[];
  counters?: readonly CounterChange[];
} & (
  | {
      /** The other side took the difference. `bytes` of it, for the figures. */
      kind: 'done';
      bytes?: number;
    }
  /** The other side has it already, or it is not for this destination: nothing was sent. */
  | { kind: 'nothing' }
  /** Not yet (a turn on hold, part of it sent): again at `until_ms`. Nothing is counted. */
  | { kind: 'later'; until_ms: number }
  /**
   * A reply that was no success, for the engine's classifier (design §5 rule 6). A base that does not match (409, 412)
   * is the sender's to solve; one that comes here counts as an attempt.
   */
  | { kind: 'replied'; reply: Replied | Unanswered }
  | { kind: 'failed'; failure: KeyedFailure }
);

export interface KeyedDestination {
  /** The configured name; never an index or URL (design §4). */
  readonly id: string;
  /** Whether this destination takes keys of partitions of this header at all. */
  accepts(stream: string, header: PartitionHeader): boolean;
  /**
   * One attempt at one key: reads the newest state and the link, sends the difference. Returns every answer and every
   * transport failure as a value. What it throws counts as an attempt at the key; a StaleError as "read again".
   */
  send(task: Task, context: SendContext): Promise<KeyedOutcome>;
  /**
   * Several keys at once, where one request or transaction can carry them; one outcome for each, in their order. With
   * it, `send` is not called.
   */
  sendMany?(tasks: readonly Task[], context: SendContext): Promise<readonly KeyedOutcome[]>;
  /**
   * Most keys that are claimed together, each sent by a `send` of its own at the same time, and settled in one transaction
   * once all have ended. Default 1. For a destination that puts what comes at the same time into one request or transaction.
   * With `sendMany`: most keys of one call, default 100.
   */
  readonly most_keys?: number;
  /** Whether the destination is well apart from any key; tells an outage from a key that crashes it. */
  probe?(signal: AbortSignal): Promise<boolean>;
  /**
   * What the database has against each of these rows by itself, in their order; null: nothing. Asked after a settlement with
   * them failed for what it wrote: keys with a refused row are then refused without their rows, the others settled. Without
   * it such a failure ends the pass. No value of a record in a refusal.
   */
  refusedRows?(rows: readonly RowWrite[]): Promise<readonly (Refusal | null)[]>;
  close?(): Promise<void>;
}

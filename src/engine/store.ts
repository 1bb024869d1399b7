/**
 * The engine's database as the rest of the engine sees it. Each method is one transaction (design §5 rule 1): it commits
 * whole or not at all, and none is held open over an `await`. `engine.contract.ts` is the suite that every
 * implementation passes.
 */
import type { KeyedStore, TaskHint } from './keyed/store.ts';
import type { BatchLimits, ItemError, PartitionHeader } from './ordered/destination.ts';
import type { CircuitState, DestinationState } from './ordered/states.ts';
import type { DeliveryKind, Partition, PartitionSpec } from './partition.ts';
import type { CounterChange, FlowWrite, Refusal } from './transaction.ts';

export type { DeliveryKind, Partition, PartitionSpec } from './partition.ts';
export {
  APPEND_LIMITS,
  TRANSACTION_LIMITS,
  type CounterChange,
  type FlowWrite,
  type Refusal,
  type RowWrite,
  type RowWriter,
} from './transaction.ts';

export interface Identity {
  installation: string;
  incarnation: number;
}

export interface Source {
  source_id: number;
  stream: string;
  name: string;
  epoch: number;
  checkpoint: string | null;
  holes: number;
  /** When its checkpoint last moved. */
  updated_ms: number;
}

/** In a keyed partition `key` is there, and raises a task for every destination that takes the partition. */
export interface NewEntry extends TaskHint {
  partition_id: number;
  key?: string;
  /** Place in the source; unique within it. */
  cursor: string;
  subject: string | null;
  /** When this machine saw it, not when it happened: retention by age counts from here. */
  observed_ms: number;
  /** The item itself, redacted, in wire form; of a keyed entry what the flow needs later, or null: only a notice. */
  payload: string | null;
}

export interface AppendRequest {
  source_id: number;
  entries: NewEntry[];
  /** Null leaves the checkpoint where it is (a step of a longer read unit). */
  checkpoint: string | null;
  writes?: FlowWrite[];
  counters?: CounterChange[];
  now_ms: number;
}

export interface AppendResult {
  appended: number;
  duplicates: number;
  clashes: number;
  /** Not taken, because their subject was erased. */
  erased: number;
}

/** Entries that another numbered (memory: the member that wrote them). Ordered partitions only. */
export interface AppendAtRequest {
  partition_id: number;
  /** One source for a partition; its cursors are the offsets. */
  source_id: number;
  /** Offset of the first entry; the others follow. */
  first_offset: number;
  /** `payload` null: it was erased where it comes from, and keeps its offset. */
  entries: readonly { subject: string | null; observed_ms: number; payload: string | null }[];
  /** Not made when the append is refused. */
  writes?: FlowWrite[];
  counters?: CounterChange[];
  now_ms: number;
}

export interface AppendAtResult {
  appended: number;
  /** Were there already, with the same payload as far as it can still be compared. */
  known: number;
  /**
   * Nothing was taken. `gap`: the first offset is not the next one or a known one · `other_payload`: a known offset holds
   * something else, so two number the same partition.
   */
  refused: { why: 'gap' | 'other_payload'; offset: number } | null;
}

export interface Entry {
  offset: number;
  /** Null = erased. */
  payload: string | null;
}

export interface DestinationSpec {
  destination_id: string;
  stream: string;
  /** `ordered` when not given; the same for all of a stream. */
  delivery?: DeliveryKind;
  required: boolean;
  /** Where a destination that is new begins in partitions that exist already. */
  start: 'earliest' | 'latest';
}

export interface DestinationRow extends DestinationSpec {
  delivery: DeliveryKind;
  /**
   * Keyed: where the walk over all known keys stands (`keyed.enqueueAll`); '' = to be begun, null = none is due. A
   * destination that is new or came back needs one, and one that takes a partition again.
   */
  backfill: string | null;
  state: DestinationState;
  paused_until_ms: number | null;
  circuit: CircuitState;
  circuit_until_ms: number;
  circuit_failures: number;
  failing_since_ms: number | null;
  last_success_ms: number | null;
  last_error: { at_ms: number; code: string; message: string } | null;
}

/** A partition with something left to deliver to one destination. */
export interface Backlog {
  partition: Partition;
  /** When the oldest unacknowledged entry was observed. */
  oldest_ms: number;
  held: { class: string; since_ms: number; message: string } | null;
  due_ms: number;
}

export interface Batch {
  batch_id: string;
  destination_id: string;
  partition_id: number;
  first_offset: number;
  last_offset: number;
  items: number;
  body_sha256: string | null;
  state: 'open' | 'suspect';
  attempts: number;
  /**
   * How often in a row it, or the batch it was split from, failed (5xx, reset) while the destination was well otherwise.
   */
  failures: number;
  due_ms: number;
  /** The dead letter that this batch tries again. */
  retry_of: string | null;
  /** Something of the destination was accepted after the last such failure. */
  destination_accepted_since: boolean;
}

export interface PlanRequest {
  destination_id: string;
  partition_id: number;
  limits: BatchLimits;
  envelope_bytes: number;
  window: number;
  /** Opens no batch with fewer items than the limits allow: more is about to come. */
  full_only?: boolean;
  now_ms: number;
  /** Key of the next batch, if one is opened. */
  newBatchId: () => string;
}

export interface Plan {
  open: Batch[];
  suspect: Batch | null;
  /** How often the partition was held since something was last accepted. */
  holds: number;
}

/** How an attempt at a batch ended. `fence` is what `claim` gave; an older one settles nothing. */
export type Settlement = { batch_id: string; fence: number; now_ms: number } &
  /** `items` were sent: those of the range that were not erased. */
  (
    | { kind: 'accepted'; items: number; received: number | null; deduped: number | null }
    /**
     * Concerns the destination: its circuit opens until `until_ms`; the batch waits at least as long. `suspicious`: the
     * failure counts against the batch.
     */
    | { kind: 'deferred'; until_ms: number; batch_due_ms: number; suspicious: boolean; refusal: Refusal }
    /** Concerns the partition: held until `until_ms`, nothing dead-lettered. */
    | { kind: 'held'; until_ms: number; refusal: Refusal }
    /** Replaced by parts that cover its range; those named bad wait as suspects. `suspicious` as above. */
    | {
        kind: 'split';
        parts: BatchPart[];
        refusal: Refusal;
        counts_as_refusal: boolean;
        suspicious: boolean;
        hold_until_ms: number | null;
      }
    /** One item, refused: a dead letter when something of the partition was accepted since, else a suspect. */
    | { kind: 'refused_item'; refusal: Refusal; suspicious: boolean; hold_until_ms: number }
    /** One item that can never pass, whatever the neighbours say. */
    | { kind: 'dead_letter'; refusal: Refusal }
    /** Everything in the range was erased: nothing is left to send. */
    | { kind: 'empty' }
    /** The body changed or the key is spent: same range, new key. */
    | { kind: 'renewed'; new_batch_id: string }
  );

export interface BatchPart {
  batch_id: string;
  first_offset: number;
  last_offset: number;
  /** Refused by index already: not sent again before a neighbour is accepted. */
  suspect: ItemError | null;
}

export interface SettleResult {
  /** False when the fence was stale: the attempt had no effect on our tables. */
  settled: boolean;
  dead_letters: number;
}

export interface DeadLetter {
  dead_letter_id: string;
  stream: string;
  destination_id: string | null;
  partition: string;
  partition_id: number;
  offset: number;
  /** Of a keyed destination: the key that it holds. There is no copy of anything: a retry sends the newest state. */
  key: string | null;
  class: string;
  code: string;
  field: string | null;
  message: string;
  attempts: number;
  payload: string | null;
  at_ms: number;
  state: 'open' | 'retried' | 'discarded' | 'superseded';
}

export interface DeadLetterQuery {
  /** Leaves the copies of the items where they are: each may have megabytes, and a list shows none. */
  without_payload?: boolean | undefined;
  stream?: string | undefined;
  destination_id?: string | undefined;
  state?: DeadLetter['state'] | undefined;
  ids?: readonly string[] | undefined;
  limit?: number | undefined;
}

export interface RetainRequest {
  /** Entries older than this may go once they are settled. */
  before_ms: number;
  /** When set: remove settled entries, oldest first, whatever their age, until the file is below this. */
  target_bytes: number | null;
  now_ms: number;
}

export interface OperatorAction {
  at_ms: number;
  actor: string;
  verb: string;
  target: string;
  detail: string;
}

export interface PartitionProgress {
  destination_id: string;
  partition: string;
  waiting: number;
  oldest_waiting_ms: number | null;
  acked_offset: number;
  open_batches: number;
  suspects: number;
  held: { class: string; since_ms: number; message: string } | null;
}

export interface EngineStore {
  /** Tasks of keyed streams. */
  readonly keyed: KeyedStore;

  identity(): Promise<Identity>;

  openPartition(spec: PartitionSpec): Promise<Partition>;
  partitions(): Promise<Partition[]>;
  /** The newest epoch of a source, made when there is none. */
  openSource(stream: string, name: string, now_ms: number): Promise<Source>;
  /** The same for many, in the order of `names`, which are different; at most 1,000 in a call. */
  openSources(stream: string, names: readonly string[], now_ms: number): Promise<Source[]>;
  /** Begins a new epoch: the file was rewritten, the database swapped. */
  nextEpoch(source_id: number, now_ms: number): Promise<Source>;
  sources(stream: string): Promise<Source[]>;

  /** @throws FullError, StaleError (a flow write's row count), InvariantError (over the transaction limits) */
  append(request: AppendRequest): Promise<AppendResult>;
  /** The appends of several sources in one transaction, in this order: all of them or none. Throws as `append` does. */
  appendTogether(requests: readonly AppendRequest[]): Promise<AppendResult>;
  /**
   * Appends entries whose offsets were given by another: they continue at `last_offset + 1`, known ones are compared and
   * skipped (design §5 rule 2). A partition is filled by this or by `append`, never by both.
   * @throws FullError, StaleError (a flow write's row count), InvariantError (over the transaction limits, keyed)
   */
  appendAt(request: AppendAtRequest): Promise<AppendAtResult>;
  /**
   * Goes on after `offset` as if everything up to it had been here and gone: what it stood for came another way (a
   * snapshot). Forward only. Destinations move past it, and what they never got is counted as dropped.
   */
  skipTo(partition_id: number, offset: number, now_ms: number): Promise<void>;
  /**
   * Removes entries up to `through` that were observed before `before_ms`, oldest first, whatever destinations there are:
   * for flows that know by themselves who still needs an entry. At most a thousand; `more` = call again.
   */
  trim(
    partition_id: number,
    through: number,
    before_ms: number,
    now_ms: number,
  ): Promise<{ removed: number; more: boolean }>;
  read(partition_id: number, first_offset: number, last_offset: number): Promise<Entry[]>;
  /** The entries a batch stands for; of a retried dead letter, the copy it kept. */
  readBatch(batch_id: string): Promise<Entry[]>;

  configureDestination(spec: DestinationSpec, now_ms: number): Promise<void>;
  changeDestination(
    destination_id: string,
    event: 'pause' | 'resume' | 'drain' | 'remove',
    until_ms: number | null,
  ): Promise<void>;
  destinations(): Promise<DestinationRow[]>;

  /**
   * Partitions of the destination's stream with something to deliver, oldest entry first; predecessors before successors.
   * `accepts` is asked each time for every partition of the stream: what was allowed yesterday may not be today. One it
   * does not take is not listed, never counts as waiting and holds back no retention; one not asked about yet does.
   */
  backlog(destination_id: string, accepts: (partition: Partition) => boolean): Promise<Backlog[]>;
  /**
   * Opens batches up to the window and returns those that may be sent, lowest offset first, and the oldest suspect;
   * nothing while the destination is paused or removed.
   */
  plan(request: PlanRequest): Promise<Plan>;
  /**
   * Takes a batch for one attempt: stores the body's hash before the first byte leaves, and returns the fence that
   * settles it. Null = the batch is no longer there, its destination was paused or removed, or its body is not the one
   * its key stands for (then it is renewed).
   */
  claim(batch_id: string, body_sha256: string, new_batch_id: string, now_ms: number): Promise<number | null>;
  settle(settlement: Settlement): Promise<SettleResult>;
  /** Moves the circuit of a destination: an open one whose time has come lets one request through. */
  halfOpen(destination_id: string): Promise<void>;
  progress(): Promise<PartitionProgress[]>;
  /** Headers of partitions of which a destination was sent something, or may have been; also what it takes no more. */
  sentTo(): Promise<{ destination_id: string; header: PartitionHeader }[]>;

  deadLetters(query: DeadLetterQuery): Promise<DeadLetter[]>;
  /** Refused at capture, before there was an entry. */
  recordRefused(
    letter: Omit<DeadLetter, 'state' | 'attempts' | 'destination_id' | 'partition' | 'key'> & {
      subject?: string | null;
    },
  ): Promise<void>;
  /**
   * Opens a batch of the one item for the destination that refused it, under a new key; one that holds a key marks that
   * dirty. `gone`: not open, or erased.
   */
  retryDeadLetter(dead_letter_id: string, new_batch_id: string): Promise<'retried' | 'gone'>;
  /** A newer version of the item was sent since; sending the old one would undo it. */
  supersedeDeadLetter(dead_letter_id: string): Promise<boolean>;
  /** Gives it up; what changed of a key since it was refused goes on. */
  discardDeadLetter(dead_letter_id: string): Promise<boolean>;

  /** One bounded step of retention; `more` = call again. */
  retain(request: RetainRequest): Promise<{ removed: number; dropped: number; more: boolean }>;
  /**
   * Sets payloads of a subject, or of several, to null everywhere in this database and leaves no byte of them behind: one
   * transaction a subject, the file written anew once (also when nothing was there). What its source brings again is not appended; an open batch over it is renewed at its claim.
   * @throws StaleError `storage.readers`: erased, but a reader still holds an old copy of the pages; call again.
   */
  erase(subject: string | readonly string[], now_ms: number): Promise<{ entries: number; dead_letters: number }>;
  /** Subjects of which an entry, or a dead letter's copy, still holds this piece of text in a value of its JSON. */
  subjectsContaining(text: string): Promise<string[]>;
  /**
   * Replaces payloads in place (stronger rules); null erases. The offset stays; an open batch over it is renewed at its
   * claim. After the last of a series, `scrub`. Throws as `erase` does.
   */
  rewrite(partition_id: number, payloads: ReadonlyMap<number, string | null>): Promise<number>;
  /** Leaves no byte of what was rewritten or removed; `erase` does it by itself. Slow: it writes the whole file anew. */
  scrub(): Promise<void>;

  count(changes: readonly CounterChange[]): Promise<void>;
  counters(): Promise<Record<string, Record<string, number>>>;
  recordAction(action: OperatorAction): Promise<void>;
  actions(limit: number): Promise<OperatorAction[]>;
  sizeBytes(): Promise<number>;
  /** Checks the invariants that the tables themselves can show; one sentence for each that is broken. */
  verify(): Promise<string[]>;
  close(): Promise<void>;
}

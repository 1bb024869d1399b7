/**
 * The keyed half of the engine's database: tasks, claims, groups (design §5 rules 2 and 5). Each method is one
 * transaction. `src/engine/contract/tasks.contract.ts` is part of the suite that every back-end passes.
 */
import type { Partition } from '../partition.ts';
import type { CounterChange, FlowWrite, Refusal, RowWrite } from '../transaction.ts';

/** A due time further ahead is cut to this, and one found beyond it counts as due: the clock stepped back (rule 10). */
export const LONGEST_DELAY_MS = 2 * 3_600_000;

/** Priorities of the house; any whole number will do, lower goes first. */
export const PRIORITY = { live: 0, backfill: 10 } as const;

/** How a key's task is to be treated. A later touch replaces the group; the lower priority and the earlier due time stay. */
export interface TaskHint {
  /** What may be refused together with its neighbours (a project, an object type); '' when not given. */
  group?: string;
  /** `PRIORITY.live` when not given. */
  priority?: number;
  /** Not before this; at most `LONGEST_DELAY_MS` ahead. At once when not given; no effect on a key that backs off. */
  due_ms?: number;
}

/** "This key changed", without an entry. */
export interface KeyTouch extends TaskHint {
  /** Its partition decides which destinations take the key. */
  partition_id: number;
  key: string;
}

/** A step of the walk over all known keys for one destination. */
export interface BackfillStep {
  destination_id: string;
  touches: readonly KeyTouch[];
  /** Where the walk stood (`DestinationRow.backfill`): it may have been begun anew meanwhile. */
  from: string;
  /** Where it stands now, in words of the flow's own; null = every known key was named. */
  to: string | null;
  now_ms: number;
}

export interface TaskClaim {
  destination_id: string;
  /** Most tasks to take; one while the circuit is not closed. */
  limit: number;
  /** Who works on them; one name for each delivery loop of each process. */
  owner: string;
  lease_ms: number;
  now_ms: number;
}

/** A key that somebody works on. Equal (destination_id, key, fence) = the same claim. */
export interface Task {
  destination_id: string;
  key: string;
  /** The fence of this claim; a later one makes it void. */
  fence: number;
  group: string;
  partition_id: number;
  subject: string | null;
  priority: number;
  /** Since when the other side is behind. */
  since_ms: number;
  lease_until_ms: number;
  attempts: number;
  failures: number;
  /** Something of the destination was accepted after the last such failure. */
  destination_accepted_since: boolean;
  /** How often its group was held since one of its keys was last accepted. */
  holds: number;
}

/** Which claim is meant. */
export type TaskRef = Pick<Task, 'destination_id' | 'key' | 'fence'>;

/**
 * How an attempt at a key ended. `writes`, `rows` and `counters` of the flow commit with it, whatever the kind. All rows of
 * one call are written before the first of its `writes`.
 */
export type TaskSettlement = TaskRef & {
  now_ms: number;
  writes?: readonly FlowWrite[];
  rows?: readonly RowWrite[];
  counters?: readonly CounterChange[];
} & (
    | {
        /** The other side has what the claim stood for. `sent`: it was asked, and took it; `bytes`: of what was sent. */
        kind: 'done';
        sent: boolean;
        bytes: number;
      }
    /** Nothing is wrong; the key goes on at `due_ms`. */
    | { kind: 'later'; due_ms: number }
    /**
     * Concerns the destination: its circuit opens until `until_ms`; the key waits at least as long and no attempt is
     * counted. `suspicious`: the failure is remembered against the key.
     */
    | { kind: 'deferred'; until_ms: number; due_ms: number; suspicious: boolean; refusal: Refusal }
    /** Concerns the group: held until `until_ms`, nothing counted, nothing dead-lettered. */
    | { kind: 'group_held'; until_ms: number; refusal: Refusal }
    /**
     * Concerns the key: an attempt, then again at `due_ms`; a dead letter when `attempts` are used up and a key of the
     * group was accepted since its first refusal. While none was, the group is held until `group_until_ms` (null: not).
     */
    | {
        kind: 'refused';
        due_ms: number;
        group_until_ms: number | null;
        most_attempts: number;
        suspicious: boolean;
        refusal: Refusal;
      }
    /** Can never pass, whatever its neighbours say. */
    | { kind: 'dead_letter'; refusal: Refusal }
  );

export interface TaskSettlementResult {
  /** `void`: the claim is not the newest. `stale`: a write of the flow changed other rows than it expected, or a row was not applied; rolled back. */
  outcome: 'settled' | 'void' | 'stale';
  dead_letter: boolean;
}

/** What is open for one destination. */
export interface KeyedProgress {
  destination_id: string;
  /** Keys whose newest state is not on the other side yet; those that dead letters hold are not among them. */
  waiting: number;
  oldest_waiting_ms: number | null;
  claimed: number;
  /** Of those waiting: refused or failed before. */
  failing: number;
  /** Keys that dead letters hold. */
  held_keys: number;
  /** Groups that the destination refuses whole. */
  held_groups: { group: string; class: string; since_ms: number; message: string; waiting: number }[];
}

/** A key whose newest state is not on the other side yet. */
export interface WaitingKey {
  key: string;
  /** Not before this; 0: at once. */
  due_ms: number;
}

/** An entry of one key, for flows that fold the changes since what they sent last. */
export interface KeyEntry {
  partition_id: number;
  offset: number;
  observed_ms: number;
  /** Null = erased, or only a notice. */
  payload: string | null;
}

export interface KeyedStore {
  /**
   * Marks keys dirty for every destination of their stream that takes their partition, or was not asked yet. At most
   * 1,000. Returns how many tasks there are for them now.
   */
  touch(touches: readonly KeyTouch[], now_ms: number): Promise<number>;
  /**
   * Marks keys dirty for one destination that came later, and notes how far the walk is: at most 1,000 keys a step.
   * @throws StaleError `backfill.moved` when the walk does not stand at `from`: read `DestinationRow.backfill` again.
   */
  enqueueAll(step: BackfillStep): Promise<number>;
  /**
   * Has every known key named once more to a destination, from the first on (`DestinationRow.backfill`): for when what it
   * may have is decided by other rules than before. Its tasks stay, and whether it is paused.
   */
  beginBackfill(destination_id: string): Promise<void>;
  /**
   * Notes which partitions of its stream the destination takes now; `accepts` is asked for each of them. Tasks of those that it takes no more are withdrawn, at most 1,000 a call: `more` = call again. A partition
   * that it takes again, or a destination that is new, needs a backfill (`DestinationRow.backfill`).
   */
  decide(
    destination_id: string,
    accepts: (partition: Partition) => boolean,
  ): Promise<{ withdrawn: number; more: boolean }>;
  /**
   * Takes the tasks that are due, lowest priority number first, longest due before others; of a held group that is due,
   * one key. Nothing while the destination is paused or removed or its circuit is open, or of a partition that it does
   * not take.
   */
  claim(request: TaskClaim): Promise<Task[]>;
  /**
   * To be asked right before each request leaves: true while the claim is the newest and the destination may be sent to.
   * The flow's writes (the intent of a vendor call) commit then, and only then.
   * @throws StaleError for a write's row count
   */
  proceed(task: TaskRef, writes?: readonly FlowWrite[]): Promise<boolean>;
  /**
   * `proceed` for many claims in one transaction: the intents of one vendor call. `rows[i]` belongs to `tasks[i]`. One answer
   * for each: false when the claim is not the newest, the destination may not be sent to, or one of its rows was not applied;
   * of those nothing is written, and the others go on.
   * @throws InvariantError for rows, when the back-end has no such writer
   */
  proceedAll(tasks: readonly TaskRef[], rows?: readonly (readonly RowWrite[])[]): Promise<boolean[]>;
  /** Ends attempts, each by itself: a stale or void one does not touch the others. One result for each, in order. */
  settle(settlements: readonly TaskSettlement[]): Promise<TaskSettlementResult[]>;
  /**
   * Makes ready again what nobody works on: every claim of `owner`, who calls this while it has none under way, and claims
   * of others whose lease is over. Returns how many.
   */
  releaseExpired(destination_id: string, owner: string, now_ms: number): Promise<number>;
  /** When the next task is due; null = none waits for a time. Claimed and held ones do not count. */
  nextDue(destination_id: string, now_ms: number): Promise<number | null>;
  progress(): Promise<KeyedProgress[]>;
  /**
   * Keys that wait for a destination, about in the order in which they go: those that may go now before those that have a
   * time, and none that a dead letter holds. Claims nothing, and tells also while the destination is paused.
   */
  waiting(destination_id: string, now_ms: number, limit: number): Promise<WaitingKey[]>;
  /** Entries of one key after an offset of one partition, oldest first. */
  entriesOf(key: string, partition_id: number, after_offset: number, limit: number): Promise<KeyEntry[]>;
  /**
   * Sets the payloads of a key's entries, or of several keys', to null and leaves no byte of them; a dead letter that holds the key is
   * discarded, and the key goes on. No tombstone stays: the source may write the key again. Throws as `erase` does.
   */
  eraseKey(
    stream: string,
    key: string | readonly string[],
    now_ms: number,
  ): Promise<{ entries: number; dead_letters: number }>;
}

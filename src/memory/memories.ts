/**
 * Everything that HTTP, MCP, the command line and the sandbox do with memories. One implementation (`openMemoryStore`);
 * those above hold no logic of their own. Every write goes through the same operation log.
 *
 * A write has returned: its operations, effects, idempotency key and clock are on this machine's disk in one
 * transaction. How many other members have it is asked of `durability` or waited for with `waitDurable`.
 *
 * Errors, all SynclineError with these codes: `memory.invalid` (names the field), `memory.not_found`, `memory.ambiguous`
 * (a prefix of several ids), `memory.conflict` (TitleConflictError), `memory.denied` (policy), `memory.decided`,
 * `memory.idempotency_key_reused`, `full`.
 */
import { SynclineError } from '../platform/errors.ts';
import type { Stamp } from './clock/stamp.ts';
import type { Receipt } from './durability.ts';
import type { Json, JsonObject } from './json.ts';
import type {
  ArchivedMemory,
  FoundMemory,
  HistoryEntry,
  Memory,
  MemoryLink,
  MemoryStatistics,
  NamespaceStandard,
  PendingAction,
  PendingStatus,
  Scope,
  Tier,
} from './memory.ts';
import type { LinkDetail } from './operation.ts';
import type { OperationId } from './origin.ts';
import type { Replica } from './replica.ts';

/** Another live memory of the namespace has the title (`on_conflict: error`). */
export class TitleConflictError extends SynclineError {
  readonly existing_id: string;
  constructor(existing_id: string) {
    super('memory.conflict', 'A memory with this title is in the namespace already', {
      hint: 'Update that one, or store with on_conflict merge or version.',
      field: 'title',
    });
    this.existing_id = existing_id;
  }
}

/** Who asks. Agent ids are claims, as in the original. */
export interface Caller {
  agent_id: string;
  /** The conversation in which it happens (R20). */
  session?: { id: string; hash: string };
}

export interface WriteOptions {
  caller: Caller;
  /** A repeat with the same key and request returns the first outcome and writes nothing. */
  idempotency_key?: string;
}

export interface Written<T> {
  result: T;
  /** In order; empty when nothing had to change. */
  operations: OperationId[];
  receipt: Receipt;
  /** What was removed before anything was stored, by rule. */
  redacted: Record<string, number>;
  /** The first outcome of this idempotency key was returned. */
  replayed: boolean;
}

/** A policy may want a yes first: then nothing happened but that it was asked. */
export type Governed<T> = ({ status: 'done' } & T) | { status: 'pending'; pending_id: string };

export interface NewMemory {
  /** Of an import or a shim; made when it is not given. A live memory of that id is updated to these values. */
  id?: string;
  title: string;
  content: string;
  tier?: Tier;
  namespace?: string;
  tags?: readonly string[];
  priority?: number;
  confidence?: number;
  source?: string;
  /** RFC 3339; must lie ahead. */
  expires_at?: string | null;
  ttl_seconds?: number;
  metadata?: JsonObject;
  /** Put into `metadata.scope`. */
  scope?: Scope;
  /** Fields of a newer dialect, kept as they are. */
  extra?: JsonObject;
}

export interface StoreRequest extends NewMemory {
  on_conflict?: 'error' | 'merge' | 'version';
}

export interface Stored {
  memory: Memory;
  /** False: merged into the one that was there. */
  created: boolean;
  /** Live memories of the namespace that have the title that was asked for (`on_conflict: version`). */
  potential_contradictions: string[];
}

/** Fields that are not given stay. `metadata` replaces all of it but `agent_id`. */
export interface MemoryChange {
  title?: string;
  content?: string;
  tier?: Tier;
  namespace?: string;
  tags?: readonly string[];
  priority?: number;
  confidence?: number;
  source?: string;
  /** Null clears it. */
  expires_at?: string | null;
  metadata?: JsonObject;
  extra?: JsonObject;
}

export interface ConsolidateRequest {
  /** 2 to 100 different ones. */
  ids: readonly string[];
  title: string;
  summary: string;
  namespace?: string;
  tier?: Tier;
  source?: string;
}

export interface ForgetRequest {
  /** At least one is needed. */
  namespace?: string;
  /** Words, all of which the memory holds. */
  pattern?: string;
  tier?: Tier;
  dry_run?: boolean;
}

export interface LinkRequest {
  source_id: string;
  target_id: string;
  relation?: string;
  detail?: LinkDetail;
}

export interface InvalidationRequest {
  source_id: string;
  target_id: string;
  relation: string;
  /** RFC 3339. */
  valid_until?: string;
}

export interface StandardRequest {
  namespace: string;
  /** None: a memory `_standard:<namespace>` is made, or the one that is there is taken. */
  id?: string;
  parent?: string;
  /** Becomes `metadata.governance` of the standard. */
  governance?: Json;
}

export interface BulkResult {
  /** In the order of the request; one of both is there. */
  items: ({ memory: Memory; created: boolean } | { error: { code: string; message: string; field?: string } })[];
  created: number;
}

export interface ImportedMemory extends NewMemory {
  id: string;
  created_at?: string;
  /**
   * RFC 3339. The memory was begun outside of the cluster, and this version of it was written then: several members may take
   * it in (`writes/adopt-memory.ts`). One that was deleted here stays deleted, also with `revive`.
   */
  adopted_at?: string;
}

/** What `export` gives and `import` takes. Ids and titles stay; stamps are new. */
export interface MemoryExport {
  memories: ImportedMemory[];
  links: { source_id: string; target_id: string; relation: string; detail?: LinkDetail }[];
}

export interface Decided {
  pending: PendingAction;
  /** False: the vote counts, but more are needed. */
  decided: boolean;
  votes: number;
  votes_needed: number;
  executed: boolean;
  /** What it made or changed. */
  memory_id: string | null;
}

export interface MemoryWrites {
  store(request: StoreRequest, options: WriteOptions): Promise<Written<Governed<Stored>>>;
  /** At most 1,000; one bad item does not stop the others. Titles that exist are merged into (`on_conflict: merge`). */
  storeMany(requests: readonly StoreRequest[], options: WriteOptions): Promise<Written<BulkResult>>;
  update(id: string, change: MemoryChange, options: WriteOptions): Promise<Written<{ memory: Memory }>>;
  delete(id: string, options: WriteOptions): Promise<Written<Governed<{ deleted: boolean }>>>;
  /**
   * Deletes for good, whatever a policy says, also what is archived (R11). What the operations said goes from this member's log and
   * files too, as soon as every member has the delete: at once when nobody else shares the memory or all have it; `log_keeps` names
   * those for which it waits, which `Replica.forgetTexts` or calling again does. May be called again for deleted ones. At most 1,000.
   * @throws StaleError `storage.readers`: deleted, but a reader still holds old pages; call again
   */
  erase(ids: readonly string[], options: WriteOptions): Promise<Written<{ erased: string[]; log_keeps: string[] }>>;
  archive(
    ids: readonly string[],
    reason: string | undefined,
    options: WriteOptions,
  ): Promise<Written<{ archived: string[]; missing: string[]; reason: string }>>;
  restore(id: string, options: WriteOptions): Promise<Written<{ memory: Memory }>>;
  /** Deletes what was archived longer ago than that; all of it without. At most 1,000 a call: `more` = call again. */
  purgeArchive(
    older_than_days: number | undefined,
    options: WriteOptions,
  ): Promise<Written<{ purged: number; more: boolean }>>;
  /** To tier long without expiry; with a namespace: a copy there, linked `derived_from`. */
  promote(
    id: string,
    to_namespace: string | undefined,
    options: WriteOptions,
  ): Promise<Written<Governed<{ memory: Memory }>>>;
  link(request: LinkRequest, options: WriteOptions): Promise<Written<{ link: MemoryLink }>>;
  /** Without a relation all links between the two. */
  unlink(
    source_id: string,
    target_id: string,
    relation: string | undefined,
    options: WriteOptions,
  ): Promise<Written<{ unlinked: number }>>;
  /**
   * The link holds no longer from that time on (now when none is given); it stays, with who said so. Null: there is none.
   * @throws InvalidInputError `memory.invalid`
   */
  invalidateLink(
    request: InvalidationRequest,
    options: WriteOptions,
  ): Promise<Written<{ link: MemoryLink | null; previous_valid_until: string | null }>>;
  consolidate(
    request: ConsolidateRequest,
    options: WriteOptions,
  ): Promise<Written<{ memory: Memory; consolidated: number }>>;
  /** Archives what matches (reason `forget`); at most 1,000 a call: `more` = call again. */
  forget(request: ForgetRequest, options: WriteOptions): Promise<Written<{ forgotten: string[]; more: boolean }>>;
  setStandard(request: StandardRequest, options: WriteOptions): Promise<Written<{ standard: NamespaceStandard }>>;
  clearStandard(namespace: string, options: WriteOptions): Promise<Written<{ cleared: boolean }>>;
  approve(pending_id: string, options: WriteOptions): Promise<Written<Decided>>;
  reject(pending_id: string, options: WriteOptions): Promise<Written<Decided>>;
  /** A vector for the text as it is now; one of an older text is refused as stale. Already of length one. */
  setEmbedding(
    id: string,
    embedding: { model: string; vector: Float32Array; text: Stamp },
    options: WriteOptions,
  ): Promise<Written<{ stored: boolean }>>;
  /** At most 1,000 memories. One of which a newer life was deleted stays deleted unless `revive`. */
  import(
    data: MemoryExport,
    options: WriteOptions & { revive?: boolean },
  ): Promise<Written<{ imported: number; links: number; errors: string[] }>>;
  /** Archives expired memories of this member; the others do theirs. Also takes out links to what others deleted. Bounded; `more` = call again. */
  archiveExpired(): Promise<{ archived: number; more: boolean }>;
  /**
   * Decides what has enough votes only since members exchanged theirs. Whoever does it makes the same memory, so it may
   * run everywhere. Bounded; `more` = call again.
   */
  settleVotes(): Promise<{ decided: number; more: boolean }>;
}

export interface MemoryFilter {
  namespace?: string;
  tier?: Tier;
  /** All of them. */
  tags?: readonly string[];
  min_priority?: number;
  /** RFC 3339, on `created_at`; `until` exclusive. */
  since?: string;
  until?: string;
  /** `metadata.agent_id`. */
  agent_id?: string;
  /** The namespace of who asks: only what its scope lets it see. Not given: everything. */
  as_agent?: string;
}

/** Exactly one of them. */
export interface ErasableQuery {
  /** Or the beginning of one. */
  id?: string;
  /** With everything below it. */
  namespace?: string;
  /** A piece of text as it stands, anywhere in a memory or in what was said of it before; the case of letters does not count. */
  text?: string;
}

/** A memory that could be erased; nothing of what it says. */
export interface ErasableMemory {
  id: string;
  namespace: string;
  /** `pending`: an action that waits for a yes, or did · `deleted`: only its operations may still say something. */
  state: 'live' | 'archived' | 'pending' | 'deleted';
  created_at: string | null;
  agent_id: string | null;
}

export interface ListQuery extends MemoryFilter {
  /** 1 to 1,000; default 20. */
  limit?: number;
  offset?: number;
}

export interface SearchQuery extends ListQuery {
  /** Words, all of which must be there; `"…"` holds a phrase together. */
  text: string;
}

export interface RecallQuery {
  context: string;
  /** With `/`: its ancestors too, at a distance. */
  namespace?: string;
  /** 1 to 50; default 10. */
  limit?: number;
  tags?: readonly string[];
  since?: string;
  until?: string;
  as_agent?: string;
  /** Stops before the answer has more; estimated at four characters a token. */
  budget_tokens?: number;
  /** Of `context`; of length one. Only embeddings of the same model and dimension are compared. */
  embedding?: { model: string; vector: Float32Array };
  /** Default true: counts the recall, slides the expiry, promotes. */
  touch?: boolean;
}

export interface Recalled {
  memories: FoundMemory[];
  tokens_used: number;
  mode: 'hybrid' | 'keyword';
}

export interface MemoryReads {
  /** By id, or by the beginning of one if no other has it. Null: none. @throws `memory.ambiguous` */
  get(id_or_prefix: string): Promise<Memory | null>;
  getMany(ids: readonly string[]): Promise<Memory[]>;
  /** Highest priority first, then latest change. */
  list(query: ListQuery): Promise<Memory[]>;
  count(filter: MemoryFilter): Promise<number>;
  search(query: SearchQuery): Promise<FoundMemory[]>;
  recall(query: RecallQuery, caller: Caller): Promise<Recalled>;
  /** Oldest first; at most 1,000. @throws `memory.ambiguous` */
  erasable(query: ErasableQuery): Promise<ErasableMemory[]>;
  /** From it and to it; both ends live. */
  links(id: string): Promise<MemoryLink[]>;
  /** From these to others, both ends live, oldest first; at most 10,000. */
  linksFrom(ids: readonly string[]): Promise<MemoryLink[]>;
  archived(query: { namespace?: string; limit?: number; offset?: number }): Promise<ArchivedMemory[]>;
  archiveStatistics(): Promise<{ archived_total: number; by_namespace: Record<string, number> }>;
  statistics(): Promise<MemoryStatistics>;
  namespaces(): Promise<{ namespace: string; memories: number }[]>;
  standard(namespace: string): Promise<NamespaceStandard | null>;
  /** What applies there, most general first: `*`, explicit parents, `/` ancestors, itself. */
  inheritedStandards(namespace: string): Promise<(NamespaceStandard & { memory: Memory | null })[]>;
  pending(query: { status?: PendingStatus; limit?: number }): Promise<PendingAction[]>;
  pendingAction(id: string): Promise<PendingAction | null>;
  history(id: string): Promise<HistoryEntry[]>;
  /** All live memories and their links, in pages that one `import` takes. */
  export(): AsyncIterable<MemoryExport>;
  /** How far an operation has got; null when this member does not have it. */
  durability(operation: OperationId): Promise<Receipt | null>;
  /**
   * Resolves when `members` of them have the operation, or the deadline is over, whichever is first; never rejects for
   * the latter. The receipt says which.
   */
  waitDurable(operation: OperationId, members: number, deadline_ms: number, signal?: AbortSignal): Promise<Receipt>;
}

export interface Memories extends MemoryWrites, MemoryReads {
  readonly replica: Replica;
  /** After it nothing is taken any more; what was begun has ended. */
  close(): Promise<void>;
}

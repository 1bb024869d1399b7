import { InvalidInputError, StaleError, SynclineError } from '../platform/errors.ts';
import type { Clock } from '../platform/clock.ts';
import { uuidv7, type Random } from '../platform/random.ts';
import type { Redactor } from '../redaction/redactor.ts';
import type { Tally } from '../redaction/report.ts';
import type { Database } from '../storage/sqlite/database.ts';
import { migrate } from '../storage/sqlite/migrations.ts';
import { HybridClock } from './clock/hybrid-clock.ts';
import { stampOrigin } from './clock/stamp.ts';
import type { Durability, Receipt } from './durability.ts';
import { checkAgentId } from './fields.ts';
import { approve, reject, settleVotes } from './governance/decide.ts';
import { pendingActions } from './governance/pending-view.ts';
import type { Json } from './json.ts';
import type { Memories, WriteOptions, Written } from './memories.ts';
import { covers, memberOf, originOf, placeOf, type MemberId, type OperationId } from './origin.ts';
import { recall } from './recall/recall.ts';
import { forgetTexts, scrubMemories } from './store/forget-texts.ts';
import { GroupCommit } from './store/group-commit.ts';
import { DigestTree } from './store/digest-tree.ts';
import { firstOutcome, keepOutcome, keyedRequest } from './store/idempotency.ts';
import { OperationLog } from './store/operation-log.ts';
import { reads, type ReadParts } from './store/reads.ts';
import { Rows } from './store/rows.ts';
import { allHashes } from './store/snapshot.ts';
import { SYSTEM_AGENT, sqliteReplica } from './store/sqlite-replica.ts';
import { refillTerms } from './store/terms.ts';
import { readClock, type Work, type WorkParts } from './store/work.ts';
import { consolidate, promoteMemory } from './writes/combine-memories.ts';
import { embedMemory } from './writes/embed-memory.ts';
import { importMemories, storeMany } from './writes/import-memories.ts';
import { invalidateLink, linkMemories, unlinkLoose, unlinkMemories } from './writes/link-memories.ts';
import {
  archiveExpired,
  archiveMemories,
  deleteMemory,
  forget,
  purgeArchive,
  restoreMemory,
} from './writes/remove-memory.ts';
import { eraseMemories } from './writes/erase-memories.ts';
import type { WriteScope, WriteSettings } from './writes/scope.ts';
import { clearStandard, setStandard } from './writes/set-standard.ts';
import { storeMemory } from './writes/store-memory.ts';
import { TIER_TIMES, type TierTimes } from './writes/tiers.ts';
import { touchMemories } from './writes/touch-memories.ts';
import { updateMemory } from './writes/update-memory.ts';

const MIGRATIONS = new URL('./store/migrations/', import.meta.url);
const DAY_MS = 86_400_000;

export interface MemoryStoreOptions {
  member: MemberId;
  /** A new one after a restore or clone (`origin.ts`). */
  incarnation: string;
  /**
   * Makes another incarnation and keeps it, so that the next start opens with it; called when peers know more operations of
   * ours than we do. Without it such a member refuses to go on.
   */
  nextIncarnation?: () => string;
  /** Name of the machine, shown beside what was written there. */
  device: string;
  clock: Clock;
  random: Random;
  redactor: Redactor;
  /** Namespaces that opted out of redaction say false. Default: all are redacted. */
  is_redacted?: (namespace: string) => boolean;
  /** Writes are refused (`full`) at this size. */
  cap_bytes: number;
  tiers?: TierTimes;
  permissions?: 'enforce' | 'off';
  /** Default a day. */
  pending_timeout_ms?: number;
}

/**
 * Opens the memories in `memory.db`. The engine's tables are there already (`openSqliteStore` on the same `db`); these
 * come beside them. One process, one store: the caller holds the directory's lock, owns `db`, and closes it after this.
 */
export function openMemoryStore(db: Database, options: MemoryStoreOptions): Memories {
  migrate(db, MIGRATIONS, options.clock.now_ms(), 'memory');
  refillTerms(db);
  const parts = workParts(db, options);
  const commit = new GroupCommit(parts);
  const { member, clock } = options;
  const pending_timeout_ms = options.pending_timeout_ms ?? DAY_MS;
  const readParts: ReadParts = { db, member, clock, log: parts.log, pending_timeout_ms };
  let durability: Durability = alone(member);
  const replica = sqliteReplica(parts, commit, {
    member,
    device: options.device,
    nextOrigin: () => originOf(member, nextIncarnation(options)),
    useDurability: (given) => (durability = given),
  });
  const writer = new Writer(readParts, commit, settingsOf(options, pending_timeout_ms), () => durability);

  return {
    ...writesOf(writer),
    erase: async (ids, options) => {
      const written = await writer.write('erase', ids, options, (scope) => eraseMemories(scope, ids));
      const isEverywhere = (operation: OperationId): boolean => {
        const { durable_on, members } = durability.receipt(operation);
        return durable_on >= members;
      };
      const log_keeps = forgetTexts(db, ids, isEverywhere);
      parts.log.forgetHashes();
      if (!scrubMemories(db)) throw stillRead();
      return { ...written, result: { ...written.result, log_keeps } };
    },
    ...reads(readParts),
    recall: async (query, caller) => {
      const found = recall(readParts, query, clock.now_ms());
      const ids = found.memories.map(({ id }) => id);
      if (query.touch !== false && ids.length > 0) await writer.touch(ids, caller);
      return found;
    },
    durability: async (operation) => {
      const place = placeOf(operation);
      const stands = place && replica.standsAt(place);
      return stands && covers(parts.log.vector(), stands) ? durability.receipt(operation) : null;
    },
    waitDurable: (operation, members, deadline_ms, signal) => durability.wait(operation, members, deadline_ms, signal),
    replica,
    close: () => commit.close(),
  };
}

function workParts(db: Database, options: MemoryStoreOptions): WorkParts {
  const { clock, random } = options;
  const origin = originOf(options.member, options.incarnation);
  const newId = (): string => uuidv7(clock.now_ms(), random);
  const digests = new DigestTree();
  for (const { place, hash } of allHashes(db)) digests.change({ place, before: null, after: hash });
  const log = new OperationLog(db, { cap_bytes: options.cap_bytes, newId });
  const mark = readClock(db);
  return {
    db,
    clock,
    origin,
    digests,
    rows: new Rows(db),
    log,
    hybrid: new HybridClock(clock, origin, mark),
    // Of another incarnation it means nothing.
    confirmed: Math.min(mark.confirmed, log.last(origin)),
    commit_ms: 0,
  };
}

function settingsOf(options: MemoryStoreOptions, pending_timeout_ms: number): WriteSettings {
  const { device, clock, random, redactor } = options;
  return {
    device,
    clock,
    random,
    redactor,
    is_redacted: options.is_redacted ?? (() => true),
    tiers: options.tiers ?? TIER_TIMES,
    permissions: options.permissions ?? 'enforce',
    pending_timeout_ms,
  };
}

function nextIncarnation({ nextIncarnation: next }: MemoryStoreOptions): string {
  if (next) return next();
  throw new SynclineError('memory.set_back', 'Peers have operations of this member that it does not have itself', {
    hint: 'This machine was set back. Start it with a new incarnation.',
  });
}

/** A member without replication has all there is. */
function alone(member: MemberId): Durability {
  const receipt = (operation: OperationId): Receipt => ({ operation, durable_on: 1, members: 1, on: [member] });
  return { receipt, wait: async (operation) => receipt(operation) };
}

class Writer {
  readonly #parts: ReadParts;
  readonly #commit: GroupCommit;
  readonly #settings: WriteSettings;
  readonly #durability: () => Durability;

  constructor(parts: ReadParts, commit: GroupCommit, settings: WriteSettings, durability: () => Durability) {
    this.#parts = parts;
    this.#commit = commit;
    this.#settings = settings;
    this.#durability = durability;
  }

  /** One request of a caller: checked, redacted, written, its key kept; or its first outcome again. */
  async write<T>(
    verb: string,
    request: unknown,
    options: WriteOptions,
    run: (scope: WriteScope) => T,
  ): Promise<Written<T>> {
    checkAgentId('agent_id', options.caller.agent_id);
    const keyed = keyedRequest(verb, () => plainJson(request), options);
    const tally: Tally = new Map();
    let replayed: Written<T> | null = null;
    const done = await this.#commit.submit((work) => {
      const first = keyed && firstOutcome(work.db, keyed);
      if (first) {
        const { operations, redacted } = first;
        const receipt = this.#receipt(operations);
        replayed = { result: first.result as unknown as T, operations, redacted, receipt, replayed: true };
        return null;
      }
      const result = run(this.#scope(work, options, tally));
      const redacted = Object.fromEntries(tally);
      if (keyed)
        keepOutcome(
          work.db,
          keyed,
          { result: plainJson(result), operations: [...work.written], redacted },
          work.now_ms,
        );
      return { result, redacted };
    });
    if (replayed) return replayed;
    const { result, operations } = done as {
      result: { result: T; redacted: Record<string, number> };
      operations: OperationId[];
    };
    return { ...result, operations, receipt: this.#receipt(operations), replayed: false };
  }

  async touch(ids: readonly string[], caller: WriteOptions['caller']): Promise<void> {
    try {
      await this.#commit.submit((work) => touchMemories(this.#scope(work, { caller }, new Map()), ids));
    } catch (error) {
      // Counting is a convenience: a full disk must not keep anybody from remembering.
      if (!(error instanceof InvalidInputError) && (error as { code?: unknown }).code !== 'full') throw error;
    }
  }

  /** What the store does by itself. */
  async tend<T>(run: (scope: WriteScope) => T): Promise<T> {
    const options = { caller: { agent_id: SYSTEM_AGENT } };
    return (await this.#commit.submit((work) => run(this.#scope(work, options, new Map())))).result;
  }

  get parts(): ReadParts {
    return this.#parts;
  }

  #scope(work: Work, { caller }: WriteOptions, tally: Tally): WriteScope {
    const { db, member, clock } = this.#parts;
    return { db, member, clock, work, caller, tally, settings: this.#settings };
  }

  #receipt(operations: readonly OperationId[]): Receipt {
    const last = operations.at(-1);
    if (last !== undefined) return this.#durability().receipt(last);
    return { ...alone(this.#parts.member).receipt(''), operation: null };
  }
}

function writesOf(
  writer: Writer,
): Omit<
  Memories,
  keyof ReturnType<typeof reads> | 'erase' | 'recall' | 'durability' | 'waitDurable' | 'replica' | 'close'
> {
  return {
    store: (request, options) => writer.write('store', request, options, (scope) => storeMemory(scope, request)),
    storeMany: (requests, options) => writer.write('bulk', requests, options, (scope) => storeMany(scope, requests)),
    update: (id, change, options) =>
      writer.write('update', [id, change], options, (scope) => updateMemory(scope, id, change)),
    delete: (id, options) => writer.write('delete', id, options, (scope) => deleteMemory(scope, id)),
    archive: (ids, reason, options) =>
      writer.write('archive', [ids, reason], options, (scope) => archiveMemories(scope, ids, reason)),
    restore: (id, options) => writer.write('restore', id, options, (scope) => restoreMemory(scope, id)),
    purgeArchive: (days, options) => writer.write('purge', days, options, (scope) => purgeArchive(scope, days)),
    promote: (id, to, options) => writer.write('promote', [id, to], options, (scope) => promoteMemory(scope, id, to)),
    link: (request, options) => writer.write('link', request, options, (scope) => linkMemories(scope, request)),
    unlink: (source, target, relation, options) =>
      writer.write('unlink', [source, target, relation], options, (scope) =>
        unlinkMemories(scope, source, target, relation),
      ),
    invalidateLink: (request, options) =>
      writer.write('invalidate', request, options, (scope) => invalidateLink(scope, request)),
    consolidate: (request, options) =>
      writer.write('consolidate', request, options, (scope) => consolidate(scope, request)),
    forget: (request, options) => writer.write('forget', request, options, (scope) => forget(scope, request)),
    setStandard: (request, options) =>
      writer.write('standard', request, options, (scope) => setStandard(scope, request)),
    clearStandard: (namespace, options) =>
      writer.write('clear', namespace, options, (scope) => clearStandard(scope, namespace)),
    approve: (id, options) => writer.write('approve', id, options, (scope) => approve(scope, id)),
    reject: (id, options) => writer.write('reject', id, options, (scope) => reject(scope, id)),
    setEmbedding: (id, embedding, options) =>
      writer.write('embedding', [id, embedding.model, embedding.text], options, (scope) =>
        embedMemory(scope, id, embedding),
      ),
    import: (data, options) =>
      writer.write('import', data, options, (scope) => importMemories(scope, data, options.revive ?? false)),
    archiveExpired: () =>
      writer.tend((scope) => {
        unlinkLoose(scope);
        return archiveExpired(scope, (life) => memberOf(stampOrigin(life)) === scope.member);
      }),
    settleVotes: () =>
      writer.tend((scope) => settleVotes(scope, pendingActions(writer.parts, { status: 'pending', limit: 1000 }))),
  };
}

function stillRead(): StaleError {
  return new StaleError('storage.readers', 'Erased, but a reader of the database still holds the pages as they were', {
    hint: 'Do it again once backups and reports that are running have ended.',
  });
}

/** As a reader of the stored outcome will have it. */
function plainJson(value: unknown): Json {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as Json);
}

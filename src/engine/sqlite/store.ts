import type { Database } from '../../storage/sqlite/database.ts';
import { migrate } from '../../storage/sqlite/migrations.ts';
import { invariant } from '../../platform/errors.ts';
import { LiteralText } from '../../platform/literal-text.ts';
import { uuidv7, type Random } from '../../platform/random.ts';
import type { Clock } from '../../platform/clock.ts';
import type { EngineStore, Identity, OperatorAction } from '../store.ts';
import { append } from './append.ts';
import { appendAt, skipTo } from './append-at.ts';
import { addCounters, readCounters } from './counters.ts';
import { deadLetters, insertDeadLetter, retryDeadLetter, setState } from './dead-letters.ts';
import { backlog, changeDestination, configureDestination, destinations, progress, sentTo } from './destinations.ts';
import { allPartitions, allSources, nextEpoch, openPartition, openSource, openSources } from './partitions.ts';
import { plan, readBatch, readEntries } from './plan.ts';
import { erase, rewrite, scrub } from './erasure.ts';
import { subjectsContaining } from './containing.ts';
import { retain, trim } from './retention.ts';
import { halfOpen } from './circuit.ts';
import { claim, settle } from './settle.ts';
import { releaseAll } from './keyed/claim.ts';
import { discardKey, retryKey } from './keyed/letters.ts';
import { keyedStore } from './keyed/store.ts';
import { forgetSubjects } from './subjects.ts';
import { verify } from './verify.ts';

const MIGRATIONS = new URL('./migrations/', import.meta.url);

export interface SqliteStoreOptions {
  clock: Clock;
  random: Random;
  /** Appends are refused (FullError) at this size; settling and retention go on up to an eighth more. */
  cap_bytes: number;
}

/**
 * The engine's store on one SQLite file. Every method is one synchronous transaction behind a promise, so that the same
 * engine runs on PostgreSQL. Brings the schema up to date; the caller holds the directory's lock and owns `db`.
 */
export function openSqliteStore(db: Database, options: SqliteStoreOptions): EngineStore {
  migrate(db, MIGRATIONS, options.clock.now_ms());
  db.limitBytes(options.cap_bytes + Math.max(8 * 1024 * 1024, options.cap_bytes / 8));
  const newId = (): string => uuidv7(options.clock.now_ms(), options.random);
  ensureIdentity(db, newId());
  releaseAll(db);

  return {
    identity: async () => readIdentity(db),
    openPartition: (spec) => inGroup(db, () => openPartition(db, spec), 'commit'),
    partitions: async () => allPartitions(db),
    openSource: async (stream, name, now_ms) => db.transaction(() => openSource(db, stream, name, now_ms)),
    openSources: async (stream, names, now_ms) => db.transaction(() => openSources(db, stream, names, now_ms)),
    nextEpoch: async (source_id, now_ms) => db.transaction(() => nextEpoch(db, source_id, now_ms)),
    sources: async (stream) => allSources(db, stream),

    append: (request) => inGroup(db, () => append(db, [request], options.cap_bytes, newId)),
    appendTogether: (requests) => inGroup(db, () => append(db, requests, options.cap_bytes, newId)),
    appendAt: (request) => inGroup(db, () => appendAt(db, request, options.cap_bytes)),
    skipTo: async (partition_id, offset, now_ms) => skipTo(db, partition_id, offset, now_ms, newId),
    trim: async (partition_id, through, before_ms, now_ms) =>
      trim(db, { partition_id, through, before_ms, now_ms }, newId),
    read: async (partition_id, first, last) => readEntries(db, partition_id, first, last),
    readBatch: async (batch_id) => readBatch(db, batch_id),

    configureDestination: async (spec) => configureDestination(db, spec),
    changeDestination: async (destination_id, event, until_ms) =>
      changeDestination(db, destination_id, event, until_ms),
    destinations: async () => destinations(db),
    backlog: async (destination_id, accepts) => backlog(db, destination_id, accepts),
    plan: (request) => inGroup(db, () => plan(db, request), 'commit'),
    claim: (batch_id, sha256, new_batch_id, now_ms) =>
      inGroup(db, () => claim(db, batch_id, sha256, new_batch_id, now_ms)),
    settle: (settlement) => inGroup(db, () => settle(db, settlement, newId), 'commit'),
    halfOpen: async (destination_id) => halfOpen(db, destination_id),
    progress: async () => progress(db),
    sentTo: async () => sentTo(db),

    deadLetters: async (query) => deadLetters(db, query),
    recordRefused: async (letter) =>
      db.transaction(() =>
        insertDeadLetter(db, {
          ...letter,
          destination_id: null,
          subject: letter.subject ?? null,
          refusal: { ...letter, field: letter.field ?? undefined },
          attempts: 1,
          now_ms: letter.at_ms,
        }),
      ),
    retryDeadLetter: async (id, new_batch_id) =>
      db.transaction(() => (retryKey(db, id) ? 'retried' : retryDeadLetter(db, id, new_batch_id))),
    supersedeDeadLetter: async (id) =>
      db.transaction(() => discardKey(db, id, 'superseded') || setState(db, id, 'superseded')),
    discardDeadLetter: async (id) =>
      db.transaction(() => discardKey(db, id, 'discarded') || setState(db, id, 'discarded')),

    retain: async (request) => retain(db, request, newId),
    ...erasureOf(db),

    count: async (changes) => db.transaction(() => addCounters(db, changes)),
    counters: async () => readCounters(db),
    recordAction: async (action) => recordAction(db, action),
    actions: async (limit) =>
      db.all<OperatorAction>(
        'SELECT at_ms, actor, verb, target, detail FROM operator_action ORDER BY operator_action_id DESC LIMIT ?',
        limit,
      ),
    sizeBytes: async () => db.sizeBytes(),
    verify: async () => db.snapshot(() => verify(db)),
    close: async () => db.close(),

    keyed: keyedStore(db, newId),
  };
}

function erasureOf(db: Database): Pick<EngineStore, 'subjectsContaining' | 'erase' | 'rewrite' | 'scrub'> {
  return {
    subjectsContaining: async (text) => subjectsContaining(db, new LiteralText(text)),
    erase: async (subject, now_ms) => erase(db, subject, now_ms),
    rewrite: async (partition_id, payloads) => rewrite(db, partition_id, payloads),
    scrub: async () => scrub(db),
  };
}

/**
 * What flows do all the time shares a commit with what others do in the same turn. A rolled-back transaction may have
 * numbered subjects that then do not exist. An append and a claim wait for the disk, since something is forgotten or leaves
 * when they have returned; a partition, a plan and a settlement without which the power goes are made again.
 */
function inGroup<T>(db: Database, work: () => T, waits_for: 'disk' | 'commit' = 'disk'): Promise<T> {
  return db.together(work, { undone: () => forgetSubjects(db), waits_for });
}

function ensureIdentity(db: Database, installation: string): void {
  db.run(
    'INSERT INTO identity (one, installation, incarnation, fence) VALUES (1, ?, 1, 0) ON CONFLICT DO NOTHING',
    installation,
  );
}

function readIdentity(db: Database): Identity {
  const row = db.get<Identity>('SELECT installation, incarnation FROM identity');
  invariant(row, 'the identity row is made at open');
  return row;
}

function recordAction(db: Database, action: OperatorAction): void {
  db.run(
    'INSERT INTO operator_action (at_ms, actor, verb, target, detail) VALUES (?, ?, ?, ?, ?)',
    action.at_ms,
    action.actor,
    action.verb,
    action.target,
    action.detail,
  );
}

import type { Clock } from '../../platform/clock.ts';
import { invariant } from '../../platform/errors.ts';
import { LiteralText } from '../../platform/literal-text.ts';
import { uuidv7, type Random } from '../../platform/random.ts';
import { migratePostgres } from '../../storage/postgres/migrations.ts';
import type { Postgres } from '../../storage/postgres/postgres.ts';
import type { EngineStore, Identity, OperatorAction } from '../store.ts';
import type { RowWriter } from '../transaction.ts';
import { append } from './append.ts';
import { appendAt, skipTo } from './append-at.ts';
import { halfOpen } from './circuit.ts';
import { subjectsContaining } from './containing.ts';
import { addCounters, readCounters } from './counters.ts';
import { EngineDatabase, SCHEMA, type PostgresLike, type Transaction } from './database.ts';
import { deadLetters, recordRefused, retryDeadLetter, setState } from './dead-letters.ts';
import { backlog, changeDestination, configureDestination, destinations, progress, sentTo } from './destinations.ts';
import { readEntries } from './entries.ts';
import { erase, rewrite, scrub } from './erasure.ts';
import { discardKey, retryKey } from './keyed/letters.ts';
import { keyedStore } from './keyed/store.ts';
import type { LeaseTime } from './keyed/time.ts';
import { allPartitions, allSources, nextEpoch, openPartition, openSource, openSources } from './partitions.ts';
import { plan, readBatch } from './plan.ts';
import { retain, trim } from './retention.ts';
import { RowWriters } from './row-writers.ts';
import { claim, settle } from './settle.ts';
import { verify } from './verify.ts';

/** The engine's part of a schema: its files and its ledger. */
export const ENGINE_MIGRATIONS = { folder: new URL('./migrations/', import.meta.url), ledger: 'engine_migration' };

export interface PostgresStoreOptions {
  clock: Clock;
  random: Random;
  /** Where the engine's tables are, and those of flows that `syncline.` in their statements means. Default `syncline`. */
  schema?: string;
  /** Statements for `RowWrite`s; those of a flow's tables. Default none. */
  writers?: readonly RowWriter[];
  /** Appends are refused (FullError) when the journal holds so much. Default: no bound of ours. */
  cap_bytes?: number;
  /** `caller` for tests alone: leases count by the `now_ms` of calls. Default `database`. */
  lease_time?: LeaseTime;
}

/**
 * The engine's store in one schema of one PostgreSQL, for any number of processes. Brings the schema up to date.
 * `postgres` stays the caller's, who closes it.
 * @throws SynclineError `storage.newer_schema`, and what `Postgres.transaction` throws
 */
export async function openPostgresStore(postgres: Postgres, options: PostgresStoreOptions): Promise<EngineStore> {
  const schema = options.schema ?? SCHEMA;
  await migratePostgres(postgres, schema, ENGINE_MIGRATIONS.folder, {
    written_as: SCHEMA,
    ledger: ENGINE_MIGRATIONS.ledger,
  });
  return postgresStoreOn(postgres, options);
}

/** The same on a schema that is up to date; for tests whose process ends at a chosen statement. */
export async function postgresStoreOn(postgres: PostgresLike, options: PostgresStoreOptions): Promise<EngineStore> {
  const { clock, random, cap_bytes = Infinity, writers = [], lease_time = 'database' } = options;
  const db = new EngineDatabase(postgres, options.schema ?? SCHEMA);
  const newId = (): string => uuidv7(clock.now_ms(), random);
  await db.statement((tx) => ensureIdentity(tx, newId()));
  return {
    ...journalOf(db, newId, cap_bytes),
    ...deliveryOf(db, newId),
    ...deadLettersOf(db),
    ...careOf(db, newId),
    keyed: keyedStore({ db, writers: new RowWriters(writers), newId, lease_time }),
    close: () => Promise.resolve(),
  };
}

type Journal =
  | 'identity'
  | 'openPartition'
  | 'partitions'
  | 'openSource'
  | 'openSources'
  | 'nextEpoch'
  | 'sources'
  | 'append'
  | 'appendTogether'
  | 'appendAt'
  | 'skipTo'
  | 'read';

function journalOf(db: EngineDatabase, newId: () => string, cap_bytes: number): Pick<EngineStore, Journal> {
  return {
    identity: () => db.statement(readIdentity),
    openPartition: (spec) => db.transaction((tx) => openPartition(tx, spec)),
    partitions: () => db.statement(allPartitions),
    openSource: (stream, name, now_ms) => db.transaction((tx) => openSource(tx, stream, name, now_ms)),
    openSources: (stream, names, now_ms) => db.transaction((tx) => openSources(tx, stream, names, now_ms)),
    nextEpoch: (source_id, now_ms) => db.statement((tx) => nextEpoch(tx, source_id, now_ms)),
    sources: (stream) => db.statement((tx) => allSources(tx, stream)),
    append: (request) => db.transaction((tx) => append(tx, [request], cap_bytes, newId)),
    appendTogether: (requests) => db.transaction((tx) => append(tx, requests, cap_bytes, newId)),
    appendAt: (request) => db.transaction((tx) => appendAt(tx, request, cap_bytes)),
    skipTo: (partition_id, offset, now_ms) => db.transaction((tx) => skipTo(tx, partition_id, offset, now_ms, newId)),
    read: (partition_id, first, last) => db.statement((tx) => readEntries(tx, partition_id, first, last)),
  };
}

type Delivery =
  | 'readBatch'
  | 'configureDestination'
  | 'changeDestination'
  | 'destinations'
  | 'backlog'
  | 'plan'
  | 'claim'
  | 'settle'
  | 'halfOpen'
  | 'progress'
  | 'sentTo';

function deliveryOf(db: EngineDatabase, newId: () => string): Pick<EngineStore, Delivery> {
  return {
    readBatch: (batch_id) => db.snapshot((tx) => readBatch(tx, batch_id)),
    configureDestination: (spec) => db.transaction((tx) => configureDestination(tx, spec)),
    changeDestination: (destination_id, event, until_ms) =>
      db.transaction((tx) => changeDestination(tx, destination_id, event, until_ms)),
    destinations: () => db.statement(destinations),
    backlog: (destination_id, accepts) => backlog(db, destination_id, accepts),
    plan: (request) => db.transaction((tx) => plan(tx, request)),
    claim: (batch_id, sha256, new_batch_id, now_ms) =>
      db.transaction((tx) => claim(tx, batch_id, sha256, new_batch_id, now_ms)),
    settle: (settlement) => db.transaction((tx) => settle(tx, settlement, newId)),
    halfOpen: (destination_id) => db.transaction((tx) => halfOpen(tx, destination_id)),
    progress: () => db.statement(progress),
    sentTo: () => db.statement(sentTo),
  };
}

type Letters = 'deadLetters' | 'recordRefused' | 'retryDeadLetter' | 'supersedeDeadLetter' | 'discardDeadLetter';

function deadLettersOf(db: EngineDatabase): Pick<EngineStore, Letters> {
  return {
    deadLetters: (query) => db.statement((tx) => deadLetters(tx, query)),
    recordRefused: (letter) => db.transaction((tx) => recordRefused(tx, letter)),
    retryDeadLetter: (id, new_batch_id) =>
      db.transaction(async (tx) => ((await retryKey(tx, id)) ? 'retried' : retryDeadLetter(tx, id, new_batch_id))),
    supersedeDeadLetter: (id) =>
      db.transaction(async (tx) => (await discardKey(tx, id, 'superseded')) || setState(tx, id, 'superseded')),
    discardDeadLetter: (id) =>
      db.transaction(async (tx) => (await discardKey(tx, id, 'discarded')) || setState(tx, id, 'discarded')),
  };
}

type Care =
  | 'trim'
  | 'retain'
  | 'subjectsContaining'
  | 'erase'
  | 'rewrite'
  | 'scrub'
  | 'count'
  | 'counters'
  | 'recordAction'
  | 'actions'
  | 'sizeBytes'
  | 'verify';

function careOf(db: EngineDatabase, newId: () => string): Pick<EngineStore, Care> {
  return {
    trim: (partition_id, through, before_ms, now_ms) =>
      db.transaction((tx) => trim(tx, { partition_id, through, before_ms, now_ms }, newId)),
    retain: (request) => db.transaction((tx) => retain(tx, request, newId)),
    subjectsContaining: (text) => subjectsContaining(db, new LiteralText(text)),
    erase: (subject, now_ms) => erase(db, subject, now_ms),
    rewrite: (partition_id, payloads) => rewrite(db, partition_id, payloads),
    scrub: () => scrub(db),
    count: (changes) => db.statement((tx) => addCounters(tx, changes)),
    counters: () => db.statement(readCounters),
    recordAction: (action) => db.statement((tx) => recordAction(tx, action)),
    actions: (limit) => db.statement((tx) => actions(tx, limit)),
    sizeBytes: () => db.statement((tx) => sizeBytes(tx, db.schema)),
    verify: () => db.snapshot(verify),
  };
}

async function ensureIdentity(tx: Transaction, installation: string): Promise<void> {
  await tx.run(
    'INSERT INTO syncline.identity (one, installation, incarnation) VALUES (1, $1, 1) ON CONFLICT DO NOTHING',
    installation,
  );
}

async function readIdentity(tx: Transaction): Promise<Identity> {
  const row = await tx.get<Identity>('SELECT installation, incarnation FROM syncline.identity');
  invariant(row, 'the identity row is made at open');
  return row;
}

async function recordAction(tx: Transaction, action: OperatorAction): Promise<void> {
  await tx.run(
    'INSERT INTO syncline.operator_action (at_ms, actor, verb, target, detail) VALUES ($1, $2, $3, $4, $5)',
    action.at_ms,
    action.actor,
    action.verb,
    action.target,
    action.detail,
  );
}

function actions(tx: Transaction, limit: number): Promise<OperatorAction[]> {
  return tx.all<OperatorAction>(
    `SELECT at_ms, actor, verb, target, detail FROM syncline.operator_action ORDER BY operator_action_id DESC LIMIT $1`,
    limit,
  );
}

/** Of all tables of the schema, those of flows among them, with their indexes. */
function sizeBytes(tx: Transaction, schema: string): Promise<number> {
  return tx.value<number>(
    `SELECT coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE n.nspname = $1 AND c.relkind IN ('r', 'm')`,
    schema,
  );
}

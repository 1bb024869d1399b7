import { resolveSecret } from '../config/secret.ts';
import { KeyedDelivery } from '../engine/keyed/delivery.ts';
import { defaultRetryPolicy } from '../engine/retry.ts';
import { openSqliteStore } from '../engine/sqlite/store.ts';
import type { EngineStore } from '../engine/store.ts';
import { SynclineError } from '../platform/errors.ts';
import { sessionCatalogue, type SessionCatalogue } from '../sessions/delivery/session-catalogue.ts';
import { migrateSessionTables } from '../sessions/flow-tables.ts';
import { LinkAssertions } from '../sessions/links/link-assertions.ts';
import { AssertedLinks } from '../sessions/store/asserted-links.ts';
import { PostgresSessionStore } from '../sessions/store/postgres/postgres-session-store.ts';
import type { SessionStore } from '../sessions/store/session-store.ts';
import { SessionStoreThreads } from '../sessions/store/sqlite/session-store-threads.ts';
import { Database } from '../storage/sqlite/database.ts';
import type { DirectoryOptions } from './directory-options.ts';
import { backfillNewDestinations } from './session-backfill.ts';
import { openSessionDecisions, type SessionDecisions } from './session-decisions.ts';
import { askAgain, configureSessions, recognizeStores } from './session-destination-records.ts';
import { LOCAL_SESSIONS, sessionDestinations, type ConfiguredSessions } from './session-destinations.ts';
import { SessionErasure } from './session-erasure.ts';
import { assertLink } from './session-link-verb.ts';
import { previewSessions, type PreviewParts } from './session-preview.ts';
import { closeSessionReading, openSessionReading, type SessionReading } from './session-reading.ts';
import { changeSharing, sharesOf } from './session-sharing.ts';
import type { SessionsDirectory } from './sessions-directory.ts';
import type { SessionsInputs } from './sessions-inputs.ts';

/** Longest sleep of a delivery without a notification. */
const IDLE_MS = 5_000;
/** The local store writes one session at a time. */
const LOCAL_CONCURRENCY = 1;
const CONCURRENCY = 2;

/**
 * Opens the sessions stream of a data directory: its journal, the local store, sources and destinations. Everything it
 * opened is closed by `close`, also when opening fails half-way. A server keeps what members send, and reads nothing.
 */
export async function openSessions(inputs: SessionsInputs): Promise<SessionsDirectory> {
  const { paths, clock } = inputs.options;
  const store = await openStore(inputs);
  const db = new Database(paths.sessions_db);
  try {
    migrateSessionTables(db, clock.now_ms());
    return await assemble(inputs, new AssertedLinks(store, new LinkAssertions(db)), db);
  } catch (error) {
    db.close();
    await store.close();
    throw error;
  }
}

/** The parts of an open directory. */
interface SessionParts {
  inputs: SessionsInputs;
  store: SessionStore;
  engine: EngineStore;
  reading: SessionReading;
  decisions: SessionDecisions;
  catalogue: SessionCatalogue;
  destinations: readonly ConfiguredSessions[];
}

async function assemble(inputs: SessionsInputs, store: SessionStore, db: Database): Promise<SessionsDirectory> {
  const { options, isPrivate } = inputs;
  const { clock, random } = options;
  const engine = openSqliteStore(db, { clock, random, cap_bytes: inputs.journal_bytes });
  const { installation } = await engine.identity();
  const reading = openSessionReading(inputs, { db, store: engine, device: installation });
  const { known } = reading.sweep;
  const decisions = openSessionDecisions(inputs, engine, db);
  const catalogue = sessionCatalogue({ known, sources: reading.sources, retry: defaultRetryPolicy, clock, random });
  const { secret, sealed, choices, links, holds, projects } = decisions;
  const shared = { isPrivate, sealed, links, choices, projects, holds, catalogue, secret, store, installation };
  // With capture switched off nothing is read; what people take back is taken back all the same.
  const destinations = options.role === 'laptop' ? sessionDestinations(inputs, shared) : [];
  await configureSessions(engine, destinations, decisions, clock.now_ms());
  if (options.captures) await askAgain(engine, { known, holds, destinations }, clock.now_ms());
  return directoryOf({ inputs, store, engine, reading, decisions, catalogue, destinations });
}

function directoryOf(parts: SessionParts): SessionsDirectory {
  const { inputs, store, engine, reading, decisions, destinations } = parts;
  const { options } = inputs;
  const { clock, team_id } = options;
  const { choices, links, holds, stores } = decisions;
  const { known } = reading.sweep;
  const others = destinations.map(({ destination }) => destination.id).filter((id) => id !== LOCAL_SESSIONS);
  const sharing = { engine, known, choices, links, holds, destinations: others, now_ms: () => clock.now_ms() };
  return {
    engine,
    store,
    destinations: [...destinations],
    ...reading.verbs,
    erasure: new SessionErasure({ ...sharing, store, reader: { team_id } }),
    deliveries: new Map(destinations.map((to) => [to.destination.id, deliveryTo(to, engine, options)])),
    sweep: (signal, hinted) => sweepAndDecide(parts, others, signal, hinted),
    recognize: (signal) => recognizeStores(engine, stores, destinations, signal),
    sharesOf: async (key) => sharesOf(sharing, key),
    assertLink: (session, target, linked) =>
      assertLink({ store, assertions: decisions.assertions, now_ms: sharing.now_ms }, session, target, linked),
    share: (keys, share) => changeSharing(sharing, keys, share),
    onHold: (id) => holds.waiting(id, clock.now_ms()),
    preview: (query) => previewSessions(previewParts(parts), query),
    close: async () => {
      for (const { close } of destinations) await close();
      closeSessionReading(reading);
      await store.close();
      await engine.close();
    },
  };
}

/** A round of reading, then what decides without a change of any session: words of repositories, destinations that are new. */
async function sweepAndDecide(
  { inputs, engine, reading, decisions }: SessionParts,
  others: readonly string[],
  signal: AbortSignal,
  hinted: boolean,
): Promise<{ changed: number; full: boolean }> {
  const { clock, captures } = inputs.options;
  // Also with capture off: what was shared is taken back all the same.
  if (captures || others.length > 0) await inputs.lookForPrivate(signal);
  const { kind, appended } = await reading.sweep.sweep(signal, hinted);
  let decided = 0;
  if (others.length > 0) for (const word of decisions.words) decided += await word.look(clock.now_ms());
  const named = await backfillNewDestinations(engine, reading.sweep.known, clock, signal);
  return { changed: appended + decided + named, full: kind === 'full' };
}

function previewParts({
  inputs,
  store,
  engine,
  reading,
  decisions,
  catalogue,
  destinations,
}: SessionParts): PreviewParts {
  const { clock, team_id } = inputs.options;
  const { projects, links, holds } = decisions;
  const delivery = { catalogue, projects, links, holds, clock };
  return { engine, known: reading.sweep.known, store, destinations, clock, team_id, delivery };
}

/** A file beside the others; on a server that names a database, that database. @throws UnreachableError */
async function openStore({ options, store_bytes }: SessionsInputs): Promise<SessionStore> {
  const { paths, loaded, env, clock, timers, random, captures } = options;
  const { database } = loaded.config.server;
  if (captures || database === undefined)
    return new SessionStoreThreads({ path: paths.session_store_db, max_bytes: store_bytes });
  const url = resolveSecret(database, { key: 'server.database', config_file: loaded.file, env });
  return PostgresSessionStore.open({ url, clock, timers, random });
}

function deliveryTo(
  { destination }: ConfiguredSessions,
  store: EngineStore,
  { clock, random, timers, report }: DirectoryOptions,
): KeyedDelivery {
  const concurrency = destination.id === LOCAL_SESSIONS ? LOCAL_CONCURRENCY : CONCURRENCY;
  return new KeyedDelivery({
    ...{ store, destination, clock, random, timers, concurrency, idle_ms: IDLE_MS, retry: defaultRetryPolicy },
    report: (error) => report('a conversation could not be delivered', { code: codeOf(error) }),
  });
}

/** The code alone: a message may hold something of the conversation. */
function codeOf(error: unknown): string {
  return error instanceof SynclineError ? error.code : error instanceof Error ? error.name : 'unknown';
}

import { agentsviewPlaces } from '../agents/agentsview/index.ts';
import { KeyedDelivery } from '../engine/keyed/delivery.ts';
import { defaultRetryPolicy } from '../engine/retry.ts';
import { openSqliteStore } from '../engine/sqlite/store.ts';
import type { EngineStore } from '../engine/store.ts';
import { SynclineError } from '../platform/errors.ts';
import { resolveSecret } from '../config/secret.ts';
import { claudeSource } from '../agents/claude/index.ts';
import { ClaudeSource } from '../sessions/capture/claude-source.ts';
import { AGENTSVIEW, AgentsviewSource } from '../sessions/capture/agentsview-source.ts';
import { SESSIONS_STREAM, SessionSweep } from '../sessions/capture/session-sweep.ts';
import type { SessionSource } from '../sessions/capture/session-source.ts';
import { CheckoutWatch, type Checkouts } from '../sessions/delivery/checkout-watch.ts';
import { rawHash } from '../sessions/delivery/segment-hash.ts';
import { KnownStores } from '../sessions/delivery/known-stores.ts';
import { StoreReplyError } from '../sessions/store/store-reply-error.ts';
import { openFolder, sealFolder } from '../sessions/delivery/sealed-folder.ts';
import { SessionHolds } from '../sessions/delivery/session-holds.ts';
import type { KnownSessions } from '../sessions/capture/known-sessions.ts';
import { sessionCatalogue } from '../sessions/delivery/session-catalogue.ts';
import { SessionChoices } from '../sessions/delivery/session-choices.ts';
import { SessionLinks } from '../sessions/delivery/session-links.ts';
import { SharingRules } from '../sessions/delivery/sharing-rules.ts';
import { SessionProjects } from '../sessions/delivery/session-project.ts';
import { migrateSessionTables } from '../sessions/flow-tables.ts';
import type { SessionStore } from '../sessions/store/session-store.ts';
import { PostgresSessionStore } from '../sessions/store/postgres/postgres-session-store.ts';
import { SessionStoreThreads } from '../sessions/store/sqlite/session-store-threads.ts';
import { Database } from '../storage/sqlite/database.ts';
import type { DirectoryOptions } from './directory-options.ts';
import { sessionSecret } from './home.ts';
import type { SessionsInputs } from './sessions-inputs.ts';
import { LOCAL_SESSIONS, sessionDestinations, type ConfiguredSessions } from './session-destinations.ts';
import { backfillNewDestinations } from './session-backfill.ts';
import { previewSessions } from './session-preview.ts';
import { AgentsviewHealth } from './agentsview-health.ts';
import { sourceStatus } from './session-source-status.ts';
import { SessionErasure } from './session-erasure.ts';
import { changeSharing, sharesOf } from './session-sharing.ts';
import type { SessionsDirectory } from './sessions-directory.ts';

/** Longest sleep of a delivery without a notification. */
const IDLE_MS = 5_000;
/** The local store writes one session at a time. */
const LOCAL_CONCURRENCY = 1;
const CONCURRENCY = 2;
const KEYS_AT_ONCE = 1_000;

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
    return await assemble(inputs, store, db);
  } catch (error) {
    db.close();
    await store.close();
    throw error;
  }
}

async function assemble(inputs: SessionsInputs, store: SessionStore, db: Database): Promise<SessionsDirectory> {
  const { options, hashing } = inputs;
  const { paths, clock, random, timers } = options;
  const engine = openSqliteStore(db, { clock, random, cap_bytes: inputs.journal_bytes });
  const { installation } = await engine.identity();
  const sources = sourcesOf(inputs);
  const agentsview = new AgentsviewHealth(options.env, clock);
  const isBehind = ({ name }: SessionSource): boolean => name === AGENTSVIEW && agentsview.is_behind;
  const device = installation;
  const sweep = new SessionSweep({ db, store: engine, clock, timers, hashing, device, sources, isBehind });
  const choices = new SessionChoices(db);
  const links = new SessionLinks(db);
  const holds = new SessionHolds(db);
  const { workspaceOf, repositoryShares, allowed: captures } = inputs;
  const secret = sessionSecret(paths, random);
  const checkouts: Checkouts = { ...inputs.checkouts, open: (folder) => openFolder(secret, folder) };
  const checkoutOf = (root: string): string => rawHash(hashing, secret, root);
  const sealed = (root: string): Uint8Array => sealFolder(secret, root, random);
  const projects = new SessionProjects({ db, workspaceOf, repositoryShares, captures, checkoutOf });
  const repositories = new CheckoutWatch({ db, keyed: engine.keyed, checkouts });
  const catalogue = sessionCatalogue({ known: sweep.known, sources, retry: defaultRetryPolicy, clock, random });
  const { isPrivate } = inputs;
  const shared = { isPrivate, sealed, links, choices, projects, holds, catalogue, secret, store, installation };
  // With capture switched off nothing is read; what people take back is taken back all the same.
  const destinations = options.role === 'laptop' ? sessionDestinations(inputs, shared) : [];
  const stores = new KnownStores(db, links, engine.keyed);
  await configure(engine, destinations, { sharing_rules: new SharingRules(db), links, holds, stores }, clock.now_ms());
  if (options.captures) await askAgain(engine, { known: sweep.known, holds, destinations }, clock.now_ms());
  const others = destinations.map(({ destination }) => destination.id).filter((id) => id !== LOCAL_SESSIONS);
  const now_ms = (): number => clock.now_ms();
  const sharing = { engine, known: sweep.known, choices, links, holds, destinations: others, now_ms };
  const reader = { team_id: options.team_id };
  return {
    engine,
    store,
    destinations,
    erasure: new SessionErasure({ ...sharing, store, reader }),
    deliveries: new Map(destinations.map((to) => [to.destination.id, deliveryTo(to, engine, options)])),
    sweep: async (signal, hinted) => {
      if (options.captures) await inputs.lookForPrivate(signal);
      const { kind, appended } = await sweep.sweep(signal, hinted);
      const decided = others.length > 0 ? await repositories.look(clock.now_ms()) : 0;
      const named = await backfillNewDestinations(engine, sweep.known, clock, signal);
      return { changed: appended + decided + named, full: kind === 'full' };
    },
    recognize: (signal) => recognizeStores(engine, stores, destinations, signal),
    watched: () => sources.flatMap((source) => (source.exists() ? source.watched() : [])),
    sources: () => sweep.status().map(sourceStatus),
    warnings: () => (options.captures ? agentsview.warnings() : []),
    sharesOf: async (key) => sharesOf(sharing, key),
    share: (keys, share) => changeSharing(sharing, keys, share),
    onHold: (id) => holds.waiting(id, clock.now_ms()),
    preview: (query) =>
      previewSessions(
        {
          ...{ engine, known: sweep.known, store, destinations, clock, team_id: options.team_id },
          delivery: { catalogue, projects, links, holds, clock },
        },
        query,
      ),
    replay: async (confirm_vanished) => readAllAgain(sweep, confirm_vanished ? sources : []),
    close: async () => {
      for (const { close } of destinations) await close();
      for (const source of sources) (source as Partial<Disposable>)[Symbol.dispose]?.();
      await store.close();
      await engine.close();
    },
  };
}

/** Has every session read and compared again; of `vanished` sources also those that are missing are believed to be gone. */
function readAllAgain(sweep: SessionSweep, vanished: readonly SessionSource[]): { sessions: number } {
  for (const { name } of vanished) sweep.acceptVanished(name);
  sweep.force();
  return { sessions: sweep.known.totals().reduce((sum, { sessions }) => sum + sessions, 0) };
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

/** agentsview has every agent's sessions; without it, those of Claude Code are read from its own files. */
function sourcesOf({ options }: SessionsInputs): SessionSource[] {
  if (!options.captures) return [];
  const { env, timers } = options;
  return [
    new AgentsviewSource({ places: () => agentsviewPlaces(env), timers }),
    new ClaudeSource({ places: () => claudeSource.places(env), timers }),
  ];
}

/** What the journal remembers of destinations. */
interface Remembered {
  sharing_rules: SharingRules;
  links: SessionLinks;
  holds: SessionHolds;
  stores: KnownStores;
}

/**
 * Makes the configured destinations known; one that is configured no more is removed, and holds nothing back. Where the
 * rules are others than before, every session is decided anew: what is shared no more is withdrawn, what is now, sent.
 */
async function configure(
  engine: EngineStore,
  destinations: readonly ConfiguredSessions[],
  { sharing_rules, links, holds, stores }: Remembered,
  now_ms: number,
): Promise<void> {
  const ids = destinations.map(({ destination }) => destination.id);
  for (const { destination, required, shares } of destinations) {
    const { id: destination_id } = destination;
    const spec = { destination_id, stream: SESSIONS_STREAM, required, start: 'earliest', delivery: 'keyed' } as const;
    await engine.configureDestination(spec, now_ms);
    if (shares === null) continue;
    const changed = sharing_rules.changed(destination_id, shares);
    if (!changed.rules && !changed.place) continue;
    // What was brought elsewhere is not here; who believed the links would send nothing.
    if (changed.place) links.forget(destination_id);
    if (changed.place) stores.forget(destination_id);
    holds.forget(destination_id);
    await engine.keyed.beginBackfill(destination_id);
    sharing_rules.remember(destination_id, shares);
  }
  for (const { destination_id, state } of await engine.destinations())
    if (!ids.includes(destination_id) && state !== 'removed')
      await engine.changeDestination(destination_id, 'remove', null);
}

async function recognizeStores(
  engine: EngineStore,
  stores: KnownStores,
  destinations: readonly ConfiguredSessions[],
  signal: AbortSignal,
): Promise<boolean> {
  let is_other = false;
  const rows = await engine.destinations();
  for (const { destination, identity } of destinations) {
    const row = rows.find(({ destination_id }) => destination_id === destination.id);
    if (row?.state !== 'active' || row.circuit !== 'closed' || signal.aborted) continue;
    try {
      const store_id = await identity(signal);
      if (store_id !== null && (await stores.meet(destination.id, store_id))) is_other = true;
    } catch (error) {
      // One that is down is known as such by what is sent to it.
      if (!(error instanceof SynclineError) && !(error instanceof StoreReplyError) && !signal.aborted) throw error;
    }
  }
  return is_other;
}

/** What waits for a time of ours, not for its hold, is tried at once by a new start: capture may have been off. */
async function askAgain(
  engine: EngineStore,
  { known, holds, destinations }: { known: KnownSessions; holds: SessionHolds; destinations: ConfiguredSessions[] },
  now_ms: number,
): Promise<void> {
  for (const { destination } of destinations) {
    const waiting = await engine.keyed.waiting(destination.id, now_ms, Number.MAX_SAFE_INTEGER);
    const later = waiting.filter(({ due_ms, key }) => due_ms > now_ms && !holds.of(destination.id, key, now_ms));
    for (let from = 0; from < later.length; from += KEYS_AT_ONCE) {
      const sessions = later.slice(from, from + KEYS_AT_ONCE).flatMap(({ key }) => known.find(key) ?? []);
      await engine.keyed.touch(
        sessions.map(({ key, partition_id, group }) => ({ key, partition_id, group })),
        now_ms,
      );
    }
  }
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

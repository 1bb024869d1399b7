import { join } from 'node:path';
import { AGENT_SOURCES } from '../agents/registry.ts';
import { workspaceOf } from '../agents/workspace.ts';
import type { LoadedConfig } from '../config/load.ts';
import { Delivery } from '../engine/ordered/delivery.ts';
import { defaultRetryPolicy } from '../engine/retry.ts';
import { openSqliteStore } from '../engine/sqlite/store.ts';
import type { EngineStore } from '../engine/store.ts';
import type { Clock } from '../platform/clock.ts';
import { StaleError } from '../platform/errors.ts';
import { loadHashing, type Hashing } from '../redaction/hashing.ts';
import { Database } from '../storage/sqlite/database.ts';
import { lockDirectory } from '../storage/sqlite/lock.ts';
import { TokenStore } from '../server/access/token-store.ts';
import { Capture } from '../telemetry/capture/capture.ts';
import { migrateFlowTables } from '../telemetry/capture/flow-tables.ts';
import { forgetSessions } from '../telemetry/capture/forget-sessions.ts';
import { eraseSpooled } from '../telemetry/hooks/erase-spooled.ts';
import { PrivateSessions } from '../telemetry/capture/private-sessions.ts';
import { TranscriptSweep } from '../telemetry/capture/transcript-sweep.ts';
import { HookCapture } from '../telemetry/capture/hook-capture.ts';
import { HookSweep } from '../telemetry/capture/hook-sweep.ts';
import { Labels } from '../telemetry/labels.ts';
import { saltOf, Salts } from '../telemetry/salts.ts';
import { Erasures } from '../telemetry/destinations/erasures.ts';
import { StoreThread } from '../telemetry/destinations/store-thread.ts';
import { TelemetryStore } from '../telemetry/store/telemetry-store.ts';
import type { Workspace } from '../telemetry/capture/workspace-context.ts';
import { CaptureRules } from './capture-rules.ts';
import { LOCAL_STORE, telemetryDestinations, teamSalt, type ConfiguredDestination } from './destinations.ts';
import type { DirectoryOptions } from './directory-options.ts';
import type { OldPeers } from '../memory/compat/old-peers.ts';
import { openMemory, type MemoryDirectory } from './open-memory.ts';
import { openOldPeers } from './open-old-peers.ts';
import { openSessions } from './open-sessions.ts';
import type { SessionsInputs } from './sessions-inputs.ts';
import type { SessionsDirectory } from './sessions-directory.ts';
import { machineSalt, prepareHome, teamBeginning, writeHookSettings } from './home.ts';

/** Everything that works on one data directory, open in this process and in no other. */
export interface DataDirectory {
  options: DirectoryOptions;
  engine: EngineStore;
  store: TelemetryStore;
  labels: Labels;
  capture: Capture;
  sweep: TranscriptSweep;
  destinations: ConfiguredDestination[];
  deliveries: Map<string, Delivery>;
  hooks: HookSweep;
  /** Conversations; null where the configuration keeps none. */
  sessions: SessionsDirectory | null;
  /** Memories; null where the configuration keeps none. */
  memory: MemoryDirectory | null;
  /** Nodes of ai-memory that exchange memories with this machine; null where none is configured. */
  old_peers: OldPeers | null;
  /** The tokens of this directory; with the running daemon's own operator token, or null without a daemon. */
  tokens: (operator_token: string | null) => TokenStore;
  /** Erases sessions of telemetry here, by their hashes: journal, store, labels (R11). Returns how many the store had. */
  eraseTelemetry: (hashes: readonly string[]) => Promise<number>;
  /** What destinations are asked to erase of telemetry. */
  erasures: Erasures;
  /** Where telemetry of sessions, by their hashes, was or may have been sent besides the local store, and under which hashes. */
  sentTo: (hashes: readonly string[]) => Promise<ReadonlyMap<string, string[]>>;
  /** The hashes that a session has or had, by its agent's own id. */
  hashesOf: (native_id: string) => string[];
  /** Has the local store of telemetry written anew, so that nothing is left in it of what was removed. */
  scrubTelemetry: () => Promise<void>;
  /** Projects of each agent, for the first screen. */
  projectsOf: (agent: string) => number;
  close: () => Promise<void>;
}

/** Longest sleep of a delivery without a notification. */
const IDLE_MS = 5_000;
/** Partitions one destination is served at the same time; each has at most its window in flight (P9). */
const CONCURRENCY = 4;
/** The local store writes one batch at a time; one more is made ready meanwhile. */
const LOCAL_CONCURRENCY = 12;
/** The local store costs nothing to ask: when it was full and has room again, delivery goes on within seconds. */
const LOCAL_RETRY = { ...defaultRetryPolicy, cap_ms: 5_000 };

/**
 * Opens a data directory: permissions, lock, databases with their migrations, salts, capture, destinations.
 * @throws LockedError when another process holds it, SynclineError for what cannot be opened.
 */
export async function openDataDirectory(options: DirectoryOptions): Promise<DataDirectory> {
  // Everything this process writes is for its user alone, SQLite's own side files included.
  process.umask(0o077);
  prepareHome(options.paths);
  const lock = lockDirectory(options.paths.home, options.pid);
  const opened: (() => void)[] = [() => lock.release(), () => options.before_release?.()];
  try {
    return await openUnderLock(options, opened);
  } catch (error) {
    for (const close of opened.reverse()) close();
    throw error;
  }
}

async function openUnderLock(options: DirectoryOptions, opened: (() => void)[]): Promise<DataDirectory> {
  const { paths, loaded, clock, random, env } = options;
  const { db, engine, store, labels } = openDatabases(options, opened);
  const hashing = await loadHashing();
  const { storage } = loaded.config;
  const { content } = loaded.config.telemetry;
  const machine = saltOf(machineSalt(paths, random));
  const salts = new Salts(db, machine, teamSalt(options), clock.now_ms(), teamBeginning(paths));
  writeHookSettings(paths, { content, spool_max_bytes: storage.spool_max_bytes }, salts.at(clock.now_ms()).bytes);
  const scope = captureScope(options);
  const privateSessions = new PrivateSessions({ db, spool_dir: paths.spool_dir, hashing, salts, clock });
  const { isPrivate, lookForPrivate, privates } = privacyOf(privateSessions);
  const parts = { store: engine, db, hashing, salts, labels, clock, content };
  const capture = new Capture({ ...parts, tags: true, ...scope, isPrivate });
  const hookCapture = new HookCapture({ ...parts, allowed: scope.allowed });
  const store_thread = new StoreThread({ path: paths.store_db, max_bytes: telemetryRoom(loaded) });
  const destinations = telemetryDestinations({ loaded, env, store_thread, labels });
  await configure(engine, destinations, clock);
  const sessions = await conversations(options, { hashing, salts, isPrivate, privates, lookForPrivate }, scope);
  const { memory, old_peers } = await openMemories(options).catch(async (error: unknown) => {
    await sessions?.close();
    throw error;
  });
  const report = ({ agent, message }: { agent: string; message: string }): void => options.report(message, { agent });

  return {
    options,
    engine,
    store,
    labels,
    capture,
    sweep: new TranscriptSweep({
      capture,
      store: engine,
      clock,
      sources: AGENT_SOURCES,
      env,
      report,
      before: lookForPrivate,
    }),
    hooks: new HookSweep({
      ...{ capture: hookCapture, store: engine, clock, spool_dir: paths.spool_dir, before: lookForPrivate },
    }),
    ...{ sessions, memory, old_peers, destinations },
    deliveries: new Map(destinations.map((to) => [to.destination.id, deliveryTo(to, engine, options)])),
    tokens: (operator_token) => openTokens(options, opened, operator_token),
    ...erasureOf(options, { db, engine, store, labels, store_thread, hashing, salts, destinations }),
    projectsOf: (agent) =>
      db.value<number>('SELECT count(DISTINCT workspace) FROM telemetry_session WHERE agent = ?', agent),
    close: async () => {
      await old_peers?.close();
      await memory?.close();
      await sessions?.close();
      for (const { destination } of destinations) await destination.close?.();
      for (const close of [...opened].reverse()) close();
    },
  };
}

async function openMemories(options: DirectoryOptions): Promise<Pick<DataDirectory, 'memory' | 'old_peers'>> {
  const memory = await openMemory(options);
  if (!memory) return { memory: null, old_peers: null };
  try {
    return { memory, old_peers: openOldPeers(options, memory) };
  } catch (error) {
    await memory.close();
    throw error;
  }
}

function openDatabases(
  { paths, loaded, clock, random }: DirectoryOptions,
  opened: (() => void)[],
): Pick<DataDirectory, 'engine' | 'store' | 'labels'> & { db: Database } {
  const room_bytes = telemetryRoom(loaded);
  const db = new Database(paths.engine_db, { background_sync: true });
  opened.push(() => db.close());
  const engine = openSqliteStore(db, { clock, random, cap_bytes: room_bytes });
  migrateFlowTables(db, clock.now_ms());
  const store = new TelemetryStore(paths.store_db, { clock, max_bytes: room_bytes });
  opened.push(() => store.close());
  const labels = new Labels(paths.labels_db, clock.now_ms());
  opened.push(() => labels.close());
  return { db, engine, store, labels };
}

/** What the journal and the store of telemetry may each hold: half of the room for both, all of it without conversations. */
export function telemetryRoom({ config }: LoadedConfig): number {
  return Math.floor(config.storage.max_bytes / (config.sessions.keep ? 4 : 2));
}

function privacyOf(sessions: PrivateSessions): Pick<SessionsInputs, 'isPrivate' | 'privates' | 'lookForPrivate'> {
  return {
    isPrivate: (session_id) => sessions.has(session_id),
    privates: () => sessions.count,
    lookForPrivate: (signal) => sessions.look(signal),
  };
}

/** The stream of conversations: half of the room is the store's, text and its index; its journal holds no text. */
async function conversations(
  options: DirectoryOptions,
  parts: Pick<SessionsInputs, 'hashing' | 'salts' | 'isPrivate' | 'privates' | 'lookForPrivate'>,
  { allowed, repositoryShares, checkouts }: CaptureScope,
): Promise<SessionsDirectory | null> {
  const { config } = options.loaded;
  if (!config.sessions.keep) return null;
  const store_bytes = Math.floor(config.storage.max_bytes * 0.45);
  const journal_bytes = Math.floor(config.storage.max_bytes * 0.05);
  const rules = { workspaceOf, allowed, repositoryShares, checkouts };
  return openSessions({ options, ...parts, ...rules, journal_bytes, store_bytes });
}

interface ErasureParts extends Pick<DataDirectory, 'engine' | 'store' | 'labels' | 'destinations'> {
  db: Database;
  store_thread: StoreThread;
  hashing: Hashing;
  salts: Salts;
}

/** Erasing of telemetry: here, and where it was sent. */
function erasureOf(
  options: DirectoryOptions,
  parts: ErasureParts,
): Pick<DataDirectory, 'erasures' | 'sentTo' | 'hashesOf' | 'scrubTelemetry' | 'eraseTelemetry'> {
  const { db, engine, store, store_thread } = parts;
  const { clock, random, team_id } = options;
  const destinations = new Map(parts.destinations.map(({ destination, eraser }) => [destination.id, eraser] as const));
  destinations.delete(LOCAL_STORE);
  const erasures = new Erasures({ db, engine, destinations, retry: defaultRetryPolicy, clock, random });
  return {
    erasures,
    sentTo: async (hashes) => {
      const reached = await erasures.reached(workspacesOfSessions(aliasesOf(hashes, parts), { db, store, team_id }));
      return new Map([...reached].filter(([destination]) => destination !== LOCAL_STORE));
    },
    hashesOf: (native_id) => hashesOf(native_id, parts),
    scrubTelemetry: () => store_thread.scrub(),
    eraseTelemetry: (hashes) => eraseTelemetry(options, parts, aliasesOf(hashes, parts)),
  };
}

/** Also the hashes under the other salt, by which hooks may name a session. */
function aliasesOf(
  hashes: readonly string[],
  { labels, hashing, salts }: { labels: Labels; hashing: Hashing; salts: Salts },
): string[] {
  const all = new Set(hashes);
  for (const hash of hashes) {
    const name = labels.find(hash)?.name;
    if (name !== undefined) for (const alias of hashesOf(name, { hashing, salts })) all.add(alias);
  }
  return [...all];
}

function hashesOf(native_id: string, { hashing, salts }: { hashing: Hashing; salts: Salts }): string[] {
  const known = [salts.machine, ...(salts.team ? [salts.team] : [])];
  return known.map(({ bytes }) => hashing.hashWithSalt(bytes, native_id));
}

/** As the store knows it, and capture: either may not have a session yet, or any more. */
function workspacesOfSessions(
  hashes: readonly string[],
  { db, store, team_id }: { db: Database; store: TelemetryStore; team_id: string },
): Map<string, string[]> {
  const workspaces = store.workspacesOf(team_id, hashes);
  const captured = db.all<{ session: string; workspace: string }>(
    'SELECT session, workspace FROM telemetry_session WHERE session IN (SELECT value FROM json_each(?))',
    JSON.stringify(hashes),
  );
  for (const { session, workspace } of captured)
    workspaces.set(session, [...(workspaces.get(session) ?? []), workspace]);
  return workspaces;
}

/** Journal before store: nothing that is still to be delivered brings back what the store has erased. */
async function eraseTelemetry(
  { clock, team_id, paths }: DirectoryOptions,
  parts: Pick<DataDirectory, 'engine' | 'labels'> & { db: Database; store_thread: StoreThread },
  hashes: readonly string[],
): Promise<number> {
  await eraseSpooled(paths.spool_dir, new Set(hashes), clock.now_ms());
  forgetSessions(parts.db, hashes);
  await parts.engine.erase(hashes, clock.now_ms());
  const erased = await parts.store_thread.eraseSessions(team_id, hashes);
  if (parts.labels.forget(hashes)) return erased;
  throw new StaleError('storage.readers', 'Erased, but a reader of the labels still holds the pages as they were', {
    hint: 'Do it again once backups that are running have ended.',
  });
}

function deliveryTo(
  { destination }: ConfiguredDestination,
  store: EngineStore,
  { clock, random, timers }: DirectoryOptions,
): Delivery {
  const retry = destination.id === LOCAL_STORE ? LOCAL_RETRY : defaultRetryPolicy;
  const concurrency = destination.id === LOCAL_STORE ? LOCAL_CONCURRENCY : CONCURRENCY;
  const bounds = { concurrency, idle_ms: IDLE_MS };
  return new Delivery({ store, destination, clock, random, timers, retry, ...bounds });
}

function openTokens(
  { paths, clock, random, team_id }: DirectoryOptions,
  opened: (() => void)[],
  operator_token: string | null,
): TokenStore {
  const db = new Database(join(paths.keys_dir, 'tokens.db'));
  opened.push(() => db.close());
  const operator = operator_token === null ? {} : { operator: { token: operator_token, team_id } };
  return new TokenStore(db, { clock, random, ...operator });
}

/** Where an event belongs, and whether it is kept at all. */
interface CaptureScope {
  workspaceOf: (cwd: string | null) => Workspace;
  allowed: (workspace: Workspace, cwd: string | null) => boolean;
  repositoryShares: (root: string) => boolean | null;
  checkouts: SessionsInputs['checkouts'];
}

function captureScope({ loaded, env, clock, report }: DirectoryOptions): CaptureScope {
  const rules = new CaptureRules({
    exclude: loaded.config.capture.exclude,
    user_home: env['HOME'] ?? '',
    clock,
    report,
  });
  const known = new Map<string | null, Workspace>();
  return {
    workspaceOf: (cwd) => {
      const cached = known.get(cwd);
      if (cached) return cached;
      const found: Workspace =
        cwd === null ? { identity: 'unknown', kind: 'path', name: 'unknown', root: null } : workspaceOf(cwd);
      known.set(cwd, found);
      return found;
    },
    allowed: (workspace, cwd) => rules.allows(workspace, cwd),
    repositoryShares: (root) => rules.shares(root),
    checkouts: { markOf: (root) => rules.markOf(root), readShares: (root) => rules.readShares(root) },
  };
}

/** Makes the configured destinations known; one that is configured no more is removed, and holds nothing back. */
async function configure(
  engine: EngineStore,
  destinations: readonly ConfiguredDestination[],
  clock: Clock,
): Promise<void> {
  const ids = destinations.map(({ destination }) => destination.id);
  for (const { destination, required } of destinations)
    await engine.configureDestination(
      { destination_id: destination.id, stream: 'telemetry', required, start: 'earliest' },
      clock.now_ms(),
    );
  for (const { destination_id, state } of await engine.destinations())
    if (!ids.includes(destination_id) && state !== 'removed')
      await engine.changeDestination(destination_id, 'remove', null);
}

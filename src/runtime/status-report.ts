import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { AGENT_SOURCES, findAgents } from '../agents/registry.ts';
import type { LoopStatus } from '../engine/supervisor.ts';
import { missingSalts } from '../config/salts.ts';
import type { DestinationRow } from '../engine/store.ts';
import { peerWarnings } from './peer-warnings.ts';
import { programVersion } from '../platform/version.ts';
import { rules } from '../redaction/rules.ts';
import type { DataDirectory } from './data-directory.ts';
import { LOCAL_STORE } from './destinations.ts';
import { localReader } from './local-reader.ts';
import type { DestinationStatus, SourceStatus, StatusReport } from './operator.ts';
import { oldPeerStatuses, oldPeerWarnings } from './old-peer-status.ts';
import { allProgress, journalsOf, type DestinationProgress } from './journals.ts';
import { recordsInputs } from './records/run-records.ts';

/** What is known of the daemon in whose process a status is made; all null when none runs. */
export interface RunningState {
  running: boolean;
  pid: number | null;
  started_ms: number | null;
  url: () => string | null;
  loops: () => LoopStatus[];
}

export const NOT_RUNNING: RunningState = {
  running: false,
  pid: null,
  started_ms: null,
  url: () => null,
  loops: () => [],
};

/** Everything `status` shows, from the open databases. */
export async function statusReport(directory: DataDirectory, running: RunningState): Promise<StatusReport> {
  const { engine, store, destinations, sessions, old_peers, options } = directory;
  await directory.sweep.look();
  const [progress, counters] = await Promise.all([allProgress(directory), engine.counters()]);
  const rows = progress.filter(({ stream }) => stream === 'telemetry').map(({ row }) => row);
  const insecure = new Set(
    [...destinations, ...(sessions?.destinations ?? [])]
      .filter((to) => to.insecure)
      .map(({ destination }) => destination.id),
  );
  const today = store.today(localReader(directory)());
  const memory = await memoryStatus(directory);
  return {
    schema: 'syncline.status/1',
    version: programVersion(),
    running: running.running,
    pid: running.pid,
    started_ms: running.started_ms,
    url: running.url(),
    home: options.paths.home,
    nothing_leaves:
      recordsInputs(options) === null &&
      !old_peers?.sharesAnything &&
      (directory.memory?.peers.book.peers() ?? []).length === 0 &&
      [...destinations, ...(sessions?.destinations ?? [])].every(({ destination }) => destination.id === LOCAL_STORE),
    sources: await sourceStatuses(directory, counters['skipped'] ?? {}),
    destinations: [
      ...(await Promise.all(progress.map((one) => destinationStatus(one, insecure)))),
      ...oldPeerStatuses(old_peers),
    ],
    conversations: await conversationStatus(directory),
    memory,
    loops: running.loops().map(({ name, state, last_error, since_ms }) => ({ name, state, last_error, since_ms })),
    spool: spoolStatus(directory),
    storage: await storageStatus(directory),
    removed: secretsOnly(counters['removed'] ?? {}),
    counters,
    today: {
      cost_usd: today.cost_usd,
      sessions: today.sessions,
      tool_calls: today.tool_calls,
      tool_failures: today.tool_failures,
    },
    warnings: [
      ...warningsOf(progress, insecure),
      ...oldPeerWarnings(old_peers),
      ...vanishedWarnings(directory),
      ...(directory.sessions?.warnings() ?? []),
      ...missingSalts(directory.options.loaded).map(({ message }) => message),
      ...erasureWarnings(directory),
      ...peerWarnings(memory, options.clock.now_ms()),
      ...fullStoreWarning(directory, rows),
      ...(await backPressureWarning(directory)),
    ],
  };
}

/** Removals that are no secrets: addresses and paths of persons, members dropped as content, cuts. */
const NOT_SECRETS: ReadonlySet<string> = new Set([
  ...rules.filter(({ form }) => form === 'email' || form === 'path').map(({ name }) => name),
  'dropped-key',
  'unscanned',
  'content-too-long',
]);

function secretsOnly(removed: Record<string, number>): Record<string, number> {
  return Object.fromEntries(Object.entries(removed).filter(([rule]) => !NOT_SECRETS.has(rule)));
}

async function sourceStatuses(directory: DataDirectory, skipped: Record<string, number>): Promise<SourceStatus[]> {
  const figures = directory.sweep.figures();
  const read = directory.sweep.places().map((place): SourceStatus => {
    const found = figures.find(
      ({ agent, places }) => agent === place.agent && places.some(({ path, exists }) => exists && path === place.path),
    );
    return {
      agent: place.agent,
      name: place.agent,
      path: place.path,
      exists: place.exists,
      sessions: found?.sessions ?? 0,
      projects: found ? directory.projectsOf(place.agent) : 0,
      files: found?.files ?? 0,
      bytes: found?.bytes ?? 0,
      read_bytes: Math.min(found?.bytes ?? 0, found?.read_bytes ?? 0),
      skipped: found ? skipped : {},
      note: place.exists ? null : `not there (${place.because})`,
    };
  });
  return [...read, ...(await onlyFound(directory))];
}

/** Agents that are on this machine but not read yet: shown, so that nobody wonders where they are. */
async function onlyFound({ options }: DataDirectory): Promise<SourceStatus[]> {
  const read = new Set(AGENT_SOURCES.map(({ agent }) => agent));
  const found = (await findAgents(options.env)).filter(({ agent, sessions }) => !read.has(agent) && sessions > 0);
  return found.map(({ agent, label, places, sessions, projects, note }) => ({
    agent,
    name: label,
    path: places.find(({ exists }) => exists)?.path ?? '',
    exists: true,
    sessions,
    projects: projects ?? 0,
    files: sessions,
    bytes: 0,
    read_bytes: 0,
    skipped: {},
    note,
  }));
}

async function destinationStatus(
  { engine, row, stream, waiting, oldest_waiting_ms, on_hold, open, held }: DestinationProgress,
  insecure: ReadonlySet<string>,
): Promise<DestinationStatus> {
  const { destination_id } = row;
  const [counters, dead] = await Promise.all([
    engine.counters(),
    engine.deadLetters({ state: 'open', destination_id, limit: 10_000, without_payload: true }),
  ]);
  return {
    destination: destination_id,
    stream,
    state: row.state,
    circuit: row.circuit === 'half_open' ? 'half-open' : row.circuit,
    circuit_until_ms: row.circuit === 'open' ? row.circuit_until_ms : null,
    offline_since_ms: row.failing_since_ms,
    waiting,
    on_hold,
    oldest_waiting_ms,
    open_batches: open,
    held,
    last_success_ms: row.last_success_ms,
    last_error: row.last_error,
    insecure: insecure.has(destination_id),
    acknowledged: counters['items_accepted']?.[destination_id] ?? 0,
    dead_letters: dead.length,
  };
}

async function conversationStatus({ sessions, options }: DataDirectory): Promise<StatusReport['conversations']> {
  if (!sessions) return null;
  const { redactions, ...totals } = await sessions.store.totals({ team_id: options.team_id });
  return { sources: sessions.sources(), ...totals, removed: secretsOnly(redactions) };
}

async function memoryStatus({ memory }: DataDirectory): Promise<StatusReport['memory']> {
  if (!memory) return null;
  const { memories, archived, pending, operations, size_bytes } = await memory.memories.statistics();
  const peers = memory.peers.status();
  return {
    ...{ memories, archived, pending, operations, size_bytes },
    write_quorum: memory.served.settings.write_quorum,
    damaged: peers.damaged,
    peers: peers.peers.length === 0 ? null : peers,
  };
}

function spoolStatus({ options }: DataDirectory): StatusReport['spool'] {
  const { spool_dir } = options.paths;
  const files = existsSync(spool_dir) ? readdirSync(spool_dir) : [];
  const sizes = files.map((file) => ({
    file,
    size: statSync(join(spool_dir, file), { throwIfNoEntry: false })?.size ?? 0,
  }));
  return {
    bytes: sizes.filter(({ file }) => file.endsWith('.jsonl')).reduce((sum, { size }) => sum + size, 0),
    cap_bytes: options.loaded.config.storage.spool_max_bytes,
    dropped: sizes.find(({ file }) => file === 'dropped')?.size ?? 0,
  };
}

async function storageStatus(directory: DataDirectory): Promise<StatusReport['storage']> {
  const { store, sweep, sessions, memory, options } = directory;
  const journals = await Promise.all(journalsOf(directory).map((engine) => engine.sizeBytes()));
  const journal = journals.reduce((sum, bytes) => sum + bytes, (await sessions?.store.sizeBytes()) ?? 0);
  const cap_bytes = options.loaded.config.storage.max_bytes;
  const remembered = (await memory?.memories.statistics())?.size_bytes ?? 0;
  return { bytes: journal + store.sizeBytes() + remembered, cap_bytes, full: sweep.isFull };
}

function warningsOf(progress: readonly DestinationProgress[], insecure: ReadonlySet<string>): string[] {
  const paused = progress.filter(({ row }) => row.state === 'paused');
  return [
    ...[...insecure].map((id) => `${id}: insecure = true, everything goes there unencrypted`),
    ...paused.map(({ row, stream }) => `${row.destination_id} is paused; nothing of ${stream} leaves to it`),
  ];
}

/** Many sessions missing at once may be an unmounted disk: nothing is changed before somebody has said so (R12). */
function vanishedWarnings({ sessions }: DataDirectory): string[] {
  return (sessions?.sources() ?? []).flatMap(({ label, paused }) =>
    paused
      ? [
          `${paused.vanished} of ${paused.known} sessions are missing in ${label}: nothing was changed here; ` +
            'once they are back it goes on, and if they are gone for good: `syncline replay sessions --from-source --vanished`',
        ]
      : [],
  );
}

/** What a person erased and a destination has not confirmed. */
function erasureWarnings({ erasures }: DataDirectory): string[] {
  return erasures.waiting().map(({ destination, sessions, reason }) => {
    const why = reason === null ? '' : ` (${reason})`;
    const many = sessions === 1 ? '1 session waits' : `${sessions} sessions wait`;
    return `${destination}: the telemetry of ${many} to be erased there${why}; it is asked again by itself`;
  });
}

/** What is full, what that stops, and what to do: the local store never makes room by itself. */
function fullStoreWarning({ store, options }: DataDirectory, rows: readonly DestinationRow[]): string[] {
  const local = rows.find(({ destination_id }) => destination_id === LOCAL_STORE);
  if (local?.circuit === 'closed' || local?.last_error?.code !== 'full') return [];
  const { max_bytes } = options.loaded.config.storage;
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  return [
    `store.db is full: ${megabytes(store.sizeBytes())}, its share of storage.max_bytes = ${megabytes(max_bytes)} (or the disk is). ` +
      'What is captured waits in the journal, and reading stops when that is full, too; nothing is lost. ' +
      'Raise storage.max_bytes, then stop and start Syncline',
  ];
}

/** Claude Code removes transcripts after 30 days by default; ten days before that it is time to say so (R22). */
const BACK_PRESSURE_WARNING_MS = 20 * 86_400_000;

async function backPressureWarning({ engine, sweep, options }: DataDirectory): Promise<string[]> {
  if (!sweep.isFull) return [];
  const read_ms = Math.max(...(await engine.sources('telemetry')).map(({ updated_ms }) => updated_ms));
  const days = Math.floor((options.clock.now_ms() - read_ms) / 86_400_000);
  if (days * 86_400_000 < BACK_PRESSURE_WARNING_MS) return [];
  return [
    `nothing was read for ${days} days because there is no room; agents may delete transcripts that were not read`,
  ];
}

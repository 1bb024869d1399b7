import { join } from 'node:path';
import type { Logger } from 'pino';
import { parseListen } from '../config/fields.ts';
import { Supervisor } from '../engine/supervisor.ts';
import { systemClock } from '../platform/clock.ts';
import { EXIT, LockedError, SynclineError, UsageError, messageOf, type ExitCode } from '../platform/errors.ts';
import { systemRandom } from '../platform/random.ts';
import { systemTimers } from '../platform/timers.ts';
import { programVersion } from '../platform/version.ts';
import { Removals } from '../server/removals.ts';
import { createServer, type SynclineServer } from '../server/server.ts';
import { removeCopies } from '../storage/sqlite/migrations.ts';
import { consolePages } from '../console/pages.ts';
import type { DaemonOptions } from './daemon-options.ts';
import { readDaemonFile, removeDaemonFile, writeDaemonFile, type DaemonFile } from './daemon-file.ts';
import { openDataDirectory, type DataDirectory } from './data-directory.ts';
import { prepareHome } from './home.ts';
import { localOperator } from './local-operator.ts';
import { openLog } from './log.ts';
import { startLoops, type LoopWakeups } from './loops.ts';
import type { Operator } from './operator.ts';
import { rememberRole, scopeOf } from './role.ts';
import { announceSample, firstTranscript, openSample, runningSample, withdrawSample, type Sample } from './sample.ts';
import type { RunningState } from './status-report.ts';
import { tokenVerbs } from './tokens.ts';

/** How long loops may take to end; a request to a destination is aborted at once. */
const STOP_BOUND_MS = 10_000;
const ANSWER_FIRST_MS = 50;
/** A command that opens the directory itself is done with it in less. */
const LOCK_TRIES = 40;
const LOCK_TRY_MS = 250;
/** A command holds the directory for one call; who holds it longer is no command. */
const HELD_TRIES = 12;

/**
 * Runs until the signal aborts or `stop` is asked for; resolves with the exit code after a clean end.
 * @throws LockedError naming the address of a Syncline that runs already; UsageError, UnreachableError when it cannot start.
 */
export async function runDaemon(options: DaemonOptions): Promise<ExitCode> {
  if (options.role !== 'laptop') return runIn(options, false);
  const other = runningSample(options.paths);
  if (other) throw alreadyRunning(other);
  const sample = await openSample(options);
  if (!sample) return runIn(options, false);
  const { exit, made_room } = await showSample(options, sample);
  return made_room ? patiently(() => runIn(options, false), options.signal) : exit;
}

/** Shows the sample until it is stopped, or an agent's first transcript is there; removes it. */
async function showSample(options: DaemonOptions, sample: Sample): Promise<{ exit: ExitCode; made_room: boolean }> {
  const { paths, env } = options;
  const real = new AbortController();
  const ended = new AbortController();
  const signal = AbortSignal.any([options.signal, real.signal]);
  const on_ready: DaemonOptions['on_ready'] = (operator, started) => {
    announceSample(paths, sample);
    options.on_ready(operator, started);
  };
  const looking = firstTranscript(env, AbortSignal.any([options.signal, ended.signal])).then(() => {
    if (!ended.signal.aborted && !options.signal.aborted) real.abort();
  });
  try {
    const exit = await runIn({ ...options, ...sample.options, signal, on_ready }, true);
    return { exit, made_room: real.signal.aborted && !options.signal.aborted };
  } finally {
    ended.abort();
    await looking;
    withdrawSample(paths);
    sample.remove();
  }
}

/** Tries again while another command looks into the directory, which takes it for a moment. */
async function patiently(run: () => Promise<ExitCode>, signal: AbortSignal): Promise<ExitCode> {
  for (let left = LOCK_TRIES; ; left--) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof LockedError) || left === 0 || signal.aborted) throw error;
    }
    await systemTimers.sleep(LOCK_TRY_MS, signal);
  }
}

async function runIn(options: DaemonOptions, sample: boolean): Promise<ExitCode> {
  const { paths } = options;
  prepareHome(paths);
  const log = openLog(paths);
  const directory = await openDirectory(options, log);
  try {
    return await serve(options, directory, log, sample);
  } finally {
    await directory.close();
    log.info('stopped');
  }
}

async function openDirectory(options: DaemonOptions, log: Logger): Promise<DataDirectory> {
  const { paths, loaded, env, role, signal } = options;
  for (let left = HELD_TRIES; ; left--) {
    try {
      return await openDataDirectory({
        paths,
        loaded,
        env,
        ...scopeOf(role, loaded),
        clock: systemClock,
        random: systemRandom,
        timers: systemTimers,
        pid: process.pid,
        // Until then it says that this process ends; whoever comes after writes one of its own.
        before_release: () => removeDaemonFile(paths),
        report: (message, detail = {}) => log.warn(detail, message),
      });
    } catch (error) {
      if (!(error instanceof LockedError)) throw error;
      const running = readDaemonFile(paths, error.pid);
      if (running && running.stopping !== true) throw alreadyRunning(running, error);
      if (left === 0 || signal.aborted) throw error;
    }
    // An agent that remembers something while nothing runs has the directory for a moment.
    await systemTimers.sleep(LOCK_TRY_MS, signal);
  }
}

function alreadyRunning({ pid, url }: DaemonFile, cause?: Error): LockedError {
  return new LockedError(`Syncline is already running, process ${pid}, at ${url}`, pid, {
    hint: '`syncline open` shows it, `syncline stop` ends it.',
    cause,
  });
}

async function serve(
  options: DaemonOptions,
  directory: DataDirectory,
  log: Logger,
  sample: boolean,
): Promise<ExitCode> {
  const { paths, signal } = options;
  const stopping = new AbortController();
  const started_ms = systemClock.now_ms();
  const supervisor = new Supervisor({
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    report: (loop, error) => log.error({ loop, ...named(error) }, 'a loop failed and is started again'),
  });
  const daemon: Daemon = { options, directory, supervisor, log, sample, started_ms, url: null, wakeups: null };
  const operator_token = Buffer.from(systemRandom.bytes(32)).toString('base64url');
  const removals = openRemovals(daemon);
  const { operator, server } = assemble(daemon, { operator_token, removals, stop: () => stopping.abort() });
  supervisor.start({ name: 'scrub what was deleted', run: (until) => removals.run(until) });
  let announced: DaemonFile | null = null;
  try {
    const { url } = await server.start();
    daemon.url = url;
    announced = { pid: process.pid, url, token: operator_token, version: programVersion(), started_ms };
    writeDaemonFile(paths, announced);
    rememberRole(paths, options.role);
    daemon.wakeups = startLoops(supervisor, directory, {
      ...{ capture: directory.options.captures, only: options.only },
    });
    log.info({ url, version: programVersion(), role: options.role }, 'started');
    const over = AbortSignal.any([signal, stopping.signal]);
    options.on_ready(operator, { sample, over });
    await aborted(over);
  } finally {
    if (announced) writeDaemonFile(paths, { ...announced, stopping: true });
    const late = await supervisor.stop(STOP_BOUND_MS);
    if (late.length > 0) log.warn({ loops: late }, 'loops did not end in time');
    await server.stop();
  }
  return EXIT.ok;
}

/** The parts of one running daemon that refer to each other. */
interface Daemon {
  options: DaemonOptions;
  directory: DataDirectory;
  supervisor: Supervisor;
  log: Logger;
  sample: boolean;
  started_ms: number;
  /** Null until it listens. */
  url: string | null;
  wakeups: LoopWakeups | null;
}

/** Server and operator need each other: the one answers with the other's verbs, which hand out the one's links. */
function assemble(
  daemon: Daemon,
  { operator_token, removals, stop }: { operator_token: string; removals: Removals; stop: () => void },
): { operator: Operator; server: SynclineServer } {
  const { directory, log } = daemon;
  const tokens = directory.tokens(operator_token);
  const operator = localOperator(
    directory,
    runningState(daemon),
    {
      tokens: tokenVerbs(tokens, directory.options.team_id),
      openLink: async (page) => ({ url: signInLink(server, daemon, page) }),
      stop: async () => {
        // The answer leaves before the server does.
        void systemTimers.sleep(ANSWER_FIRST_MS).then(stop);
        return { pid: process.pid };
      },
      wake: () => daemon.wakeups?.all(),
    },
    'operator',
  );
  const server = createServer({
    ...listenOptions(daemon.options),
    store: directory.store,
    ...(directory.sessions ? { sessions: directory.sessions.store } : {}),
    ...(directory.memory ? { memory: directory.memory.served } : {}),
    tokens,
    removals,
    record: ({ verb, target, detail }) =>
      directory.engine.recordAction({
        ...{ at_ms: systemClock.now_ms(), actor: 'member', verb, target },
        detail: JSON.stringify(detail),
      }),
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers,
    version: programVersion(),
    operator,
    pages: consolePages(operator, { sample: daemon.sample }),
    onDefect: (error, route) => log.error({ route, ...named(error) }, 'a request met a defect'),
  });
  return { operator, server };
}

/** What members delete leaves the files of this directory, copies of before an upgrade among them. */
function openRemovals({ directory, options, log }: Daemon): Removals {
  const { home } = options.paths;
  return new Removals({
    file: join(home, 'scrub-due'),
    scrub: {
      sessions: async () => {
        await directory.sessions?.store.scrub();
        removeCopies(home);
      },
      telemetry: async () => {
        await directory.scrubTelemetry();
        removeCopies(home);
      },
    },
    clock: systemClock,
    timers: systemTimers,
    report: (store, code) => log.warn({ store, code }, 'what was deleted could not be scrubbed; it is tried again'),
  });
}

function runningState(daemon: Daemon): RunningState {
  return {
    running: true,
    pid: process.pid,
    started_ms: daemon.started_ms,
    url: () => daemon.url,
    loops: () => daemon.supervisor.status(),
  };
}

/** A link that signs a browser in once. */
function signInLink(server: SynclineServer, { url, directory }: Daemon, page: string | null): string {
  if (url === null)
    throw new SynclineError('daemon.starting', 'Syncline is still starting', { hint: 'Try again in a moment.' });
  const { team_id } = directory.options;
  const key = server.issueKey({ token_id: 'operator', team_id, member: 'local', device: 'local' });
  return `${url}/${page ?? ''}?key=${key}`;
}

function listenOptions({
  role,
  loaded,
}: DaemonOptions): Pick<
  Parameters<typeof createServer>[0],
  'host' | 'port' | 'tls' | 'behind_proxy' | 'public_url' | 'limits'
> {
  const { http, server } = loaded.config;
  if (role === 'laptop') return { host: '127.0.0.1', port: http.port };
  const listen = parseListen(server.listen);
  if (!listen)
    throw new UsageError('listen.form', 'server.listen is not an address and port', { field: 'server.listen' });
  const { tls_cert, tls_key, public_url, limits } = server;
  return {
    host: listen.host,
    port: listen.port,
    behind_proxy: server.behind_proxy,
    limits,
    ...(tls_cert !== undefined && tls_key !== undefined ? { tls: { cert_file: tls_cert, key_file: tls_key } } : {}),
    ...(public_url === undefined ? {} : { public_url }),
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

/** What a log line may say of an error. */
function named(error: unknown): { code: string; error: string } {
  return { code: error instanceof SynclineError ? error.code : 'defect', error: messageOf(error) };
}

import type { Environment } from '../config/environment.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { SynclinePaths } from '../config/paths.ts';
import { systemClock } from '../platform/clock.ts';
import { UnreachableError } from '../platform/errors.ts';
import { systemRandom } from '../platform/random.ts';
import { systemTimers } from '../platform/timers.ts';
import { programVersion } from '../platform/version.ts';
import { directoryHolder } from '../storage/sqlite/lock.ts';
import { readDaemonFile, type DaemonFile } from './daemon-file.ts';
import { stillHeld } from './still-held.ts';
import { openDataDirectory, type DataDirectory } from './data-directory.ts';
import { LOCAL_STORE } from './destinations.ts';
import { localOperator } from './local-operator.ts';
import type { Operator } from './operator.ts';
import { remoteOperator } from './remote-operator.ts';
import { roleOf, scopeOf } from './role.ts';
import { runningSample } from './sample.ts';
import { NOT_RUNNING } from './status-report.ts';
import { SERVER_TEAM, tokenVerbs } from './tokens.ts';

/** Five seconds. */
const HELD_TRIES = 20;
const HELD_TRY_MS = 250;

export interface ConnectOptions {
  paths: SynclinePaths;
  loaded: LoadedConfig;
  env: Environment;
  /** Only a running daemon will do. */
  require_daemon: boolean;
}

/**
 * Talks to the running daemon, or opens the data directory itself under the lock.
 * @throws UnreachableError `daemon.not_running` when only a daemon will do and none runs; SynclineError `daemon.stopping`,
 * `daemon.starting` (exit 5) when the directory stays taken; LockedError in a race.
 */
export async function connectOperator(options: ConnectOptions): Promise<Operator & AsyncDisposable> {
  const { paths, loaded, env } = options;
  const daemon = await runningDaemon(paths);
  if (daemon) {
    const own = programVersion();
    if (daemon.version !== own)
      process.stderr.write(`syncline: ${daemon.version} is running and this is ${own}; stop it and start this one\n`);
    return remoteOperator(daemon);
  }
  const sample = runningSample(paths);
  if (options.require_daemon && sample) return remoteOperator(sample);
  if (options.require_daemon)
    throw new UnreachableError('daemon.not_running', 'Syncline is not running', {
      hint: 'Start it with `syncline up` (in a clone: npm start).',
    });
  if (sample)
    process.stderr.write(
      `syncline: process ${sample.pid} shows sample data at ${sample.url}; this is your own, so far\n`,
    );
  const directory = await openDataDirectory({
    paths,
    loaded,
    env,
    clock: systemClock,
    random: systemRandom,
    timers: systemTimers,
    pid: process.pid,
    ...scopeOf(roleOf(paths), loaded),
    report: (message) => process.stderr.write(`syncline: ${message}\n`),
  });
  const tokens = tokenVerbs(directory.tokens(null), SERVER_TEAM);
  const operator = localOperator(
    directory,
    NOT_RUNNING,
    { tokens, openLink: null, stop: null, wake: () => undefined },
    'cli',
  );
  return {
    ...operator,
    importTranscripts: async (query) => {
      const result = await operator.importTranscripts(query);
      await deliverAtHome(directory);
      return result;
    },
    [Symbol.asyncDispose]: () => directory.close(),
  };
}

/**
 * The daemon that holds the directory; null when nobody does. One that starts or ends, and a command that works on the
 * directory, is waited for some seconds.
 * @throws SynclineError `daemon.stopping`, `daemon.starting`, exit 5
 */
async function runningDaemon(paths: SynclinePaths): Promise<DaemonFile | null> {
  for (let left = HELD_TRIES; ; left--) {
    const { held, pid } = directoryHolder(paths.home);
    if (!held) return null;
    const daemon = readDaemonFile(paths, pid);
    if (daemon && daemon.stopping !== true) return daemon;
    if (left === 0) throw stillHeld(paths);
    await systemTimers.sleep(HELD_TRY_MS);
  }
}

/** Without a daemon nobody else would show what was imported; the local store is part of this machine (R1). */
async function deliverAtHome({ deliveries }: DataDirectory): Promise<void> {
  const { signal } = new AbortController();
  const local = deliveries.get(LOCAL_STORE);
  let delivered = true;
  while (local && delivered) {
    const { accepted_items } = await local.pass(signal);
    delivered = accepted_items > 0;
  }
}

/** What the command line needs of `src/runtime`, as an interface, so that every command can be tested without it. */
import type { AgentName } from '../agents/event.ts';
import type { Environment } from '../config/environment.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { SynclinePaths } from '../config/paths.ts';
import type { ExitCode } from '../platform/errors.ts';
import type { Operator, StreamName } from '../runtime/operator.ts';

export interface ConnectOptions {
  paths: SynclinePaths;
  loaded: LoadedConfig;
  env: Environment;
  /** Only a running daemon will do; without one, UnreachableError `daemon.not_running`. */
  require_daemon: boolean;
}

export interface DaemonOptions {
  paths: SynclinePaths;
  loaded: LoadedConfig;
  env: Environment;
  /** `laptop` is `up`, `server` is `server`. */
  role: 'laptop' | 'server';
  only: StreamName | null;
  /** Ends the daemon gracefully. */
  signal: AbortSignal;
  /** Called once when the daemon listens. `sample` is true when it shows sample data because nothing was found. */
  on_ready(operator: Operator, started: { sample: boolean }): void;
}

/** One place where an agent may keep its files, and what was there (R21). */
export interface AgentPlace {
  agent: AgentName;
  path: string;
  because: string;
  exists: boolean;
  /** Null where the place cannot be read. */
  files: number | null;
  problem: string | null;
}

export interface Runtime {
  /** Talks to the running daemon, or opens the data directory itself under the lock. */
  connectOperator(options: ConnectOptions): Promise<Operator & AsyncDisposable>;
  /** Runs until the signal aborts or `stop` is asked for; resolves with the exit code after a clean end. */
  runDaemon(options: DaemonOptions): Promise<ExitCode>;
  /** Looks, reads nothing. */
  agentPlaces(env: Environment): Promise<AgentPlace[]>;
}

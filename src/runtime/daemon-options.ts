import type { Environment } from '../config/environment.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { SynclinePaths } from '../config/paths.ts';
import type { Operator, StreamName } from './operator.ts';

/** What a daemon is started with. */
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

import type { Environment } from '../config/environment.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { SynclinePaths } from '../config/paths.ts';
import type { Operator, StreamName } from './operator.ts';
import type { Role } from './role.ts';

/** What a daemon is started with. */
export interface DaemonOptions {
  paths: SynclinePaths;
  loaded: LoadedConfig;
  env: Environment;
  role: Role;
  only: StreamName | null;
  /** Ends the daemon gracefully. */
  signal: AbortSignal;
  /**
   * Called when the daemon listens. `sample` is true when it shows sample data because nothing was found; it is called
   * again when the first real transcript has come, with another operator. `over` aborts when this one's time is over.
   */
  on_ready(operator: Operator, started: { sample: boolean; over: AbortSignal }): void;
}

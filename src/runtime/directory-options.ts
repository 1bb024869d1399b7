import type { Environment } from '../config/environment.ts';
import type { LoadedConfig } from '../config/load.ts';
import type { SynclinePaths } from '../config/paths.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Timers } from '../platform/timers.ts';

/** What a data directory is for: `laptop` under `up`, `server` under `server`. */
export type Role = 'laptop' | 'server';

/** What opening a data directory needs. */
export interface DirectoryOptions {
  paths: SynclinePaths;
  loaded: LoadedConfig;
  env: Environment;
  clock: Clock;
  random: Random;
  timers: Timers;
  pid: number;
  role: Role;
  /** The team whose data this directory shows: `local` on a laptop. */
  team_id: string;
  /** Whether the files of this machine's agents are read: not on a server, and not where the configuration says no. */
  captures: boolean;
  /** Called with everything closed, right before another process may take the directory. */
  before_release?: () => void;
  /** Told once for each problem that needs no stop; the place where it is logged. */
  report: (message: string, detail?: Record<string, unknown>) => void;
}

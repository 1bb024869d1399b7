import { join } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import type { SynclinePaths } from '../config/paths.ts';
import { LOCAL_TEAM } from '../telemetry/destinations/local-store.ts';
import type { DirectoryOptions, Role } from './directory-options.ts';
import { writeAtomically } from '../platform/write-file.ts';
import { readIfThere } from './home.ts';
import { SERVER_TEAM } from './tokens.ts';

export type { Role };

const fileOf = (paths: SynclinePaths): string => join(paths.home, 'role');

/** Notes under which role the directory was last run, for commands that open it while nothing runs. */
export function rememberRole(paths: SynclinePaths, role: Role): void {
  if (roleOf(paths) !== role) writeAtomically(fileOf(paths), `${role}\n`);
}

/** A directory that nobody ever ran is a laptop's. */
export function roleOf(paths: SynclinePaths): Role {
  return readIfThere(fileOf(paths))?.trim() === 'server' ? 'server' : 'laptop';
}

/** What the role decides: whose data is shown, and whether the files of this machine's agents are read at all. */
export function scopeOf(role: Role, { config }: LoadedConfig): Pick<DirectoryOptions, 'role' | 'team_id' | 'captures'> {
  return role === 'server'
    ? { role, team_id: SERVER_TEAM, captures: false }
    : { role, team_id: LOCAL_TEAM, captures: config.capture.enabled };
}

import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { homeOf } from '../folders.ts';

/** A place where agentsview may keep its database, for the reader and for `doctor` (R21). */
export interface AgentsviewPlace {
  path: string;
  /** What made us look: `setting`, an environment variable's name, or `default`. */
  because: string;
  exists: boolean;
}

/**
 * Where agentsview keeps its database, in the order in which it is looked for (sessions specification, rule A1): what
 * the configuration names, the data directory its own variables name (the second is the older name), its home, and the
 * home it had first. What is named replaces the defaults, whether or not it exists: who moved the data does not want an
 * old copy read in its stead.
 */
export function agentsviewPlaces(
  env: Readonly<Record<string, string | undefined>>,
  setting: string | null = null,
): AgentsviewPlace[] {
  if (setting !== null) return [placeAt(resolve(setting), 'setting')];
  for (const name of ['AGENTSVIEW_DATA_DIR', 'AGENT_VIEWER_DATA_DIR']) {
    const folder = env[name];
    if (folder) return [placeAt(resolve(folder, 'sessions.db'), name)];
  }
  const home = homeOf(env);
  if (home === null) return [];
  return [
    placeAt(join(home, '.agentsview', 'sessions.db'), 'default'),
    placeAt(join(home, '.claude', 'agentsview', 'sessions.db'), 'default'),
  ];
}

/** The first place that holds a file, or null when agentsview was never used here. */
export function agentsviewDatabaseAt(places: readonly AgentsviewPlace[]): string | null {
  return places.find(({ exists }) => exists)?.path ?? null;
}

function placeAt(path: string, because: string): AgentsviewPlace {
  return { path, because, exists: statSync(path, { throwIfNoEntry: false })?.isFile() ?? false };
}

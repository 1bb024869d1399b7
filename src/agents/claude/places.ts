import { join, resolve } from 'node:path';
import { homeOf, placeAt } from '../folders.ts';
import type { Place } from '../source.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where Claude Code keeps its transcripts (§1): `CLAUDE_CONFIG_DIR` moves the whole tree and may be a comma list;
 * without it, `~/.claude` and, for some versions, `~/.config/claude`.
 */
export function claudePlaces(env: Environment): Place[] {
  const home = homeOf(env);
  const named = folderList(env['CLAUDE_CONFIG_DIR'], home);
  if (named.length > 0) return named.map((folder) => placeOf(folder, 'CLAUDE_CONFIG_DIR'));
  if (home === null) return [];
  const xdg = env['XDG_CONFIG_HOME'];
  const config = xdg === undefined || xdg === '' ? join(home, '.config') : xdg;
  return [placeOf(join(home, '.claude'), 'default'), placeOf(join(config, 'claude'), 'default')];
}

function folderList(value: string | undefined, home: string | null): string[] {
  const folders = (value ?? '')
    .split(',')
    .map((folder) => folder.trim())
    .filter((folder) => folder !== '')
    // A shell expands `~` only at the start of the value, so the later ones of a list arrive as written.
    .map((folder) => (home !== null && /^~(?=[/\\]|$)/.test(folder) ? join(home, folder.slice(1)) : resolve(folder)));
  return [...new Set(folders)];
}

function placeOf(folder: string, because: string): Place {
  return placeAt('claude', join(folder, 'projects'), because);
}

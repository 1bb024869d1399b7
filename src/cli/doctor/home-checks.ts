/** The state directory: permissions, lock, spool. */
import { lstatSync, readdirSync, statSync, type Stats } from 'node:fs';
import { join } from 'node:path';
import { directoryHolder } from '../../storage/sqlite/lock.ts';
import { formatBytes } from '../format/bytes.ts';
import { formatItems } from '../format/count.ts';
import { shortPath } from '../screen/short-path.ts';
import { fault, ok, warn, type Check, type Finding } from './check.ts';

/** Directories 0700, files 0600: others on this machine must not read what agents did. */
export const homeCheck: Check = {
  name: 'Home',
  run: ({ paths, user_home }) => {
    const home = statOrNull(paths.home);
    const shown = shortPath(paths.home, user_home);
    if (home === null) return [ok(`${shown} is not there yet`)];
    if (!home.isDirectory()) return [fault(`${shown} is not a directory`, 'Move it away, or use --home DIR.')];
    const open = openToOthers(paths.home, home);
    if (open.length === 0) return [ok(`${shown}, private`)];
    const [first = ''] = open;
    return [
      fault(
        `${formatItems(open.length, 'entry', 'entries')} of ${shown} can be read by others, first ${shortPath(first, user_home)}`,
        `chmod -R go= '${paths.home}'`,
      ),
    ];
  },
};

function openToOthers(path: string, stats: Stats): string[] {
  const own = (stats.mode & 0o077) === 0 ? [] : [path];
  if (!stats.isDirectory()) return own;
  const below = readdirSync(path).flatMap((name) => {
    const entry = join(path, name);
    const entry_stats = statOrNull(entry);
    // Links have no permissions of their own, and a file may go while we look.
    return entry_stats === null || entry_stats.isSymbolicLink() ? [] : openToOthers(entry, entry_stats);
  });
  return [...own, ...below];
}

function statOrNull(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

export const lockCheck: Check = {
  name: 'Lock',
  run: async ({ paths, daemonAnswers }): Promise<Finding[]> => {
    const { held, pid } = directoryHolder(paths.home);
    if (!held) return [ok('free: Syncline is not running')];
    const holder = pid === undefined ? 'a process' : `process ${pid}`;
    if (await daemonAnswers()) return [ok(`held by ${holder}, which answers`)];
    return [
      fault(
        `held by ${holder}, which does not answer`,
        pid === undefined ? 'Wait a moment and look again.' : `Wait a moment and look again; else end it: kill ${pid}`,
      ),
    ];
  },
};

export const spoolCheck: Check = {
  name: 'Spool',
  run: ({ paths, inspection }) => {
    const cap_bytes = inspection.loaded?.config.storage.spool_max_bytes ?? 0;
    const { files, bytes } = sizeOf(paths.spool_dir);
    if (files === 0) return [ok('empty')];
    const found = `${formatBytes(bytes)} in ${formatItems(files, 'file')}`;
    if (cap_bytes > 0 && bytes > cap_bytes * 0.8)
      return [
        warn(
          `${found}: nearly full`,
          'Start Syncline so that it is read: syncline up. Beyond its cap hook events are dropped.',
        ),
      ];
    return [ok(found)];
  },
};

function sizeOf(directory: string): { files: number; bytes: number } {
  if (statOrNull(directory) === null) return { files: 0, bytes: 0 };
  const sizes = readdirSync(directory).map(
    (name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0,
  );
  return { files: sizes.length, bytes: sizes.reduce((sum, size) => sum + size, 0) };
}

/** The machine: Node, SQLite, operating system, disk, clock. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { formatBytes } from '../format/bytes.ts';
import { formatDuration } from '../format/duration.ts';
import { fault, ok, warn, type Check } from './check.ts';

/** Below this even the databases' own clean-up may fail: a full disk makes SQLite unable to free space. */
const LEAST_FREE_BYTES = 200_000_000;
const COMFORTABLE_FREE_BYTES = 2_000_000_000;
const CLOCK_TOLERANCE_MS = 5 * 60_000;

export const nodeCheck: Check = {
  name: 'Node',
  run: ({ node_version }) => {
    const major = Number(node_version.split('.')[0]);
    return [major >= 24 ? ok(node_version) : fault(`${node_version} is too old`, 'Install Node 24 or newer.')];
  },
};

/** Releases before 3.51.3 may damage a database whose write-ahead log is reset by two processes at once. */
export const sqliteCheck: Check = {
  name: 'SQLite',
  run: ({ sqlite_version }) => {
    const [major = 0, minor = 0, patch = 0] = sqlite_version.split('.').map(Number);
    const recent = major * 1_000_000 + minor * 1_000 + patch >= 3_051_003;
    return [
      recent
        ? ok(sqlite_version)
        : fault(`${sqlite_version} may damage databases`, 'Install a newer Node 24: it brings its own SQLite.'),
    ];
  },
};

export const platformCheck: Check = {
  name: 'System',
  run: ({ platform }) =>
    platform === 'win32'
      ? [warn('Windows, natively: untested', 'Use WSL.')]
      : [ok(platform === 'darwin' ? 'macOS' : platform === 'linux' ? 'Linux' : platform)],
};

export const diskCheck: Check = {
  name: 'Disk',
  run: ({ free_bytes }) => {
    const free = free_bytes();
    const found = `${formatBytes(free)} free`;
    if (free < LEAST_FREE_BYTES) return [fault(found, 'Make room: below 200 MB reading stops.')];
    if (free < COMFORTABLE_FREE_BYTES) return [warn(found, 'Make room, or set storage.max_bytes lower.')];
    return [ok(found)];
  },
};

/** A clock that was set back makes times of deliveries and reports wrong, though nothing is lost by it. */
export const clockCheck: Check = {
  name: 'Clock',
  run: ({ now_ms, paths }) => {
    if (now_ms < Date.UTC(2026, 0, 1)) return [fault('stands before this program was made', 'Set the clock.')];
    const ahead_ms = newestFile(paths.home) - now_ms;
    if (ahead_ms > CLOCK_TOLERANCE_MS)
      return [
        warn(`stands ${formatDuration(ahead_ms)} before the newest file of Syncline`, 'Check date and time zone.'),
      ];
    return [ok(new Date(now_ms).toISOString())];
  },
};

function newestFile(home: string): number {
  try {
    return Math.max(0, ...readdirSync(home).map((name) => statSync(join(home, name)).mtimeMs));
  } catch {
    // No home yet, or a file that went in between: then there is nothing to compare with.
    return 0;
  }
}

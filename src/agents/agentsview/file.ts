import { statSync, type BigIntStats } from 'node:fs';
import { UnreachableError } from '../../platform/errors.ts';

/**
 * Which file a path names now. Files are only ever looked at by `stat`, never opened beside SQLite: closing any other
 * descriptor of a file drops all of this process's locks on it (POSIX), and SQLite's read lock would be gone unseen.
 */
export interface FileIdentity {
  /** Decimal, since inodes may exceed 2^53. */
  device: string;
  inode: string;
}

/** How a file looked from outside. Equal marks, both settled: nobody has written since. */
export interface FileMark extends FileIdentity {
  size: string;
  mtime_ns: string;
  /** Of `-wal`, where agentsview's commits go first; null when there is none or it is empty. */
  wal: { inode: string; size: string; mtime_ns: string } | null;
  /**
   * False when something was written so shortly before the look that a further write could bear the same time. Such a
   * mark proves nothing ("racily clean" in git's words).
   */
  settled: boolean;
}

/** Coarser than the clock of any file system in use: ext4 and APFS tick in milliseconds, FAT in 2 seconds. */
const SETTLED_AFTER_MS = 2_000;

/** @throws UnreachableError `agentsview.missing` when the path names no file (also for the moment of a swap). */
export function fileIdentity(path: string): FileIdentity {
  return identityOf(requireFile(path));
}

export function sameFile(a: FileIdentity, b: FileIdentity): boolean {
  return a.device === b.device && a.inode === b.inode;
}

/**
 * The file and its `-wal` as they look now. Take it before reading, keep it with what was read, and compare before the
 * next round: a round with nothing new costs two `stat` calls, whatever the size of the database.
 * @throws UnreachableError `agentsview.missing`
 */
export function fileMark(path: string, now_ms: number): FileMark {
  // The WAL first: a checkpoint between the two looks shows as a change of the database, not as none.
  const wal = statSync(`${path}-wal`, { bigint: true, throwIfNoEntry: false });
  const file = requireFile(path);
  const newest_ns = wal && wal.mtimeNs > file.mtimeNs ? wal.mtimeNs : file.mtimeNs;
  return {
    ...identityOf(file),
    size: String(file.size),
    mtime_ns: String(file.mtimeNs),
    // An empty WAL is what any reader leaves when nobody writes, us included.
    wal:
      wal && wal.size > 0n ? { inode: String(wal.ino), size: String(wal.size), mtime_ns: String(wal.mtimeNs) } : null,
    settled: newest_ns / 1_000_000n < BigInt(Math.trunc(now_ms)) - BigInt(SETTLED_AFTER_MS),
  };
}

/** True when nobody can have written between the two looks. */
export function isUnchanged(before: FileMark, now: FileMark): boolean {
  return (
    before.settled &&
    sameFile(before, now) &&
    before.size === now.size &&
    before.mtime_ns === now.mtime_ns &&
    before.wal?.inode === now.wal?.inode &&
    before.wal?.size === now.wal?.size &&
    before.wal?.mtime_ns === now.wal?.mtime_ns
  );
}

function identityOf(stats: BigIntStats): FileIdentity {
  return { device: String(stats.dev), inode: String(stats.ino) };
}

function requireFile(path: string): BigIntStats {
  let stats: BigIntStats | undefined;
  try {
    stats = statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch (error) {
    throw new UnreachableError('agentsview.unreadable', "The folder of agentsview's database cannot be read.", {
      hint: 'Give this user the right to read it, or name another file.',
      cause: error,
    });
  }
  if (stats?.isFile()) return stats;
  throw new UnreachableError('agentsview.missing', "agentsview's database is not there.", {
    hint: 'Start agentsview once, or name its file; what was read before stays.',
  });
}

import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { LockedError } from '../../platform/errors.ts';

/** The hold on a data directory. */
export interface DirectoryLock {
  release(): void;
}

/** Connections that hold a lock. Without it a caller that drops the lock object would lose the lock to the garbage collector. */
const held = new Set<DatabaseSync>();

/**
 * Takes the data directory for this process (design §5 rule 10). The lock is an exclusive SQLite transaction on
 * `lock.db`: the system frees it when the process ends in whatever way, so there is no stale lock to clear, which a
 * process-id file would need. The id in `lock.pid` only names the holder, in messages and to tell its `daemon.json` from one that was left behind. The lock is a POSIX one: nothing in this
 * process may open and close `lock.db` other than through SQLite, since that would drop it.
 * @throws LockedError with the holder's process id.
 */
export function lockDirectory(directory: string, pid: number): DirectoryLock {
  // A look by `directoryHolder` shares the lock for an instant; that must not refuse a start.
  const connection = new DatabaseSync(join(directory, 'lock.db'), { timeout: 250 });
  const pid_file = join(directory, 'lock.pid');
  try {
    connection.exec('PRAGMA journal_mode=DELETE; BEGIN EXCLUSIVE');
  } catch (error) {
    connection.close();
    const holder = holderOf(pid_file);
    throw new LockedError(
      `The data directory is in use${holder === undefined ? '' : ` by process ${holder}`}`,
      holder,
      {
        hint: 'Use `syncline status` to see it, `syncline stop` to end it, or --home for another directory.',
        cause: error,
      },
    );
  }
  held.add(connection);
  writeFileSync(pid_file, `${pid}\n`, { mode: 0o600 });
  return {
    release: () => {
      rmSync(pid_file, { force: true });
      connection.exec('ROLLBACK');
      connection.close();
      held.delete(connection);
    },
  };
}

/** Process id in the file, when somebody holds the lock now. */
function holderOf(pid_file: string): number | undefined {
  try {
    const pid = Number(readFileSync(pid_file, 'utf8').trim());
    return Number.isInteger(pid) && pid > 0 ? pid : undefined;
  } catch {
    // No file: the holder has not written it yet. The lock itself is what counts.
    return undefined;
  }
}

/** Whether a process holds the directory now, and which. Takes nothing. */
export function directoryHolder(directory: string): { held: boolean; pid: number | undefined } {
  try {
    const connection = new DatabaseSync(join(directory, 'lock.db'), { timeout: 0, readOnly: true });
    try {
      connection.exec('BEGIN; SELECT count(*) FROM sqlite_master');
      return { held: false, pid: undefined };
    } finally {
      connection.close();
    }
  } catch (error) {
    // "unable to open" (14) means there is no lock file and so no holder; "locked"/"busy" (5) means there is one.
    if ((error as { errcode?: number }).errcode === 14) return { held: false, pid: undefined };
    return { held: true, pid: holderOf(join(directory, 'lock.pid')) };
  }
}

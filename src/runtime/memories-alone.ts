/** The memories of a data directory that nobody holds, opened without the rest of it. */
import type { MemoryAccess } from '../memory/memory-access.ts';
import { systemClock } from '../platform/clock.ts';
import { LockedError } from '../platform/errors.ts';
import { systemRandom } from '../platform/random.ts';
import { systemTimers } from '../platform/timers.ts';
import { lockDirectory } from '../storage/sqlite/lock.ts';
import type { ConnectOptions } from './connect.ts';
import { prepareHome } from './home.ts';
import { notKept } from './memory-verbs.ts';
import { openMemory } from './open-memory.ts';
import { roleOf, scopeOf } from './role.ts';

/** Opens them under the directory's lock. Null: somebody else has it. @throws SynclineError `memory.off` */
export async function openMemoriesAlone({
  paths,
  loaded,
  env,
}: Omit<ConnectOptions, 'require_daemon'>): Promise<(MemoryAccess & AsyncDisposable) | null> {
  process.umask(0o077);
  prepareHome(paths);
  const lock = lockOf(paths.home);
  if (!lock) return null;
  try {
    const memory = await openMemory({
      ...{ paths, loaded, env, clock: systemClock, random: systemRandom, timers: systemTimers, pid: process.pid },
      ...scopeOf(roleOf(paths), loaded),
      report: (message) => process.stderr.write(`syncline: ${message}\n`),
    });
    if (!memory) throw notKept();
    return {
      ...memory.access,
      [Symbol.asyncDispose]: async () => {
        await memory.close();
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function lockOf(home: string): ReturnType<typeof lockDirectory> | null {
  try {
    return lockDirectory(home, process.pid);
  } catch (error) {
    if (error instanceof LockedError) return null;
    throw error;
  }
}

/** Memories for a command: the running Syncline's, or those of the data directory, opened for a moment and without the rest of it. */
import type { MemoryAccess } from '../memory/memory-access.ts';
import { systemTimers } from '../platform/timers.ts';
import { directoryHolder } from '../storage/sqlite/lock.ts';
import { stillHeld } from './still-held.ts';
import type { ConnectOptions } from './connect.ts';
import { readDaemonFile } from './daemon-file.ts';
import { memoriesOf } from './memory-verbs.ts';
import { remoteOperator } from './remote-operator.ts';

/** Another command holds the directory for a moment only; a daemon that starts says soon where it listens. */
const TRIES = 40;
const TRY_MS = 125;

export type ConnectedMemories = MemoryAccess & AsyncDisposable;
export type MemoryConnectOptions = Omit<ConnectOptions, 'require_daemon'>;

/**
 * Asks the running Syncline, else opens `memory.db` itself under the directory's lock; waits some seconds for a directory
 * that somebody else has just taken.
 * @throws SynclineError `memory.off`; `daemon.stopping`, `daemon.starting` (exit 5) when it is still taken
 */
export async function connectMemories(options: MemoryConnectOptions): Promise<ConnectedMemories> {
  for (let left = TRIES; ; left--) {
    const found = (await running(options)) ?? (await openAlone(options));
    if (found) return found;
    if (left === 0) throw stillHeld(options.paths);
    await systemTimers.sleep(TRY_MS);
  }
}

/** Null: nobody holds the directory, or whoever does has not said where it listens. */
async function running({ paths }: MemoryConnectOptions): Promise<ConnectedMemories | null> {
  const { held, pid } = directoryHolder(paths.home);
  const daemon = held ? readDaemonFile(paths, pid) : null;
  if (!daemon || daemon.stopping === true) return null;
  const operator = remoteOperator(daemon);
  return { ...memoriesOf(operator), [Symbol.asyncDispose]: () => operator[Symbol.asyncDispose]() };
}

/** Loaded when it is needed: most calls find a running Syncline, and a store is the larger part of a start. */
async function openAlone(options: MemoryConnectOptions): Promise<ConnectedMemories | null> {
  return (await import('./memories-alone.ts')).openMemoriesAlone(options);
}

import type { SynclinePaths } from '../config/paths.ts';
import { EXIT, SynclineError } from '../platform/errors.ts';
import { directoryHolder } from '../storage/sqlite/lock.ts';
import { readDaemonFile } from './daemon-file.ts';

/** Why a command cannot go on: who has the directory, and what that one does with it. Exit 5. */
export function stillHeld(paths: Pick<SynclinePaths, 'home'>): SynclineError {
  const { pid } = directoryHolder(paths.home);
  const who = pid === undefined ? 'Another process' : `Process ${pid}`;
  if (readDaemonFile(paths, pid)?.stopping === true)
    return new SynclineError('daemon.stopping', `Syncline is stopping (${who.toLowerCase()}), and has not ended yet`, {
      hint: 'Try again in a moment. What it has not delivered stays.',
      exit: EXIT.locked,
    });
  return new SynclineError(
    'daemon.starting',
    `${who} works on the data directory: a Syncline that is starting, or another command`,
    { hint: 'Try again in a moment.', exit: EXIT.locked },
  );
}

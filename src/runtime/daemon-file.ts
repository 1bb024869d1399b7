import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { SynclinePaths } from '../config/paths.ts';
import { SynclineError } from '../platform/errors.ts';
import { writeAtomically } from '../platform/write-file.ts';
import { readIfThere } from './home.ts';

/** How other commands of this user reach the running daemon. */
const daemonFile = z.object({
  pid: z.int().positive(),
  url: z.url(),
  /** Bearer token of the operator; made anew at every start, so that it dies with the daemon. */
  token: z.string().min(1),
  version: z.string(),
  started_ms: z.int(),
  /** It ends: nothing listens there any more. */
  stopping: z.boolean().optional(),
});

export type DaemonFile = z.infer<typeof daemonFile>;

const pathOf = (paths: Pick<SynclinePaths, 'home'>): string => join(paths.home, 'daemon.json');

export function writeDaemonFile(paths: SynclinePaths, daemon: DaemonFile): void {
  writeAtomically(pathOf(paths), `${JSON.stringify(daemon)}\n`);
}

export function removeDaemonFile(paths: SynclinePaths): void {
  rmSync(pathOf(paths), { force: true });
}

/**
 * The address of the daemon that holds the directory as process `holder`; null when it has not said yet where it listens.
 * A file that another process left behind (`kill -9` leaves one) tells nothing about the holder.
 * @throws SynclineError `daemon.file` when it is damaged.
 */
export function readDaemonFile(paths: Pick<SynclinePaths, 'home'>, holder: number | undefined): DaemonFile | null {
  const text = readIfThere(pathOf(paths));
  if (text === null) return null;
  try {
    const daemon = daemonFile.parse(JSON.parse(text));
    return daemon.pid === holder ? daemon : null;
  } catch (cause) {
    throw new SynclineError('daemon.file', 'daemon.json in the state directory is damaged', {
      hint: 'End the process that `syncline doctor` names and start Syncline again.',
      cause,
    });
  }
}

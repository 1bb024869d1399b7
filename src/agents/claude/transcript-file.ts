import { constants, type BigIntStats } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { SynclineError } from '../../platform/errors.ts';

/**
 * Runs `use` on the transcript at `path`, opened read-only. A symbolic link put in its place is not followed, and a pipe
 * cannot make us wait.
 *
 * @throws SynclineError `agents.transcript_gone` when there is no such file (agents delete their history, R12),
 *   `agents.transcript_unreadable` when it is there and cannot be read. Neither names the path.
 */
export async function withTranscript<T>(
  path: string,
  use: (handle: FileHandle, stat: BigIntStats) => Promise<T>,
): Promise<T> {
  const { handle, stat } = await openTranscript(path);
  try {
    return await use(handle, stat);
  } catch (error) {
    throw transcriptFailure(error);
  } finally {
    await handle.close();
  }
}

/** The transcript at `path`, to be closed by the caller. Throws as `withTranscript` does. */
export async function openTranscript(path: string): Promise<{ handle: FileHandle; stat: BigIntStats }> {
  try {
    const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = await handle.stat({ bigint: true });
      if (stat.isFile()) return { handle, stat };
      throw unreadable('it is not a regular file');
    } catch (error) {
      await handle.close();
      throw error;
    }
  } catch (error) {
    throw transcriptFailure(error);
  }
}

/** A failure of the file system on a transcript as one of ours; anything else is given back as it is. */
export function transcriptFailure(error: unknown): unknown {
  // An aborted read has a code, too, but a number: it is no failure of the file.
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : null;
  if (error instanceof SynclineError || code === null) return error;
  if (code === 'ENOENT' || code === 'ENOTDIR') {
    return new SynclineError('agents.transcript_gone', 'A transcript is no longer there.', {
      hint: 'Agents delete their own history; what was read of it is kept.',
    });
  }
  // ELOOP is what O_NOFOLLOW answers for a symbolic link.
  return unreadable(code === 'ELOOP' ? 'it is a symbolic link' : code);
}

function unreadable(reason: string): SynclineError {
  return new SynclineError('agents.transcript_unreadable', `A transcript cannot be read: ${reason}.`, {
    hint: 'Run `syncline doctor`, which lists the files concerned.',
  });
}

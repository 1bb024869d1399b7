import { Wakeup } from '../engine/wakeup.ts';
import type { DirectoryOptions } from './directory-options.ts';
import type { MemoryDirectory } from './open-memory.ts';

/**
 * From time to time until the signal aborts: archives what has expired (readers do not see it from that moment on), and decides what
 * got enough votes only when members exchanged theirs.
 */
export async function tendMemories(
  { memories }: MemoryDirectory,
  { loaded, timers }: DirectoryOptions,
  signal: AbortSignal,
): Promise<void> {
  const clock = new Wakeup();
  while (!signal.aborted) {
    let more = true;
    while (more && !signal.aborted) {
      const [archived, settled] = [await memories.archiveExpired(), await memories.settleVotes()];
      more = archived.more || settled.more;
    }
    await clock.wait(loaded.config.memory.archive_every, timers, signal);
  }
}

import { open } from 'node:fs/promises';
import { listSpool, readSpool, type SpoolFile } from './spool.ts';

const LINE_BREAK = 0x0a;

/**
 * Takes what hooks told of sessions out of the spool (R11), by the hashes that hooks name them by. The lines are
 * overwritten with line breaks where they stand: readers pass over those, and the offsets that they committed stay
 * true. Throws what the file system throws.
 */
export async function eraseSpooled(spool_dir: string, sessions: ReadonlySet<string>, now_ms: number): Promise<number> {
  let erased = 0;
  for (const file of await listSpool(spool_dir))
    try {
      erased += await eraseIn(file, sessions, now_ms);
    } catch (error) {
      // Taken in and removed since it was listed.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    }
  return erased;
}

async function eraseIn(file: SpoolFile, sessions: ReadonlySet<string>, now_ms: number): Promise<number> {
  let erased = 0;
  // Hooks append meanwhile; what is written at a place of its own is not in their way.
  await using handle = await open(file.path, 'r+');
  let offset = 0;
  for (let more = true; more;) {
    const step = await readSpool(file, offset, now_ms);
    for (const { offset: at, bytes, record } of step.records) {
      if (record.session === null || !sessions.has(record.session)) continue;
      await handle.write(Buffer.alloc(bytes, LINE_BREAK), 0, bytes, at);
      erased++;
    }
    more = step.more && step.next_offset > offset;
    offset = step.next_offset;
  }
  if (erased > 0) await handle.datasync();
  return erased;
}

import { addCounters } from '../counters.ts';
import type { Transaction } from '../database.ts';
import { releaseErased } from './letters.ts';

/** Sets the payloads of a key's entries to null; a dead letter lets its key go on. */
export async function eraseKey(
  tx: Transaction,
  stream: string,
  key: string,
): Promise<{ entries: number; dead_letters: number }> {
  const entries = await tx.run(
    `UPDATE syncline.entry SET payload = NULL WHERE key = $1 AND payload IS NOT NULL
       AND partition_id IN (SELECT partition_id FROM syncline.partition WHERE stream = $2)`,
    key,
    stream,
  );
  const dead_letters = await releaseErased(tx, 'd.key = $1 AND d.stream = $2', key, stream);
  await addCounters(tx, [{ name: 'entries_erased', label: 'erase', by: entries }]);
  return { entries, dead_letters };
}

import type { Database } from '../../../storage/sqlite/database.ts';
import { addCounters } from '../counters.ts';
import { scrub } from '../erasure.ts';
import { releaseErased } from './letters.ts';

/** Sets the payloads of keys' entries to null and leaves no byte of them; a dead letter lets its key go on. */
export function eraseKey(
  db: Database,
  stream: string,
  keys: string | readonly string[],
): { entries: number; dead_letters: number } {
  const result = { entries: 0, dead_letters: 0 };
  for (const key of typeof keys === 'string' ? [keys] : keys) {
    const { entries, dead_letters } = db.transaction(() => eraseOne(db, stream, key));
    result.entries += entries;
    result.dead_letters += dead_letters;
  }
  scrub(db);
  return result;
}

function eraseOne(db: Database, stream: string, key: string): { entries: number; dead_letters: number } {
  const entries = db.run(
    `UPDATE entry SET payload = NULL WHERE key = ? AND payload IS NOT NULL
       AND partition_id IN (SELECT partition_id FROM partition WHERE stream = ?)`,
    key,
    stream,
  );
  const dead_letters = releaseErased(db, 'd.key = ? AND d.stream = ?', key, stream);
  addCounters(db, [{ name: 'entries_erased', label: 'erase', by: entries }]);
  return { entries, dead_letters };
}

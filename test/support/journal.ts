import { systemClock } from '../../src/platform/clock.ts';
import { systemRandom } from '../../src/platform/random.ts';
import { openSqliteStore } from '../../src/engine/sqlite/store.ts';
import type { DeadLetter, Partition, PartitionProgress } from '../../src/engine/store.ts';
import { Database } from '../../src/storage/sqlite/database.ts';

export interface JournalState {
  /** Broken invariants, a sentence each. */
  broken: string[];
  partitions: Partition[];
  progress: PartitionProgress[];
  dead_letters: DeadLetter[];
  counters: Record<string, Record<string, number>>;
}

/** The journal of a machine on which nothing runs. */
export async function readJournal(engine_db: string): Promise<JournalState> {
  const store = openSqliteStore(new Database(engine_db), {
    clock: systemClock,
    random: systemRandom,
    cap_bytes: 1024 ** 3,
  });
  try {
    return {
      broken: await store.verify(),
      partitions: await store.partitions(),
      progress: await store.progress(),
      dead_letters: await store.deadLetters({}),
      counters: await store.counters(),
    };
  } finally {
    await store.close();
  }
}

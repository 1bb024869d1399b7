import type { Database } from '../../../storage/sqlite/database.ts';
import type { KeyedStore } from '../../keyed/store.ts';
import { claim, nextDue, proceed, proceedAll, releaseExpired } from './claim.ts';
import { eraseKey } from './erasure.ts';
import { entriesOf, keyedProgress, waitingKeys } from './progress.ts';
import { beginBackfill, enqueueAll, touch } from './raise.ts';
import { settleTasks } from './settle.ts';
import { decide } from './subscriptions.ts';

/** The keyed half of the store on one SQLite file. */
export function keyedStore(db: Database, newId: () => string): KeyedStore {
  return {
    touch: async (touches, now_ms) => touch(db, touches, now_ms),
    enqueueAll: async (step) => enqueueAll(db, step),
    beginBackfill: async (destination_id) => beginBackfill(db, destination_id),
    decide: async (destination_id, accepts) => decide(db, destination_id, accepts),
    claim: async (request) => claim(db, request),
    proceed: async (task, writes) => proceed(db, task, writes ?? []),
    proceedAll: async (tasks, rows) => proceedAll(db, tasks, rows ?? []),
    settle: async (settlements) => settleTasks(db, settlements, newId),
    releaseExpired: async (destination_id, owner, now_ms) => releaseExpired(db, destination_id, owner, now_ms),
    nextDue: async (destination_id, now_ms) => nextDue(db, destination_id, now_ms),
    progress: async () => keyedProgress(db),
    waiting: async (destination_id, now_ms, limit) => waitingKeys(db, destination_id, now_ms, limit),
    entriesOf: async (key, partition_id, after, limit) => entriesOf(db, key, partition_id, after, limit),
    eraseKey: async (stream, key) => eraseKey(db, stream, key),
  };
}

import type { KeyedStore } from '../../keyed/store.ts';
import type { EngineDatabase } from '../database.ts';
import { eachThenScrub } from '../erasure.ts';
import type { RowWriters } from '../row-writers.ts';
import { claim } from './claim.ts';
import { eraseKey } from './erasure.ts';
import { proceed, proceedAll } from './proceed.ts';
import { entriesOf, keyedProgress, waitingKeys } from './progress.ts';
import { beginBackfill, enqueueAll, touch } from './raise.ts';
import { nextDue, releaseExpired } from './release.ts';
import { settleTasks } from './settle.ts';
import { decide } from './subscriptions.ts';
import type { LeaseTime } from './time.ts';

export interface KeyedParts {
  db: EngineDatabase;
  writers: RowWriters;
  newId: () => string;
  lease_time: LeaseTime;
}

/** The keyed half of the store on PostgreSQL. */
export function keyedStore({ db, writers, newId, lease_time }: KeyedParts): KeyedStore {
  return {
    touch: (touches, now_ms) => db.transaction((tx) => touch(tx, touches, now_ms)),
    enqueueAll: (step) => db.transaction((tx) => enqueueAll(tx, step)),
    beginBackfill: (destination_id) => db.statement((tx) => beginBackfill(tx, destination_id)),
    decide: (destination_id, accepts) => decide(db, destination_id, accepts),
    claim: (request) => claim(db, request, lease_time),
    proceed: (task, writes) => proceed(db, task, writes ?? []),
    proceedAll: (tasks, rows) => proceedAll(db, writers, tasks, rows ?? []),
    settle: (settlements) => settleTasks({ db, writers, newId }, settlements),
    releaseExpired: (destination_id, owner, now_ms) =>
      db.statement((tx) => releaseExpired(tx, destination_id, owner, now_ms, lease_time)),
    nextDue: (destination_id, now_ms) => db.statement((tx) => nextDue(tx, destination_id, now_ms)),
    progress: () => db.snapshot(keyedProgress),
    waiting: (destination_id, now_ms, limit) => db.statement((tx) => waitingKeys(tx, destination_id, now_ms, limit)),
    entriesOf: (key, partition_id, after, limit) =>
      db.statement((tx) => entriesOf(tx, key, partition_id, after, limit)),
    eraseKey: (stream, keys) => eachThenScrub(db, keys, (tx, key) => eraseKey(tx, stream, key)),
  };
}

import type { TaskRef } from '../../keyed/store.ts';
import type { DestinationState } from '../../ordered/states.ts';
import type { FlowWrite, RowWrite } from '../../transaction.ts';
import type { EngineDatabase, Transaction } from '../database.ts';
import { applyFlowWrites } from '../flow-writes.ts';
import { maySend } from '../plan.ts';
import type { RowWriters } from '../row-writers.ts';
import { lockClaims } from './claimed-row.ts';
import { StaleKeys, withoutStale } from './stale-keys.ts';

/** Places of claims that are the newest, of destinations that may be sent to; nobody ends them before the commit. */
async function valid(tx: Transaction, refs: readonly TaskRef[]): Promise<Set<number>> {
  const claims = await lockClaims(tx, refs);
  const rows = await tx.all<{ destination_id: string; state: DestinationState }>(
    'SELECT destination_id, state FROM syncline.destination WHERE destination_id = ANY ($1::text[])',
    [...new Set(refs.map(({ destination_id }) => destination_id))],
  );
  const states = new Map(rows.map(({ destination_id, state }) => [destination_id, state]));
  return new Set(
    [...claims].flatMap(([place, { destination_id }]) => (maySend(states.get(destination_id)) ? [place] : [])),
  );
}

/** True while the claim is the newest and the destination may be sent to; then the flow's writes commit. */
export function proceed(db: EngineDatabase, task: TaskRef, writes: readonly FlowWrite[]): Promise<boolean> {
  return db.transaction(async (tx) => {
    if ((await valid(tx, [task])).size === 0) return false;
    await applyFlowWrites(tx, writes);
    return true;
  });
}

/** The same for many claims: one statement, and one for each writer of rows. */
export async function proceedAll(
  db: EngineDatabase,
  writers: RowWriters,
  tasks: readonly TaskRef[],
  rows: readonly (readonly RowWrite[])[],
): Promise<boolean[]> {
  if (tasks.length === 0) return [];
  for (const some of rows) writers.require(some);
  const asked = tasks.map((task, i) => ({ task, rows: rows[i] ?? [] }));
  return withoutStale(
    asked,
    () => false,
    (left) =>
      db.transaction(async (tx) => {
        const places = await valid(
          tx,
          left.map(({ task }) => task),
        );
        const keys = left
          .map(({ task, rows: own }, place) => ({ place, key: task.key, rows: own }))
          .filter(({ place }) => places.has(place))
          .sort((a, b) => (a.key < b.key ? -1 : 1));
        const stale = await writers.write(tx, keys);
        if (stale.size > 0) throw new StaleKeys(stale);
        return left.map((_, place) => places.has(place));
      }),
  );
}

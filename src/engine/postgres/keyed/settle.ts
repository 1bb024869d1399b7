import { StaleError, invariant } from '../../../platform/errors.ts';
import { nextTaskState } from '../../keyed/states.ts';
import { LONGEST_DELAY_MS, type TaskRef, type TaskSettlement, type TaskSettlementResult } from '../../keyed/store.ts';
import type { CounterChange } from '../../transaction.ts';
import { answered, moveCircuit } from '../circuit.ts';
import { addCounters } from '../counters.ts';
import type { EngineDatabase, Transaction } from '../database.ts';
import { applyFlowWrites } from '../flow-writes.ts';
import type { RowWriters } from '../row-writers.ts';
import { recordAcceptance } from './acceptance.ts';
import { lockClaims, moved, type ClaimedRow } from './claimed-row.ts';
import { acceptedFence, holdGroup } from './groups.ts';
import { holdKey } from './letters.ts';
import { StaleKeys, withoutStale } from './stale-keys.ts';

interface Settler {
  db: EngineDatabase;
  writers: RowWriters;
  newId: () => string;
}

/** A settlement whose claim is the newest. */
interface Settling {
  place: number;
  settlement: TaskSettlement;
  task: ClaimedRow;
}

type Of<K extends TaskSettlement['kind']> = Extract<TaskSettlement, { kind: K }>;

/**
 * Ends attempts in one transaction with a few statements, whatever their number, where all is well. A key of which a row
 * or a write is stale is left out, and the others are settled without it.
 */
export async function settleTasks(
  settler: Settler,
  settlements: readonly TaskSettlement[],
): Promise<TaskSettlementResult[]> {
  requireOnce(settlements);
  for (const { rows = [] } of settlements) settler.writers.require(rows);
  return withoutStale(
    settlements,
    () => ({ outcome: 'stale', dead_letter: false }),
    (left) => settler.db.transaction((tx) => settleAll(tx, settler, left)),
  );
}

/** An attempt ends once; twice in one call is a defect of the caller. */
function requireOnce(refs: readonly TaskRef[]): void {
  const keys = new Set(refs.map(({ destination_id, key }) => `${destination_id}\n${key}`));
  invariant(keys.size === refs.length, 'a key is settled once in one call');
}

async function settleAll(
  tx: Transaction,
  settler: Settler,
  settlements: readonly TaskSettlement[],
): Promise<TaskSettlementResult[]> {
  const claims = await lockClaims(tx, settlements);
  const settling = settlements.flatMap((settlement, place) => {
    const task = claims.get(place);
    return task ? [{ place, settlement, task }] : [];
  });
  if (settling.length > 0) await writeOfFlow(tx, settler, settling);
  const dead_letters = new Set<number>();
  for (const one of settling)
    if (one.settlement.kind !== 'done' && (await endOne(tx, one, settler.newId))) dead_letters.add(one.place);
  await endDone(tx, settling);
  return settlements.map((_, place) => ({
    outcome: claims.has(place) ? 'settled' : 'void',
    dead_letter: dead_letters.has(place),
  }));
}

/** @throws StaleKeys */
async function writeOfFlow(tx: Transaction, { writers }: Settler, settling: readonly Settling[]): Promise<void> {
  const in_order = settling.toSorted((a, b) => (a.task.key < b.task.key ? -1 : 1));
  const stale = await writers.write(
    tx,
    in_order.map(({ place, settlement }) => ({ place, rows: settlement.rows ?? [] })),
  );
  if (stale.size > 0) throw new StaleKeys(stale);
  for (const { place, settlement } of settling)
    try {
      await applyFlowWrites(tx, settlement.writes ?? []);
    } catch (error) {
      throw error instanceof StaleError ? new StaleKeys(new Set([place])) : error;
    }
}

/** True when a dead letter came of it. */
async function endOne(tx: Transaction, { task, settlement }: Settling, newId: () => string): Promise<boolean> {
  const { now_ms } = settlement;
  switch (settlement.kind) {
    case 'done':
      return false;
    case 'later':
      await putBack(tx, task, settlement.due_ms, now_ms);
      return false;
    case 'deferred':
      await deferred(tx, task, settlement);
      return false;
    case 'group_held':
      await answered(tx, task);
      await holdGroup(tx, task, settlement.refusal, settlement.until_ms, now_ms);
      // Its group alone decides when it goes on.
      await putBack(tx, task, 0, now_ms);
      return false;
    case 'refused':
      return refused(tx, task, settlement, newId);
    case 'dead_letter':
      await answered(tx, task);
      await holdKey(tx, task, settlement.refusal, now_ms, newId);
      return true;
  }
}

async function deferred(tx: Transaction, task: ClaimedRow, settlement: Of<'deferred'>): Promise<void> {
  const { now_ms, until_ms, refusal } = settlement;
  if (settlement.suspicious)
    await tx.run(
      `UPDATE syncline.task SET failures = failures + 1, failed_fence = fence,
         refused_fence = coalesce(refused_fence, fence) WHERE destination_id = $1 AND key = $2`,
      task.destination_id,
      task.key,
    );
  await putBack(tx, task, settlement.due_ms, now_ms);
  await moveCircuit(tx, task.destination_id, 'failed', { fence: task.fence, until_ms, refusal, now_ms });
}

/**
 * The key was refused. When its attempts are used up it is bad if a neighbour passed since the first refusal, or if an
 * operator tried it again; else, while none passed, the whole group may be refused, and is held (K6).
 */
async function refused(
  tx: Transaction,
  task: ClaimedRow,
  settlement: Of<'refused'>,
  newId: () => string,
): Promise<boolean> {
  const { now_ms, refusal, group_until_ms, suspicious } = settlement;
  await answered(tx, task);
  const refused_fence = task.refused_fence ?? task.fence;
  const neighbour_passed = (await acceptedFence(tx, task)) > refused_fence;
  const used_up = (suspicious ? task.failures : task.attempts) + 1 >= settlement.most_attempts;
  if (used_up && (neighbour_passed || task.dead_letter_id !== null)) {
    await holdKey(tx, task, refusal, now_ms, newId);
    return true;
  }
  await tx.run(
    `UPDATE syncline.task SET attempts = attempts + $1, failures = failures + $2,
       failed_fence = CASE WHEN $2 = 1 THEN fence ELSE failed_fence END, refused_fence = $3
     WHERE destination_id = $4 AND key = $5`,
    suspicious ? 0 : 1,
    suspicious ? 1 : 0,
    refused_fence,
    task.destination_id,
    task.key,
  );
  if (!neighbour_passed && group_until_ms !== null) await holdGroup(tx, task, refusal, group_until_ms, now_ms);
  await putBack(tx, task, settlement.due_ms, now_ms);
  return false;
}

async function putBack(tx: Transaction, task: ClaimedRow, due_ms: number, now_ms: number): Promise<void> {
  await tx.run(
    `UPDATE syncline.task SET ${moved('again')}, due_ms = $1 WHERE destination_id = $2 AND key = $3`,
    Math.min(due_ms, now_ms + LONGEST_DELAY_MS),
    task.destination_id,
    task.key,
  );
}

/** The other side has what these claims stood for; what came since makes a key ready again (K1). */
async function endDone(tx: Transaction, settling: readonly Settling[]): Promise<void> {
  const done = settling.flatMap(({ settlement, task }) => (settlement.kind === 'done' ? [{ settlement, task }] : []));
  const changes: CounterChange[] = settling.flatMap(({ settlement }) => settlement.counters ?? []);
  for (const [destination_id, ones] of Map.groupBy(done, ({ task }) => task.destination_id)) {
    await removeOrReady(tx, destination_id, ones);
    const sent = ones.filter(({ settlement }) => settlement.sent);
    // After the other endings of the call: what was accepted speaks about what was refused.
    if (sent.length > 0) await recordAcceptance(tx, destination_id, sent);
    const bytes = sent.reduce((total, { settlement }) => total + settlement.bytes, 0);
    changes.push(
      { name: 'keys_unchanged', label: destination_id, by: ones.length - sent.length },
      { name: 'items_accepted', label: destination_id, by: sent.length },
      { name: 'bytes_sent', label: destination_id, by: bytes },
    );
  }
  await addCounters(tx, changes);
}

async function removeOrReady(
  tx: Transaction,
  destination_id: string,
  ones: readonly { settlement: Of<'done'>; task: ClaimedRow }[],
): Promise<void> {
  nextTaskState('claimed', 'done');
  const gone = ones.filter(({ task }) => task.wanted === task.claimed);
  if (gone.length > 0)
    await tx.run(
      'DELETE FROM syncline.task WHERE destination_id = $1 AND key = ANY ($2::text[])',
      destination_id,
      gone.map(({ task }) => task.key),
    );
  const newer = ones.filter(({ task }) => task.wanted > task.claimed);
  if (newer.length > 0)
    await tx.run(
      `UPDATE syncline.task t SET ${moved('done_newer')}, attempts = 0, failures = 0, refused_fence = NULL,
         failed_fence = NULL, dead_letter_id = NULL, since_ms = g.now_ms
       FROM unnest($2::text[], $3::bigint[]) AS g (key, now_ms) WHERE t.destination_id = $1 AND t.key = g.key`,
      destination_id,
      newer.map(({ task }) => task.key),
      newer.map(({ settlement }) => settlement.now_ms),
    );
}

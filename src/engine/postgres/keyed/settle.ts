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
  const removed = await removeDone(tx, settlements);
  const claims = await lockRest(tx, settlements, removed);
  const settling = settlements.flatMap((settlement, place) => {
    const task = claims.get(place);
    return task ? [{ place, settlement, task }] : [];
  });
  const is_valid = (place: number): boolean => removed.places.has(place) || claims.has(place);
  await writeOfFlow(tx, settler, settlements, is_valid);
  const dead_letters = new Set<number>();
  for (const one of settling)
    if (one.settlement.kind !== 'done' && (await endOne(tx, one, settler.newId))) dead_letters.add(one.place);
  await makeReady(tx, settling);
  await account(tx, settlements, settling, removed);
  return settlements.map((_, place) => ({
    outcome: is_valid(place) ? 'settled' : 'void',
    dead_letter: dead_letters.has(place),
  }));
}

/** Tasks that were settled and are gone: their places, and of each destination and group the highest fence that was sent. */
interface Removed {
  places: ReadonlySet<number>;
  fences: ReadonlyMap<string, Map<string, number>>;
}

/**
 * The usual end of all: one statement removes the tasks of claims that are the newest, and that nothing came after. It goes
 * through them in the order of keys, as `raiseTasks` does.
 */
const REMOVE = `
  WITH given AS (
    SELECT * FROM unnest($2::text[], $3::bigint[], $4::boolean[], $5::integer[]) AS g (key, fence, sent, place)),
  gone AS (
    DELETE FROM syncline.task t USING given g
    WHERE t.destination_id = $1 AND t.key = g.key AND t.fence = g.fence AND t.state = 'claimed' AND t.wanted = t.claimed
    RETURNING g.place, g.sent, t.key_group, t.fence)
  SELECT NULL::integer AS place, key_group, max(fence) FILTER (WHERE sent) AS fence, count(*) AS tasks FROM gone GROUP BY key_group
  UNION ALL
  SELECT place, NULL, NULL, 0 FROM given
  WHERE (SELECT count(*) FROM gone) < $6::integer AND place NOT IN (SELECT place FROM gone)`;

async function removeDone(tx: Transaction, settlements: readonly TaskSettlement[]): Promise<Removed> {
  nextTaskState('claimed', 'done');
  const places = new Set<number>();
  const fences = new Map<string, Map<string, number>>();
  const done = settlements.flatMap((settlement, place) => (settlement.kind === 'done' ? [{ settlement, place }] : []));
  const groups = Map.groupBy(done, ({ settlement }) => settlement.destination_id);
  for (const [destination_id, some] of [...groups].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const ones = some.toSorted((a, b) => (a.settlement.key < b.settlement.key ? -1 : 1));
    const rows = await tx.all<{ place: number | null; key_group: string; fence: number | null }>(
      REMOVE,
      destination_id,
      ones.map(({ settlement }) => settlement.key),
      ones.map(({ settlement }) => settlement.fence),
      ones.map(({ settlement }) => settlement.sent),
      ones.map(({ place }) => place),
      ones.length,
    );
    for (const { place } of ones) places.add(place);
    const highest = new Map<string, number>();
    for (const { place, key_group, fence } of rows)
      if (place !== null) places.delete(place);
      else if (fence !== null) highest.set(key_group, fence);
    fences.set(destination_id, highest);
  }
  return { places, fences };
}

/** The claims that are the newest among the others: refused, put back, or with something newer. */
async function lockRest(
  tx: Transaction,
  settlements: readonly TaskSettlement[],
  { places }: Removed,
): Promise<Map<number, ClaimedRow>> {
  const rest = settlements
    .map((settlement, place) => ({ settlement, place }))
    .filter(({ place }) => !places.has(place));
  if (rest.length === 0) return new Map();
  const claims = await lockClaims(
    tx,
    rest.map(({ settlement }) => settlement),
  );
  return new Map([...claims].map(([i, row]) => [rest[i]?.place ?? -1, row]));
}

/** @throws StaleKeys */
async function writeOfFlow(
  tx: Transaction,
  { writers }: Settler,
  settlements: readonly TaskSettlement[],
  is_valid: (place: number) => boolean,
): Promise<void> {
  const valid = settlements.map((settlement, place) => ({ settlement, place })).filter(({ place }) => is_valid(place));
  const with_rows = valid.filter(({ settlement }) => (settlement.rows?.length ?? 0) > 0);
  const stale = await writers.write(
    tx,
    with_rows
      .sort((a, b) => (a.settlement.key < b.settlement.key ? -1 : 1))
      .map(({ place, settlement }) => ({ place, rows: settlement.rows ?? [] })),
  );
  if (stale.size > 0) throw new StaleKeys(stale);
  for (const { place, settlement } of valid)
    try {
      if (settlement.writes) await applyFlowWrites(tx, settlement.writes);
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

/** The other side has what these claims stood for, and something came since: they are ready again (K1). */
async function makeReady(tx: Transaction, settling: readonly Settling[]): Promise<void> {
  const done = settling.filter(({ settlement }) => settlement.kind === 'done');
  // Nothing came since, and yet it was not removed: a change was about to commit, and was rolled back.
  const gone = done.filter(({ task }) => task.wanted === task.claimed);
  const newer = done.filter(({ task }) => task.wanted > task.claimed);
  if (gone.length > 0)
    await tx.run(
      `DELETE FROM syncline.task t USING unnest($1::text[], $2::text[]) AS g (destination_id, key)
       WHERE t.destination_id = g.destination_id AND t.key = g.key`,
      gone.map(({ task }) => task.destination_id),
      gone.map(({ task }) => task.key),
    );
  if (newer.length > 0)
    await tx.run(
      `UPDATE syncline.task t SET ${moved('done_newer')}, attempts = 0, failures = 0, refused_fence = NULL,
         failed_fence = NULL, dead_letter_id = NULL, since_ms = g.now_ms
       FROM unnest($1::text[], $2::text[], $3::bigint[]) AS g (destination_id, key, now_ms)
       WHERE t.destination_id = g.destination_id AND t.key = g.key`,
      newer.map(({ task }) => task.destination_id),
      newer.map(({ task }) => task.key),
      newer.map(({ settlement }) => settlement.now_ms),
    );
}

/** Counts what was settled, and notes what that says about destination and groups; after the other endings of the call. */
async function account(
  tx: Transaction,
  settlements: readonly TaskSettlement[],
  settling: readonly Settling[],
  removed: Removed,
): Promise<void> {
  const fences = new Map([...removed.fences].map(([id, groups]) => [id, new Map(groups)]));
  for (const { task, settlement } of settling)
    if (settlement.kind === 'done' && settlement.sent) {
      const groups = fences.get(task.destination_id) ?? new Map<string, number>();
      fences.set(
        task.destination_id,
        groups.set(task.key_group, Math.max(task.fence, groups.get(task.key_group) ?? 0)),
      );
    }
  const valid = new Set([...removed.places, ...settling.map(({ place }) => place)]);
  const changes: CounterChange[] = [];
  let now_ms = 0;
  for (const [place, settlement] of settlements.entries()) {
    if (!valid.has(place)) continue;
    now_ms = Math.max(now_ms, settlement.now_ms);
    if (settlement.counters) changes.push(...settlement.counters);
    if (settlement.kind === 'done') changes.push(...countersOf(settlement));
  }
  for (const [destination_id, groups] of fences)
    if (groups.size > 0) await recordAcceptance(tx, destination_id, groups, now_ms);
  await addCounters(tx, changes);
}

function countersOf({ destination_id: label, sent, bytes }: Of<'done'>): CounterChange[] {
  if (!sent) return [{ name: 'keys_unchanged', label, by: 1 }];
  return [
    { name: 'items_accepted', label, by: 1 },
    { name: 'bytes_sent', label, by: bytes },
  ];
}

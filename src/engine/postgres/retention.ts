import { invariant } from '../../platform/errors.ts';
import { TRANSACTION_LIMITS, type DeliveryKind, type RetainRequest } from '../store.ts';
import { endBatch, moveAcked } from './batches.ts';
import { addCounters } from './counters.ts';
import type { Transaction } from './database.ts';
import { sizeOfRange } from './entries.ts';
import { withdrawRemoved } from './keyed/subscriptions.ts';
import { lockPartition } from './partitions.ts';
import { unsettled } from './plan.ts';
import { usedBytes } from './room.ts';

/** Ended batches and closed dead letters are kept this long, so that `status` and support can see what was sent. */
const ENDED_KEPT_MS = 30 * 86_400_000;

/** What is looked at and removed of one partition. */
interface Range {
  partition_id: number;
  first_offset: number;
  delivery: DeliveryKind;
}

interface Bound extends Range {
  last_offset: number;
  /** Lowest acknowledged offset of the required destinations; null = none is required here. */
  settled: number | null;
  /** A required destination has not said yet whether it takes the partition. */
  undecided: boolean;
}

/**
 * One bounded step of retention (design §5 rule 7): removes entries up to the lowest offset that every required
 * destination has settled, by age, or whatever their age while the journal is above its target; then, if it still is, the
 * record of what was sent. Best-effort destinations lose what goes; that is counted, and their open batches over it are
 * abandoned.
 */
export async function retain(
  tx: Transaction,
  request: RetainRequest,
  newId: () => string,
): Promise<{ removed: number; dropped: number; more: boolean }> {
  await forgetEnded(tx, request.now_ms - ENDED_KEPT_MS);
  const withdrawn = (await withdrawRemoved(tx)) > 0;
  const over = request.target_bytes !== null && (await usedBytes(tx)) > request.target_bytes;
  const age = over ? null : request;
  for (const candidate of await bounds(tx, null)) {
    if (candidate.undecided || (await lastRemovable(tx, candidate, settledOf(candidate), age)) === null) continue;
    // Once more under its lock: another worker may be at it.
    await lockPartition(tx, candidate.partition_id);
    const [bound] = await bounds(tx, candidate.partition_id);
    if (!bound || bound.undecided) continue;
    const last = await lastRemovable(tx, bound, settledOf(bound), age);
    if (last === null) continue;
    const { removed, dropped } = await removeUpTo(tx, bound, last, request.now_ms, newId);
    return { removed, dropped, more: true };
  }
  // Nothing is left to remove but the record of what was sent; a full journal stops capture, so that goes too.
  return { removed: 0, dropped: 0, more: withdrawn || (over && (await forgetEnded(tx, request.now_ms)) > 0) };
}

const settledOf = (bound: Bound): number => Math.min(bound.settled ?? bound.last_offset, bound.last_offset);

/** One bounded step: removes entries up to an offset that are old enough, whatever destinations there are. */
export async function trim(
  tx: Transaction,
  { partition_id, through, ...age }: { partition_id: number; through: number; before_ms: number; now_ms: number },
  newId: () => string,
): Promise<{ removed: number; more: boolean }> {
  const partition = await lockPartition(tx, partition_id);
  const until = Math.min(through, partition.last_offset);
  if (until < partition.first_offset) return { removed: 0, more: false };
  const last = await lastRemovable(tx, partition, until, age);
  if (last === null) return { removed: 0, more: false };
  const { removed } = await removeUpTo(tx, partition, last, age.now_ms, newId);
  return { removed, more: removed === TRANSACTION_LIMITS.max_rows };
}

/** Returns how many rows went; at most a thousand of each kind. */
async function forgetEnded(tx: Transaction, before_ms: number): Promise<number> {
  const batches = await tx.run(
    `DELETE FROM syncline.batch WHERE batch_id IN (
       SELECT batch_id FROM syncline.batch WHERE ended_ms < $1 LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
    before_ms,
  );
  const letters = await tx.run(
    `DELETE FROM syncline.dead_letter WHERE dead_letter_id IN (
       SELECT dead_letter_id FROM syncline.dead_letter d WHERE state <> 'open' AND at_ms < $1
         AND NOT EXISTS (SELECT 1 FROM syncline.batch b
                         WHERE b.retry_of = d.dead_letter_id AND b.state IN ('open', 'suspect'))
       LIMIT 1000 FOR UPDATE SKIP LOCKED)`,
    before_ms,
  );
  return batches + letters;
}

/** Partitions that hold entries, those with the oldest first; or one of them. */
function bounds(tx: Transaction, partition_id: number | null): Promise<Bound[]> {
  return tx.all<Bound>(
    `SELECT p.partition_id, p.first_offset, p.last_offset, p.delivery,
            (SELECT min(g.acked_offset) FROM syncline.progress g JOIN syncline.destination d USING (destination_id)
             WHERE g.partition_id = p.partition_id AND d.required AND d.state <> 'removed'
               AND g.accepts IS NOT FALSE) AS settled,
            p.delivery = 'ordered' AND EXISTS (
              SELECT 1 FROM syncline.destination d WHERE d.stream = p.stream AND d.required AND d.state <> 'removed'
                AND NOT EXISTS (SELECT 1 FROM syncline.progress g
                                WHERE g.destination_id = d.destination_id AND g.partition_id = p.partition_id)) AS undecided
     FROM syncline.partition p WHERE p.first_offset <= p.last_offset AND ($1::bigint IS NULL OR p.partition_id = $1)
     ORDER BY (SELECT observed_ms FROM syncline.entry e
               WHERE e.partition_id = p.partition_id AND e."offset" = p.first_offset), p.partition_id`,
    partition_id,
  );
}

/**
 * Highest offset of the first thousand that may go, up to the first entry too young; null when even the first may not.
 * An entry from the future was observed before the clock stepped back, and must not keep all behind it for ever.
 */
async function lastRemovable(
  tx: Transaction,
  bound: Range,
  until: number,
  age: { before_ms: number; now_ms: number } | null,
): Promise<number | null> {
  const rows = await tx.all<{ offset: number; observed_ms: number; needed: boolean }>(
    `SELECT e."offset", e.observed_ms, ${bound.delivery === 'keyed' ? NEEDED : 'false'} AS needed FROM syncline.entry e
     WHERE e.partition_id = $1 AND e."offset" BETWEEN $2 AND $3 ORDER BY e."offset" LIMIT $4`,
    bound.partition_id,
    bound.first_offset,
    until,
    TRANSACTION_LIMITS.max_rows,
  );
  const young = (observed_ms: number): boolean =>
    age !== null && observed_ms >= age.before_ms && observed_ms <= age.now_ms;
  const kept = rows.findIndex((row) => row.needed || young(row.observed_ms));
  return (kept === -1 ? rows.at(-1) : rows[kept - 1])?.offset ?? null;
}

/**
 * An entry of a keyed partition is needed while its key has a task at a required destination (K9). A mere notice of a
 * key that a dead letter holds is not: the retry reads the newest state.
 */
const NEEDED = `EXISTS (
  SELECT 1 FROM syncline.destination d JOIN syncline.task t ON t.destination_id = d.destination_id AND t.key = e.key
  WHERE d.stream = (SELECT stream FROM syncline.partition p WHERE p.partition_id = e.partition_id)
    AND d.required AND d.state <> 'removed' AND (t.state <> 'held' OR e.payload IS NOT NULL))`;

/** The caller has locked the partition. */
export async function removeUpTo(
  tx: Transaction,
  bound: Range,
  last: number,
  now_ms: number,
  newId: () => string,
): Promise<{ removed: number; dropped: number }> {
  const { bytes } = await sizeOfRange(tx, bound.partition_id, bound.first_offset, last);
  const removed = await tx.run(
    `DELETE FROM syncline.entry WHERE partition_id = $1 AND "offset" BETWEEN $2 AND $3`,
    bound.partition_id,
    bound.first_offset,
    last,
  );
  invariant(removed === last - bound.first_offset + 1, 'offsets of a partition are dense');
  await tx.run(
    'UPDATE syncline.partition SET first_offset = $1, bytes = bytes - $2 WHERE partition_id = $3',
    last + 1,
    bytes,
    bound.partition_id,
  );
  // A keyed destination loses nothing: its task stays, and the sender reads the newest state.
  if (bound.delivery === 'keyed') return { removed, dropped: 0 };
  return { removed, dropped: await leaveBehind(tx, bound.partition_id, bound.first_offset, last, now_ms, newId) };
}

/** Moves destinations that are not waited for past what was removed, counting what they never got. */
export async function leaveBehind(
  tx: Transaction,
  partition_id: number,
  first: number,
  last: number,
  now_ms: number,
  newId: () => string,
): Promise<number> {
  // A destination that was not asked yet loses them too, if it would have taken the partition.
  await tx.run(
    `INSERT INTO syncline.progress (destination_id, partition_id, planned_offset, acked_offset)
     SELECT d.destination_id, p.partition_id, $2, $2 FROM syncline.partition p JOIN syncline.destination d USING (stream)
     WHERE p.partition_id = $1 AND d.state <> 'removed' ORDER BY d.destination_id ON CONFLICT DO NOTHING`,
    partition_id,
    first - 1,
  );
  const late = await tx.all<{ destination_id: string; planned_offset: number; accepts: boolean | null }>(
    `SELECT destination_id, planned_offset, accepts FROM syncline.progress
     WHERE partition_id = $1 AND acked_offset < $2 ORDER BY destination_id FOR NO KEY UPDATE`,
    partition_id,
    last,
  );
  let dropped = 0;
  for (const { destination_id, planned_offset, accepts } of late) {
    const place = { destination_id, partition_id };
    const lost = (await abandonUpTo(tx, place, last, now_ms, newId)) + Math.max(0, last - planned_offset);
    await tx.run(
      `UPDATE syncline.progress SET planned_offset = greatest(planned_offset, $1::bigint),
         dropped_before = dropped_before + $2 WHERE destination_id = $3 AND partition_id = $4`,
      last,
      accepts === null ? lost : 0,
      destination_id,
      partition_id,
    );
    await moveAcked(tx, place);
    // What a destination does not take is no loss to it.
    if (accepts !== true) continue;
    await addCounters(tx, [{ name: 'items_dropped_by_retention', label: destination_id, by: lost }]);
    dropped += lost;
  }
  return dropped;
}

/**
 * Abandons open batches over the removed range; what one holds beyond it goes on under a new key. Returns how many
 * items were given up.
 */
async function abandonUpTo(
  tx: Transaction,
  place: { destination_id: string; partition_id: number },
  last: number,
  now_ms: number,
  newId: () => string,
): Promise<number> {
  let given_up = 0;
  for (const batch of await unsettled(tx, place)) {
    if (batch.first_offset > last || batch.retry_of !== null) continue;
    await endBatch(tx, batch, 'drop', now_ms);
    given_up += Math.min(batch.last_offset, last) - batch.first_offset + 1;
    if (batch.last_offset <= last) continue;
    const rest = await sizeOfRange(tx, place.partition_id, last + 1, batch.last_offset);
    await tx.run(
      `INSERT INTO syncline.batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state,
         parent, refused_fence, failures, first_failed_fence, failed_fence)
       SELECT $1, destination_id, partition_id, $2, last_offset, $3, $4, 'open', batch_id,
         refused_fence, failures, first_failed_fence, failed_fence
       FROM syncline.batch WHERE batch_id = $5`,
      newId(),
      last + 1,
      rest.items,
      rest.bytes,
      batch.batch_id,
    );
  }
  return given_up;
}

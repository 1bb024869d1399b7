import type { Database } from '../../storage/sqlite/database.ts';
import { TRANSACTION_LIMITS, type DeliveryKind, type RetainRequest } from '../store.ts';
import { invariant } from '../../platform/errors.ts';
import { OFFSET_BITS } from './entry-id.ts';
import { addCounters } from './counters.ts';
import { withdrawRemoved } from './keyed/subscriptions.ts';
import { unsettled } from './plan.ts';
import { partitionById } from './partitions.ts';
import { endBatch, moveAcked, sizeOfRange } from './batches.ts';

/** Ended batches and closed dead letters are kept this long, so that `status` and support can see what was sent. */
const ENDED_KEPT_MS = 30 * 86_400_000;

/** What is looked at and removed of one partition. */
type Range = Pick<Bound, 'partition_id' | 'first_offset' | 'delivery'>;

interface Bound {
  partition_id: number;
  first_offset: number;
  last_offset: number;
  /** Lowest acknowledged offset of the required destinations; null = none is required here. */
  settled: number | null;
  /** A required destination has not said yet whether it takes the partition. */
  undecided: 0 | 1;
  delivery: DeliveryKind;
}

/**
 * One bounded step of retention (design §5 rule 7): removes entries up to the lowest offset that every required
 * destination has settled, by age, or whatever their age while the file is above its target; then, if it still is, the
 * record of what was sent. Best-effort destinations
 * lose what goes; that is counted, and their open batches over it are abandoned.
 */
export function retain(
  db: Database,
  request: RetainRequest,
  newId: () => string,
): { removed: number; dropped: number; more: boolean } {
  return db.transaction(() => {
    forgetEnded(db, request.now_ms - ENDED_KEPT_MS);
    const withdrawn = withdrawRemoved(db) > 0;
    const over = request.target_bytes !== null && db.usedBytes() > request.target_bytes;
    for (const bound of bounds(db)) {
      if (bound.undecided) continue;
      const until = Math.min(bound.settled ?? bound.last_offset, bound.last_offset);
      const last = lastRemovable(db, bound, until, over ? null : request);
      if (last === null) continue;
      const { removed, dropped } = removeUpTo(db, bound, last, request.now_ms, newId);
      return { removed, dropped, more: true };
    }
    // Nothing is left to remove but the record of what was sent; a full journal stops capture, so that goes too.
    return { removed: 0, dropped: 0, more: withdrawn || (over && forgetEnded(db, request.now_ms) > 0) };
  });
}

/** One bounded step: removes entries up to an offset that are old enough, whatever destinations there are. */
export function trim(
  db: Database,
  bounds: { partition_id: number; through: number; before_ms: number; now_ms: number },
  newId: () => string,
): { removed: number; more: boolean } {
  return db.transaction(() => {
    const partition = partitionById(db, bounds.partition_id);
    const through = Math.min(bounds.through, partition.last_offset);
    if (through < partition.first_offset) return { removed: 0, more: false };
    const last = lastRemovable(db, partition, through, bounds);
    if (last === null) return { removed: 0, more: false };
    const { removed } = removeUpTo(db, partition, last, bounds.now_ms, newId);
    return { removed, more: removed === TRANSACTION_LIMITS.max_rows };
  });
}

/** Returns how many rows went; at most a thousand of each kind. */
function forgetEnded(db: Database, before_ms: number): number {
  const batches = db.run(
    'DELETE FROM batch WHERE rowid IN (SELECT rowid FROM batch WHERE ended_ms < ? LIMIT 1000)',
    before_ms,
  );
  const letters = db.run(
    `DELETE FROM dead_letter WHERE rowid IN (
       SELECT rowid FROM dead_letter d WHERE state <> 'open' AND at_ms < ?
         AND NOT EXISTS (SELECT 1 FROM batch b WHERE b.retry_of = d.dead_letter_id AND b.state IN ('open', 'suspect'))
       LIMIT 1000)`,
    before_ms,
  );
  return batches + letters;
}

/** Partitions that hold entries, those with the oldest first. */
function bounds(db: Database): Bound[] {
  return db.all<Bound>(
    `SELECT p.partition_id, p.first_offset, p.last_offset, p.delivery,
            (SELECT min(g.acked_offset) FROM progress g JOIN destination d USING (destination_id)
             WHERE g.partition_id = p.partition_id AND d.required = 1 AND d.state <> 'removed' AND g.accepts IS NOT 0) AS settled,
            p.delivery = 'ordered' AND EXISTS (SELECT 1 FROM destination d WHERE d.stream = p.stream AND d.required = 1 AND d.state <> 'removed'
                    AND NOT EXISTS (SELECT 1 FROM progress g
                                    WHERE g.destination_id = d.destination_id AND g.partition_id = p.partition_id)) AS undecided
     FROM partition p WHERE p.first_offset <= p.last_offset
     ORDER BY (SELECT observed_ms FROM entry WHERE entry_id = (p.partition_id << ${OFFSET_BITS}) | p.first_offset)`,
  );
}

/**
 * Highest offset of the first thousand that may go, up to the first entry too young; null when even the first may not.
 * An entry from the future was observed before the clock stepped back, and must not keep all behind it for ever.
 */
function lastRemovable(
  db: Database,
  bound: Range,
  until: number,
  age: { before_ms: number; now_ms: number } | null,
): number | null {
  const rows = db.all<{ offset: number; observed_ms: number; needed: 0 | 1 }>(
    `SELECT offset, observed_ms, ${bound.delivery === 'keyed' ? NEEDED : '0'} AS needed FROM entry e
     WHERE e.entry_id BETWEEN ((?1 << ${OFFSET_BITS}) | ?2) AND ((?1 << ${OFFSET_BITS}) | ?3) ORDER BY entry_id LIMIT ?4`,
    bound.partition_id,
    bound.first_offset,
    until,
    TRANSACTION_LIMITS.max_rows,
  );
  const young = (observed_ms: number): boolean =>
    age !== null && observed_ms >= age.before_ms && observed_ms <= age.now_ms;
  const kept = rows.findIndex((row) => row.needed === 1 || young(row.observed_ms));
  return (kept === -1 ? rows.at(-1) : rows[kept - 1])?.offset ?? null;
}

/**
 * An entry of a keyed partition is needed while its key has a task at a required destination (K9). A mere notice of a
 * key that a dead letter holds is not: the retry reads the newest state.
 */
const NEEDED = `EXISTS (
  SELECT 1 FROM destination d CROSS JOIN task t
  WHERE d.stream = (SELECT stream FROM partition p WHERE p.partition_id = e.partition_id)
    AND d.required = 1 AND d.state <> 'removed'
    AND t.destination_id = d.destination_id AND t.key = e.key AND (t.state <> 'held' OR e.payload IS NOT NULL))`;

export function removeUpTo(
  db: Database,
  bound: Range,
  last: number,
  now_ms: number,
  newId: () => string,
): { removed: number; dropped: number } {
  const { bytes } = sizeOfRange(db, bound.partition_id, bound.first_offset, last);
  const removed = db.run(
    `DELETE FROM entry WHERE entry_id BETWEEN ((?1 << ${OFFSET_BITS}) | ?2) AND ((?1 << ${OFFSET_BITS}) | ?3)`,
    bound.partition_id,
    bound.first_offset,
    last,
  );
  invariant(removed === last - bound.first_offset + 1, 'offsets of a partition are dense');
  db.run(
    'UPDATE partition SET first_offset = ?, bytes = bytes - ? WHERE partition_id = ?',
    last + 1,
    bytes,
    bound.partition_id,
  );
  // A keyed destination loses nothing: its task stays, and the sender reads the newest state.
  if (bound.delivery === 'keyed') return { removed, dropped: 0 };
  return { removed, dropped: leaveBehind(db, bound.partition_id, bound.first_offset, last, now_ms, newId) };
}

/** Moves destinations that are not waited for past what was removed, counting what they never got. */
export function leaveBehind(
  db: Database,
  partition_id: number,
  first: number,
  last: number,
  now_ms: number,
  newId: () => string,
): number {
  // A destination that was not asked yet loses them too, if it would have taken the partition.
  db.run(
    `INSERT INTO progress (destination_id, partition_id, planned_offset, acked_offset)
     SELECT d.destination_id, p.partition_id, ?2, ?2 FROM partition p JOIN destination d USING (stream)
     WHERE p.partition_id = ?1 AND d.state <> 'removed' ON CONFLICT DO NOTHING`,
    partition_id,
    first - 1,
  );
  const late = db.all<{ destination_id: string; planned_offset: number; accepts: 0 | 1 | null }>(
    'SELECT destination_id, planned_offset, accepts FROM progress WHERE partition_id = ? AND acked_offset < ?',
    partition_id,
    last,
  );
  let dropped = 0;
  for (const { destination_id, planned_offset, accepts } of late) {
    const place = { destination_id, partition_id };
    const lost = abandonUpTo(db, place, last, now_ms, newId) + Math.max(0, last - planned_offset);
    db.run(
      'UPDATE progress SET planned_offset = max(planned_offset, ?) WHERE destination_id = ? AND partition_id = ?',
      last,
      destination_id,
      partition_id,
    );
    moveAcked(db, place);
    // What a destination does not take is no loss to it.
    if (accepts === 0) continue;
    if (accepts === null) {
      db.run(
        'UPDATE progress SET dropped_before = dropped_before + ? WHERE destination_id = ? AND partition_id = ?',
        lost,
        destination_id,
        partition_id,
      );
      continue;
    }
    addCounters(db, [{ name: 'items_dropped_by_retention', label: destination_id, by: lost }]);
    dropped += lost;
  }
  return dropped;
}

/**
 * Abandons open batches over the removed range; what one holds beyond it goes on under a new key. Returns how many
 * items were given up.
 */
function abandonUpTo(
  db: Database,
  place: { destination_id: string; partition_id: number },
  last: number,
  now_ms: number,
  newId: () => string,
): number {
  let given_up = 0;
  for (const batch of unsettled(db, place)) {
    if (batch.first_offset > last || batch.retry_of !== null) continue;
    endBatch(db, batch, 'drop', now_ms);
    given_up += Math.min(batch.last_offset, last) - batch.first_offset + 1;
    if (batch.last_offset <= last) continue;
    const rest = sizeOfRange(db, place.partition_id, last + 1, batch.last_offset);
    db.run(
      `INSERT INTO batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state, parent,
         refused_fence, failures, first_failed_fence, failed_fence)
       SELECT ?, destination_id, partition_id, ?, last_offset, ?, ?, 'open', batch_id,
         refused_fence, failures, first_failed_fence, failed_fence
       FROM batch WHERE batch_id = ?`,
      newId(),
      last + 1,
      rest.items,
      rest.bytes,
      batch.batch_id,
    );
  }
  return given_up;
}

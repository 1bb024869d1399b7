import type { Database } from '../../storage/sqlite/database.ts';
import { TRANSACTION_LIMITS, type RetainRequest } from '../store.ts';
import { OFFSET_BITS, forgetSubjects } from './append.ts';
import { addCounters } from './counters.ts';
import { nextBatchState } from '../ordered/states.ts';
import { unsettled } from './plan.ts';
import { moveAcked } from './settle.ts';

/** Ended batches are kept this long, so that `status` and support can see what was sent. */
const ENDED_BATCH_KEPT_MS = 30 * 86_400_000;

interface Bound {
  partition_id: number;
  first_offset: number;
  last_offset: number;
  /** Lowest acknowledged offset of the required destinations; null = none has begun or none is required. */
  settled: number | null;
}

/**
 * One bounded step of retention (design §5 rule 7): removes entries up to the lowest offset that every required
 * destination has settled, by age, or whatever their age while the file is above its target. Best-effort destinations
 * lose what goes; that is counted, and their open batches over it are abandoned.
 */
export function retain(
  db: Database,
  request: RetainRequest,
  newId: () => string,
): { removed: number; dropped: number; more: boolean } {
  return db.transaction(() => {
    db.run(
      'DELETE FROM batch WHERE rowid IN (SELECT rowid FROM batch WHERE ended_ms < ? LIMIT 1000)',
      request.now_ms - ENDED_BATCH_KEPT_MS,
    );
    const over = request.target_bytes !== null && usedBytes(db) > request.target_bytes;
    for (const bound of bounds(db)) {
      const until = Math.min(bound.settled ?? bound.last_offset, bound.last_offset);
      const last = lastRemovable(db, bound, until, over ? null : request.before_ms);
      if (last === null) continue;
      const { removed, dropped } = removeUpTo(db, bound, last, newId);
      return { removed, dropped, more: true };
    }
    return { removed: 0, dropped: 0, more: false };
  });
}

function usedBytes(db: Database): number {
  return db.sizeBytes() - db.value<number>('PRAGMA freelist_count') * db.value<number>('PRAGMA page_size');
}

/** Partitions that hold entries, those with the oldest first. */
function bounds(db: Database): Bound[] {
  return db.all<Bound>(
    `SELECT p.partition_id, p.first_offset, p.last_offset,
            (SELECT min(g.acked_offset) FROM progress g JOIN destination d USING (destination_id)
             WHERE g.partition_id = p.partition_id AND d.required = 1 AND d.state <> 'removed') AS settled
     FROM partition p WHERE p.first_offset <= p.last_offset
     ORDER BY (SELECT observed_ms FROM entry WHERE entry_id = (p.partition_id << ${OFFSET_BITS}) | p.first_offset)`,
  );
}

/** Highest offset of the first thousand that may go; null when even the first may not. */
function lastRemovable(db: Database, bound: Bound, until: number, before_ms: number | null): number | null {
  return db.value<number | null>(
    `SELECT max(offset) FROM (
       SELECT offset, observed_ms FROM entry
       WHERE entry_id BETWEEN ((?1 << ${OFFSET_BITS}) | ?2) AND ((?1 << ${OFFSET_BITS}) | ?3) ORDER BY entry_id LIMIT ?4)
     WHERE ?5 IS NULL OR observed_ms < ?5`,
    bound.partition_id,
    bound.first_offset,
    until,
    TRANSACTION_LIMITS.max_rows,
    before_ms,
  );
}

function removeUpTo(
  db: Database,
  bound: Bound,
  last: number,
  newId: () => string,
): { removed: number; dropped: number } {
  const bytes = db.value<number | null>(
    `SELECT sum(bytes) FROM entry WHERE entry_id BETWEEN ((?1 << ${OFFSET_BITS}) | ?2) AND ((?1 << ${OFFSET_BITS}) | ?3)`,
    bound.partition_id,
    bound.first_offset,
    last,
  );
  const removed = db.run(
    `DELETE FROM entry WHERE entry_id BETWEEN ((?1 << ${OFFSET_BITS}) | ?2) AND ((?1 << ${OFFSET_BITS}) | ?3)`,
    bound.partition_id,
    bound.first_offset,
    last,
  );
  db.run(
    'UPDATE partition SET first_offset = ?, bytes = bytes - ? WHERE partition_id = ?',
    last + 1,
    bytes ?? 0,
    bound.partition_id,
  );
  return { removed, dropped: leaveBehind(db, bound.partition_id, last, newId) };
}

/** Moves best-effort destinations past what was removed, counting what they never got. */
function leaveBehind(db: Database, partition_id: number, last: number, newId: () => string): number {
  const late = db.all<{ destination_id: string; acked_offset: number }>(
    'SELECT destination_id, acked_offset FROM progress WHERE partition_id = ? AND acked_offset < ?',
    partition_id,
    last,
  );
  let dropped = 0;
  for (const { destination_id, acked_offset } of late) {
    abandonUpTo(db, { destination_id, partition_id }, last, newId);
    db.run(
      'UPDATE progress SET planned_offset = max(planned_offset, ?) WHERE destination_id = ? AND partition_id = ?',
      last,
      destination_id,
      partition_id,
    );
    moveAcked(db, { destination_id, partition_id });
    addCounters(db, [{ name: 'items_dropped_by_retention', label: destination_id, by: last - acked_offset }]);
    dropped += last - acked_offset;
  }
  return dropped;
}

/** Abandons open batches over the removed range; what one holds beyond it goes on under a new key. */
function abandonUpTo(
  db: Database,
  place: { destination_id: string; partition_id: number },
  last: number,
  newId: () => string,
): void {
  for (const batch of unsettled(db, place)) {
    if (batch.first_offset > last || batch.retry_of !== null) continue;
    db.run(`UPDATE batch SET state = ? WHERE batch_id = ?`, nextBatchState(batch.state, 'drop'), batch.batch_id);
    if (batch.last_offset <= last) continue;
    db.run(
      `INSERT INTO batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state, parent)
       SELECT ?, destination_id, partition_id, ?, last_offset, last_offset - ?, bytes, 'open', batch_id FROM batch WHERE batch_id = ?`,
      newId(),
      last + 1,
      last,
      batch.batch_id,
    );
  }
}

/** Forgets everything of a subject: payloads become null, offsets stay dense, dead letters lose their copy. */
export function erase(db: Database, subject: string): { entries: number; dead_letters: number } {
  const result = db.transaction(() => {
    const entries = db.run(
      `UPDATE entry SET payload = NULL WHERE payload IS NOT NULL AND subject_id = (SELECT subject_id FROM subject WHERE name = ?)`,
      subject,
    );
    const dead_letters = db.run(
      `UPDATE dead_letter SET payload = NULL, state = CASE state WHEN 'open' THEN 'discarded' ELSE state END
       WHERE payload IS NOT NULL AND subject_id = (SELECT subject_id FROM subject WHERE name = ?)`,
      subject,
    );
    addCounters(db, [{ name: 'entries_erased', label: 'erase', by: entries }]);
    return { entries, dead_letters };
  });
  forgetSubjects(db);
  db.checkpoint();
  return result;
}

/** Sets payloads anew (stronger rules), also in dead letters; null erases. The offset stays. */
export function rewrite(db: Database, partition_id: number, payloads: ReadonlyMap<number, string | null>): number {
  const changed = db.transaction(() => {
    let count = 0;
    for (const [offset, payload] of payloads) {
      const bytes = payload === null ? null : Buffer.byteLength(payload);
      count += db.run(
        `UPDATE entry SET payload = ?1, bytes = coalesce(?2, bytes) WHERE entry_id = ((?3 << ${OFFSET_BITS}) | ?4) AND payload IS NOT ?1`,
        payload,
        bytes,
        partition_id,
        offset,
      );
      db.run('UPDATE dead_letter SET payload = ? WHERE partition_id = ? AND offset = ?', payload, partition_id, offset);
    }
    return count;
  });
  db.checkpoint();
  return changed;
}

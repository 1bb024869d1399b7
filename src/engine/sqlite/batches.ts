import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { nextBatchState, type BatchEvent, type BatchState } from '../ordered/states.ts';
import { addCounters } from './counters.ts';
import { OFFSET_BITS } from './entry-id.ts';

export interface BatchRow {
  batch_id: string;
  destination_id: string;
  partition_id: number;
  first_offset: number;
  last_offset: number;
  items: number;
  bytes: number;
  state: BatchState;
  retry_of: string | null;
  refused_fence: number | null;
  attempts: number;
  failures: number;
  first_failed_fence: number | null;
  fence: number;
  body_sha256: string | null;
}

export const BATCH_COLUMNS =
  'batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state, retry_of, refused_fence, attempts, failures, first_failed_fence, fence, body_sha256';

export function batchById(db: Database, batch_id: string): BatchRow | undefined {
  return db.get<BatchRow>(`SELECT ${BATCH_COLUMNS} FROM batch WHERE batch_id = ?`, batch_id);
}

export function endBatch(
  db: Database,
  batch: Pick<BatchRow, 'batch_id' | 'state'>,
  event: BatchEvent,
  now_ms: number,
): void {
  db.run(
    'UPDATE batch SET state = ?, ended_ms = ? WHERE batch_id = ?',
    nextBatchState(batch.state, event),
    now_ms,
    batch.batch_id,
  );
}

/**
 * Same range, new key: the old body can no longer be made, or its key stands for another body there. A suspect stays
 * one: what its new text is worth is found out by sending it, before its neighbours.
 */
export function renew(db: Database, batch: BatchRow, new_batch_id: string, now_ms: number): void {
  endBatch(db, batch, 'renew', now_ms);
  db.run(
    `INSERT INTO batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state, parent,
       retry_of, refused_fence, failures, first_failed_fence, failed_fence, due_ms, attempts, error_class, error_code, error_field, error_message)
     SELECT ?, destination_id, partition_id, first_offset, last_offset, items, bytes, ?, batch_id,
       retry_of, refused_fence, failures, first_failed_fence, failed_fence, due_ms, attempts, error_class, error_code, error_field, error_message
     FROM batch WHERE batch_id = ?`,
    new_batch_id,
    batch.state,
    batch.batch_id,
  );
  addCounters(db, [{ name: 'batches_renewed', label: batch.destination_id, by: 1 }]);
}

/** Entries and bytes of a range of offsets; erased entries count. */
export function sizeOfRange(
  db: Database,
  partition_id: number,
  first: number,
  last: number,
): { items: number; bytes: number } {
  const row = db.get<{ items: number; bytes: number }>(
    `SELECT count(*) AS items, coalesce(sum(bytes), 0) AS bytes FROM entry
     WHERE entry_id BETWEEN ((?1 << ${OFFSET_BITS}) | ?2) AND ((?1 << ${OFFSET_BITS}) | ?3)`,
    partition_id,
    first,
    last,
  );
  invariant(row, 'an aggregate has a row');
  return row;
}

/** I2: acknowledged is everything below the lowest batch that is still open or suspect. */
export function moveAcked(db: Database, place: { destination_id: string; partition_id: number }): void {
  db.run(
    `UPDATE progress SET acked_offset = coalesce(
       (SELECT min(first_offset) - 1 FROM batch b WHERE b.destination_id = ?1 AND b.partition_id = ?2
          AND b.state IN ('open', 'suspect') AND b.retry_of IS NULL), planned_offset)
     WHERE destination_id = ?1 AND partition_id = ?2`,
    place.destination_id,
    place.partition_id,
  );
}

import { nextBatchState, type BatchEvent, type BatchState } from '../ordered/states.ts';
import { addCounters } from './counters.ts';
import type { Transaction } from './database.ts';

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

/** The batch, with its progress locked before it: nobody else plans, claims or settles there until the commit. */
export async function lockBatch(tx: Transaction, batch_id: string): Promise<BatchRow | undefined> {
  await tx.get(
    `SELECT 1 FROM syncline.progress g JOIN syncline.batch b USING (destination_id, partition_id)
     WHERE b.batch_id = $1 FOR NO KEY UPDATE OF g`,
    batch_id,
  );
  return tx.get<BatchRow>(
    `SELECT ${BATCH_COLUMNS} FROM syncline.batch WHERE batch_id = $1 FOR NO KEY UPDATE`,
    batch_id,
  );
}

export async function endBatch(
  tx: Transaction,
  batch: Pick<BatchRow, 'batch_id' | 'state'>,
  event: BatchEvent,
  now_ms: number,
): Promise<void> {
  await tx.run(
    'UPDATE syncline.batch SET state = $1, ended_ms = $2 WHERE batch_id = $3',
    nextBatchState(batch.state, event),
    now_ms,
    batch.batch_id,
  );
}

/**
 * Same range, new key: the old body can no longer be made, or its key stands for another body there. A suspect stays
 * one: what its new text is worth is found out by sending it, before its neighbours.
 */
export async function renew(tx: Transaction, batch: BatchRow, new_batch_id: string, now_ms: number): Promise<void> {
  await endBatch(tx, batch, 'renew', now_ms);
  await tx.run(
    `INSERT INTO syncline.batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state,
       parent, retry_of, refused_fence, failures, first_failed_fence, failed_fence, due_ms, attempts, error_class,
       error_code, error_field, error_message)
     SELECT $1, destination_id, partition_id, first_offset, last_offset, items, bytes, $2, batch_id,
       retry_of, refused_fence, failures, first_failed_fence, failed_fence, due_ms, attempts, error_class,
       error_code, error_field, error_message
     FROM syncline.batch WHERE batch_id = $3`,
    new_batch_id,
    batch.state,
    batch.batch_id,
  );
  await addCounters(tx, [{ name: 'batches_renewed', label: batch.destination_id, by: 1 }]);
}

/** I2: acknowledged is everything below the lowest batch that is still open or suspect. */
export async function moveAcked(
  tx: Transaction,
  place: { destination_id: string; partition_id: number },
): Promise<void> {
  await tx.run(
    `UPDATE syncline.progress SET acked_offset = coalesce(
       (SELECT min(first_offset) - 1 FROM syncline.batch b WHERE b.destination_id = $1 AND b.partition_id = $2
          AND b.state IN ('open', 'suspect') AND b.retry_of IS NULL), planned_offset)
     WHERE destination_id = $1 AND partition_id = $2`,
    place.destination_id,
    place.partition_id,
  );
}

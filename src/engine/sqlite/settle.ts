import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { nextBatchState } from '../ordered/states.ts';
import type { BatchPart, Refusal, Settlement, SettleResult } from '../store.ts';
import { OFFSET_BITS } from './entry-id.ts';
import { BATCH_COLUMNS, batchById, endBatch, moveAcked, renew, sizeOfRange, type BatchRow } from './batches.ts';
import { answered, moveCircuit } from './circuit.ts';
import { addCounters } from './counters.ts';
import { maySend } from './plan.ts';
import { insertDeadLetter, reopenDeadLetter } from './dead-letters.ts';

/** The next fence of this database: it only grows, so no holder's number ever comes back. */
function nextFence(db: Database): number {
  return db.value<number>('UPDATE identity SET fence = fence + 1 RETURNING fence');
}

/**
 * Takes a batch for one attempt. The hash of the body is on disk before its first byte leaves, so that after a crash a
 * key is never used for another body (invariant I5).
 */
export function claim(
  db: Database,
  batch_id: string,
  body_sha256: string,
  new_batch_id: string,
  now_ms: number,
): number | null {
  return db.transaction(() => {
    const batch = batchById(db, batch_id);
    if (!batch || (batch.state !== 'open' && batch.state !== 'suspect')) return null;
    if (!maySend(db, batch.destination_id)) return null;
    if (batch.body_sha256 !== null && batch.body_sha256 !== body_sha256) {
      renew(db, batch, new_batch_id, now_ms);
      return null;
    }
    const fence = nextFence(db);
    db.run('UPDATE batch SET fence = ?, body_sha256 = ? WHERE batch_id = ?', fence, body_sha256, batch_id);
    return fence;
  });
}

/** Applies the end of an attempt; one transaction, and nothing when the fence is not the batch's newest (I4). */
export function settle(db: Database, settlement: Settlement, newId: () => string): SettleResult {
  return db.transaction(() => {
    const batch = batchById(db, settlement.batch_id);
    if (!batch || batch.fence !== settlement.fence || (batch.state !== 'open' && batch.state !== 'suspect'))
      return { settled: false, dead_letters: 0 };
    return { settled: true, dead_letters: applySettlement(db, batch, settlement, newId) };
  });
}

function applySettlement(db: Database, batch: BatchRow, settlement: Settlement, newId: () => string): number {
  const { now_ms } = settlement;
  if (settlement.kind !== 'deferred' && settlement.kind !== 'empty') answered(db, batch);
  switch (settlement.kind) {
    case 'accepted':
      return accepted(db, batch, settlement, newId);
    case 'deferred':
      deferred(db, batch, settlement);
      return 0;
    case 'held':
      forgetFailures(db, batch);
      hold(db, batch, settlement.refusal, settlement.until_ms, now_ms);
      return 0;
    case 'split':
      split(db, batch, settlement);
      return 0;
    case 'refused_item':
      return refusedItem(db, batch, settlement, newId);
    case 'dead_letter':
      toDeadLetter(db, batch, settlement.refusal, now_ms, newId);
      moveAcked(db, batch);
      return 1;
    case 'empty':
      endBatch(db, batch, 'drop', now_ms);
      moveAcked(db, batch);
      return 0;
    case 'renewed':
      renew(db, batch, settlement.new_batch_id, now_ms);
      return 0;
  }
}

type Of<K extends Settlement['kind']> = Extract<Settlement, { kind: K }>;

/**
 * An accepted batch is a verdict on the suspects of its partition that were refused before it was sent: the destination
 * takes this kind, so they are bad. A retried dead letter is none: it may be sent because the destination was mended.
 */
function accepted(db: Database, batch: BatchRow, settlement: Of<'accepted'>, newId: () => string): number {
  const { now_ms } = settlement;
  const condemned = batch.state === 'suspect' || batch.retry_of !== null ? [] : refusedBefore(db, batch);
  for (const suspect of condemned) toDeadLetter(db, suspect, refusalOf(db, suspect), now_ms, newId);
  if (batch.state === 'suspect') reopenSuspects(db, batch);
  endBatch(db, batch, 'accept', now_ms);
  endHold(db, batch);
  moveCircuit(db, batch.destination_id, 'succeeded', { fence: batch.fence, now_ms });
  moveAcked(db, batch);
  addCounters(db, [
    { name: 'items_accepted', label: batch.destination_id, by: settlement.items },
    { name: 'batches_accepted', label: batch.destination_id, by: 1 },
    { name: 'bytes_sent', label: batch.destination_id, by: batch.bytes },
    { name: 'items_deduped', label: batch.destination_id, by: settlement.deduped ?? 0 },
  ]);
  return condemned.length;
}

/** Something passed: the partition is served at once. It stays marked as held while a suspect waits, to try that first. */
function endHold(db: Database, batch: BatchRow): void {
  db.run(
    'UPDATE progress SET holds = 0, due_ms = 0, accepted_fence = max(accepted_fence, ?) WHERE destination_id = ? AND partition_id = ?',
    batch.fence,
    batch.destination_id,
    batch.partition_id,
  );
  db.run(
    `UPDATE progress SET held_class = NULL, held_since_ms = NULL, held_message = NULL
     WHERE destination_id = ?1 AND partition_id = ?2 AND held_class IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM batch WHERE destination_id = ?1 AND partition_id = ?2 AND state = 'suspect')`,
    batch.destination_id,
    batch.partition_id,
  );
}

/** A suspect passed after all: the destination was mended, so the others are tried again. */
function reopenSuspects(db: Database, batch: BatchRow): void {
  db.run(
    `UPDATE batch SET state = ?, refused_fence = NULL WHERE destination_id = ? AND partition_id = ? AND state = 'suspect' AND batch_id <> ?`,
    nextBatchState('suspect', 'reopen'),
    batch.destination_id,
    batch.partition_id,
    batch.batch_id,
  );
}

function deferred(db: Database, batch: BatchRow, settlement: Of<'deferred'>): void {
  const { now_ms, refusal } = settlement;
  if (settlement.suspicious)
    db.run(
      `UPDATE batch SET attempts = attempts + 1, failures = failures + 1, failed_fence = fence,
         first_failed_fence = coalesce(first_failed_fence, fence) WHERE batch_id = ?`,
      batch.batch_id,
    );
  db.run('UPDATE batch SET due_ms = ? WHERE batch_id = ?', settlement.batch_due_ms, batch.batch_id);
  moveCircuit(db, batch.destination_id, 'failed', {
    fence: batch.fence,
    until_ms: settlement.until_ms,
    refusal,
    now_ms,
  });
}

/** Replaces a batch by parts with keys of their own. Parts named bad by the destination wait as suspects. */
function split(db: Database, batch: BatchRow, settlement: Of<'split'>): void {
  let next = batch.first_offset;
  for (const part of settlement.parts) {
    invariant(part.first_offset === next && part.last_offset >= next, 'parts follow one another without a gap');
    next = part.last_offset + 1;
  }
  invariant(next === batch.last_offset + 1, 'parts cover the batch');
  endBatch(db, batch, 'split', settlement.now_ms);
  for (const part of settlement.parts) insertPart(db, batch, settlement, part);
  if (settlement.hold_until_ms !== null)
    hold(db, batch, settlement.refusal, settlement.hold_until_ms, settlement.now_ms);
}

function insertPart(db: Database, batch: BatchRow, settlement: Of<'split'>, part: BatchPart): void {
  const size = sizeOfRange(db, batch.partition_id, part.first_offset, part.last_offset);
  db.run(
    `INSERT INTO batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state, parent,
       refused_fence, attempts, failures, first_failed_fence, failed_fence, error_class, error_code, error_field, error_message)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    part.batch_id,
    batch.destination_id,
    batch.partition_id,
    part.first_offset,
    part.last_offset,
    size.items,
    size.bytes,
    part.suspect ? 'suspect' : 'open',
    batch.batch_id,
    settlement.counts_as_refusal ? refusedSince(batch, settlement.suspicious) : batch.refused_fence,
    part.suspect ? 1 : 0,
    settlement.suspicious ? batch.failures + 1 : 0,
    settlement.suspicious ? (batch.first_failed_fence ?? batch.fence) : null,
    settlement.suspicious ? batch.fence : null,
    part.suspect ? 'refused' : null,
    part.suspect?.code ?? null,
    part.suspect?.field ?? null,
    part.suspect?.message ?? null,
  );
}

/** One item was refused. With something of the partition accepted since: it is bad. Else it waits as a suspect (I3). */
function refusedItem(db: Database, batch: BatchRow, settlement: Of<'refused_item'>, newId: () => string): number {
  const { now_ms, refusal, hold_until_ms } = settlement;
  const accepted_fence = db.value<number>(
    'SELECT accepted_fence FROM progress WHERE destination_id = ? AND partition_id = ?',
    batch.destination_id,
    batch.partition_id,
  );
  const refused_fence = refusedSince(batch, settlement.suspicious);
  if (accepted_fence > refused_fence || batch.retry_of !== null) {
    toDeadLetter(db, batch, refusal, now_ms, newId);
    moveAcked(db, batch);
    return 1;
  }
  if (!settlement.suspicious) forgetFailures(db, batch);
  markRefused(db, batch, refused_fence, refusal);
  db.run(`UPDATE batch SET state = ? WHERE batch_id = ?`, nextBatchState(batch.state, 'suspect'), batch.batch_id);
  hold(db, batch, refusal, hold_until_ms, now_ms);
  return 0;
}

/** Suspects of the batch's partition that were refused before this batch was claimed. */
function refusedBefore(db: Database, batch: BatchRow): BatchRow[] {
  return db.all<BatchRow>(
    `SELECT ${BATCH_COLUMNS} FROM batch
     WHERE destination_id = ? AND partition_id = ? AND state = 'suspect' AND refused_fence < ? ORDER BY first_offset`,
    batch.destination_id,
    batch.partition_id,
    batch.fence,
  );
}

function refusalOf(db: Database, batch: BatchRow): Refusal {
  const row = db.get<{ error_code: string | null; error_field: string | null; error_message: string | null }>(
    'SELECT error_code, error_field, error_message FROM batch WHERE batch_id = ?',
    batch.batch_id,
  );
  return {
    class: 'refused',
    code: row?.error_code ?? 'refused',
    field: row?.error_field ?? undefined,
    message: row?.error_message ?? 'The destination refused the item',
  };
}

/** An answer about the batch itself shows that it does not crash the destination. */
function forgetFailures(db: Database, batch: BatchRow): void {
  db.run(
    'UPDATE batch SET failures = 0, first_failed_fence = NULL, failed_fence = NULL WHERE batch_id = ? AND failures > 0',
    batch.batch_id,
  );
}

/**
 * Fence since which the destination has had its reasons against the batch: what it accepted after that is proof that
 * the reason is the batch. For one that crashes it, that is the first crash, not the one that was enough.
 */
function refusedSince(batch: BatchRow, suspicious: boolean): number {
  return batch.refused_fence ?? (suspicious ? batch.first_failed_fence : null) ?? batch.fence;
}

function markRefused(db: Database, batch: BatchRow, refused_fence: number, refusal: Refusal): void {
  db.run(
    `UPDATE batch SET refused_fence = ?, attempts = attempts + 1,
       error_class = ?, error_code = ?, error_field = ?, error_message = ? WHERE batch_id = ?`,
    refused_fence,
    refusal.class,
    refusal.code,
    refusal.field ?? null,
    refusal.message,
    batch.batch_id,
  );
}

function hold(db: Database, batch: BatchRow, refusal: Refusal, until_ms: number, now_ms: number): void {
  db.run(
    `UPDATE progress SET held_class = ?, held_since_ms = coalesce(held_since_ms, ?), held_message = ?, due_ms = ?,
       holds = holds + (held_class IS NULL OR due_ms <= ?)
     WHERE destination_id = ? AND partition_id = ?`,
    refusal.class,
    now_ms,
    refusal.message,
    until_ms,
    now_ms,
    batch.destination_id,
    batch.partition_id,
  );
}

function toDeadLetter(db: Database, batch: BatchRow, refusal: Refusal, now_ms: number, newId: () => string): void {
  invariant(batch.items === 1, 'only a single item becomes a dead letter');
  const entry = db.get<{ payload: string | null; subject: string | null }>(
    `SELECT e.payload, s.name AS subject FROM entry e LEFT JOIN subject s USING (subject_id)
     WHERE e.entry_id = ((? << ${OFFSET_BITS}) | ?)`,
    batch.partition_id,
    batch.first_offset,
  );
  endBatch(db, batch, 'dead_letter', now_ms);
  if (batch.retry_of !== null) {
    reopenDeadLetter(db, batch.retry_of, refusal, now_ms);
    return;
  }
  insertDeadLetter(db, {
    dead_letter_id: newId(),
    destination_id: batch.destination_id,
    partition_id: batch.partition_id,
    offset: batch.first_offset,
    subject: entry?.subject ?? null,
    refusal,
    attempts: batch.attempts + 1,
    payload: entry?.payload ?? null,
    now_ms,
  });
  addCounters(db, [{ name: 'dead_letters', label: batch.destination_id, by: 1 }]);
}

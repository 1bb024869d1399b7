import { invariant } from '../../platform/errors.ts';
import { storable } from '../../storage/postgres/steps.ts';
import { nextBatchState, type DestinationState } from '../ordered/states.ts';
import type { BatchPart, Refusal, Settlement, SettleResult } from '../store.ts';
import { BATCH_COLUMNS, endBatch, lockBatch, moveAcked, renew, type BatchRow } from './batches.ts';
import { answered, moveCircuit } from './circuit.ts';
import { addCounters } from './counters.ts';
import type { Transaction } from './database.ts';
import { insertDeadLetter, reopenDeadLetter } from './dead-letters.ts';
import { sizeOfRange } from './entries.ts';
import { nextFence } from './fences.ts';
import { maySend } from './plan.ts';

/**
 * Takes a batch for one attempt. The hash of the body is on disk before its first byte leaves, so that after a crash a
 * key is never used for another body (invariant I5).
 */
export async function claim(
  tx: Transaction,
  batch_id: string,
  body_sha256: string,
  new_batch_id: string,
  now_ms: number,
): Promise<number | null> {
  const batch = await lockBatch(tx, batch_id);
  if (!batch || (batch.state !== 'open' && batch.state !== 'suspect')) return null;
  const state = await tx.value<DestinationState | undefined>(
    'SELECT state FROM syncline.destination WHERE destination_id = $1',
    batch.destination_id,
  );
  if (!maySend(state)) return null;
  if (batch.body_sha256 !== null && batch.body_sha256 !== body_sha256) {
    await renew(tx, batch, new_batch_id, now_ms);
    return null;
  }
  const fence = await nextFence(tx);
  await tx.run(
    'UPDATE syncline.batch SET fence = $1, body_sha256 = $2 WHERE batch_id = $3',
    fence,
    body_sha256,
    batch_id,
  );
  return fence;
}

/** Applies the end of an attempt, and nothing when the fence is not the batch's newest (I4). */
export async function settle(tx: Transaction, settlement: Settlement, newId: () => string): Promise<SettleResult> {
  const batch = await lockBatch(tx, settlement.batch_id);
  if (!batch || batch.fence !== settlement.fence || (batch.state !== 'open' && batch.state !== 'suspect'))
    return { settled: false, dead_letters: 0 };
  return { settled: true, dead_letters: await applySettlement(tx, batch, settlement, newId) };
}

async function applySettlement(
  tx: Transaction,
  batch: BatchRow,
  settlement: Settlement,
  newId: () => string,
): Promise<number> {
  const { now_ms } = settlement;
  if (settlement.kind !== 'deferred' && settlement.kind !== 'empty') await answered(tx, batch);
  switch (settlement.kind) {
    case 'accepted':
      return accepted(tx, batch, settlement, newId);
    case 'deferred':
      await deferred(tx, batch, settlement);
      return 0;
    case 'held':
      await forgetFailures(tx, batch);
      await hold(tx, batch, settlement.refusal, settlement.until_ms, now_ms);
      return 0;
    case 'split':
      await split(tx, batch, settlement);
      return 0;
    case 'refused_item':
      return refusedItem(tx, batch, settlement, newId);
    case 'dead_letter':
      await toDeadLetter(tx, batch, settlement.refusal, now_ms, newId);
      await moveAcked(tx, batch);
      return 1;
    case 'empty':
      await endBatch(tx, batch, 'drop', now_ms);
      await moveAcked(tx, batch);
      return 0;
    case 'renewed':
      await renew(tx, batch, settlement.new_batch_id, now_ms);
      return 0;
  }
}

type Of<K extends Settlement['kind']> = Extract<Settlement, { kind: K }>;

/**
 * An accepted batch is a verdict on the suspects of its partition that were refused before it was sent: the destination
 * takes this kind, so they are bad. A retried dead letter is none: it may be sent because the destination was mended.
 */
async function accepted(
  tx: Transaction,
  batch: BatchRow,
  settlement: Of<'accepted'>,
  newId: () => string,
): Promise<number> {
  const { now_ms } = settlement;
  const condemned = batch.state === 'suspect' || batch.retry_of !== null ? [] : await refusedBefore(tx, batch);
  for (const suspect of condemned) await toDeadLetter(tx, suspect, await refusalOf(tx, suspect), now_ms, newId);
  if (batch.state === 'suspect') await reopenSuspects(tx, batch);
  await endBatch(tx, batch, 'accept', now_ms);
  await endHold(tx, batch);
  await moveCircuit(tx, batch.destination_id, 'succeeded', { fence: batch.fence, now_ms });
  await moveAcked(tx, batch);
  await addCounters(tx, [
    { name: 'items_accepted', label: batch.destination_id, by: settlement.items },
    { name: 'batches_accepted', label: batch.destination_id, by: 1 },
    { name: 'bytes_sent', label: batch.destination_id, by: batch.bytes },
    { name: 'items_deduped', label: batch.destination_id, by: settlement.deduped ?? 0 },
  ]);
  return condemned.length;
}

/** Something passed: the partition is served at once. It stays marked as held while a suspect waits, to try that first. */
async function endHold(tx: Transaction, batch: BatchRow): Promise<void> {
  await tx.run(
    `UPDATE syncline.progress SET holds = 0, due_ms = 0, accepted_fence = greatest(accepted_fence, $1::bigint)
     WHERE destination_id = $2 AND partition_id = $3`,
    batch.fence,
    batch.destination_id,
    batch.partition_id,
  );
  await tx.run(
    `UPDATE syncline.progress SET held_class = NULL, held_since_ms = NULL, held_message = NULL
     WHERE destination_id = $1 AND partition_id = $2 AND held_class IS NOT NULL AND NOT EXISTS (
       SELECT 1 FROM syncline.batch WHERE destination_id = $1 AND partition_id = $2 AND state = 'suspect')`,
    batch.destination_id,
    batch.partition_id,
  );
}

/** A suspect passed after all: the destination was mended, so the others are tried again. */
async function reopenSuspects(tx: Transaction, batch: BatchRow): Promise<void> {
  await tx.run(
    `UPDATE syncline.batch SET state = $1, refused_fence = NULL
     WHERE destination_id = $2 AND partition_id = $3 AND state = 'suspect' AND batch_id <> $4`,
    nextBatchState('suspect', 'reopen'),
    batch.destination_id,
    batch.partition_id,
    batch.batch_id,
  );
}

async function deferred(tx: Transaction, batch: BatchRow, settlement: Of<'deferred'>): Promise<void> {
  const { now_ms, refusal } = settlement;
  if (settlement.suspicious)
    await tx.run(
      `UPDATE syncline.batch SET attempts = attempts + 1, failures = failures + 1, failed_fence = fence,
         first_failed_fence = coalesce(first_failed_fence, fence) WHERE batch_id = $1`,
      batch.batch_id,
    );
  await tx.run('UPDATE syncline.batch SET due_ms = $1 WHERE batch_id = $2', settlement.batch_due_ms, batch.batch_id);
  await moveCircuit(tx, batch.destination_id, 'failed', {
    fence: batch.fence,
    until_ms: settlement.until_ms,
    refusal,
    now_ms,
  });
}

/** Replaces a batch by parts with keys of their own. Parts named bad by the destination wait as suspects. */
async function split(tx: Transaction, batch: BatchRow, settlement: Of<'split'>): Promise<void> {
  let next = batch.first_offset;
  for (const part of settlement.parts) {
    invariant(part.first_offset === next && part.last_offset >= next, 'parts follow one another without a gap');
    next = part.last_offset + 1;
  }
  invariant(next === batch.last_offset + 1, 'parts cover the batch');
  await endBatch(tx, batch, 'split', settlement.now_ms);
  for (const part of settlement.parts) await insertPart(tx, batch, settlement, part);
  if (settlement.hold_until_ms !== null)
    await hold(tx, batch, settlement.refusal, settlement.hold_until_ms, settlement.now_ms);
}

async function insertPart(tx: Transaction, batch: BatchRow, settlement: Of<'split'>, part: BatchPart): Promise<void> {
  const size = await sizeOfRange(tx, batch.partition_id, part.first_offset, part.last_offset);
  await tx.run(
    `INSERT INTO syncline.batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state,
       parent, refused_fence, attempts, failures, first_failed_fence, failed_fence, error_class, error_code, error_field,
       error_message)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
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
    part.suspect === null ? null : storable(part.suspect.message),
  );
}

/** One item was refused. With something of the partition accepted since: it is bad. Else it waits as a suspect (I3). */
async function refusedItem(
  tx: Transaction,
  batch: BatchRow,
  settlement: Of<'refused_item'>,
  newId: () => string,
): Promise<number> {
  const { now_ms, refusal, hold_until_ms } = settlement;
  const accepted_fence = await tx.value<number>(
    'SELECT accepted_fence FROM syncline.progress WHERE destination_id = $1 AND partition_id = $2',
    batch.destination_id,
    batch.partition_id,
  );
  const refused_fence = refusedSince(batch, settlement.suspicious);
  if (accepted_fence > refused_fence || batch.retry_of !== null) {
    await toDeadLetter(tx, batch, refusal, now_ms, newId);
    await moveAcked(tx, batch);
    return 1;
  }
  if (!settlement.suspicious) await forgetFailures(tx, batch);
  await markSuspect(tx, batch, refused_fence, refusal);
  await hold(tx, batch, refusal, hold_until_ms, now_ms);
  return 0;
}

/** Suspects of the batch's partition that were refused before this batch was claimed. */
function refusedBefore(tx: Transaction, batch: BatchRow): Promise<BatchRow[]> {
  return tx.all<BatchRow>(
    `SELECT ${BATCH_COLUMNS} FROM syncline.batch
     WHERE destination_id = $1 AND partition_id = $2 AND state = 'suspect' AND refused_fence < $3 ORDER BY first_offset`,
    batch.destination_id,
    batch.partition_id,
    batch.fence,
  );
}

async function refusalOf(tx: Transaction, batch: BatchRow): Promise<Refusal> {
  const row = await tx.get<{ error_code: string | null; error_field: string | null; error_message: string | null }>(
    'SELECT error_code, error_field, error_message FROM syncline.batch WHERE batch_id = $1',
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
async function forgetFailures(tx: Transaction, batch: BatchRow): Promise<void> {
  await tx.run(
    `UPDATE syncline.batch SET failures = 0, first_failed_fence = NULL, failed_fence = NULL
     WHERE batch_id = $1 AND failures > 0`,
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

async function markSuspect(tx: Transaction, batch: BatchRow, refused_fence: number, refusal: Refusal): Promise<void> {
  await tx.run(
    `UPDATE syncline.batch SET refused_fence = $1, attempts = attempts + 1, error_class = $2, error_code = $3,
       error_field = $4, error_message = $5, state = $6 WHERE batch_id = $7`,
    refused_fence,
    refusal.class,
    refusal.code,
    refusal.field ?? null,
    storable(refusal.message),
    nextBatchState(batch.state, 'suspect'),
    batch.batch_id,
  );
}

async function hold(
  tx: Transaction,
  batch: BatchRow,
  refusal: Refusal,
  until_ms: number,
  now_ms: number,
): Promise<void> {
  await tx.run(
    `UPDATE syncline.progress SET held_class = $1, held_since_ms = coalesce(held_since_ms, $2::bigint), held_message = $3,
       due_ms = $4, holds = holds + (held_class IS NULL OR due_ms <= $2::bigint)::int
     WHERE destination_id = $5 AND partition_id = $6`,
    refusal.class,
    now_ms,
    storable(refusal.message),
    until_ms,
    batch.destination_id,
    batch.partition_id,
  );
}

async function toDeadLetter(
  tx: Transaction,
  batch: BatchRow,
  refusal: Refusal,
  now_ms: number,
  newId: () => string,
): Promise<void> {
  invariant(batch.items === 1, 'only a single item becomes a dead letter');
  const entry = await tx.get<{ payload: string | null; subject_id: number | null }>(
    // An erasure at this moment has ended, or sees the letter's copy.
    `SELECT payload, subject_id FROM syncline.entry WHERE partition_id = $1 AND "offset" = $2 FOR SHARE`,
    batch.partition_id,
    batch.first_offset,
  );
  await endBatch(tx, batch, 'dead_letter', now_ms);
  if (batch.retry_of !== null) {
    await reopenDeadLetter(tx, batch.retry_of, refusal, now_ms);
    return;
  }
  await insertDeadLetter(tx, {
    dead_letter_id: newId(),
    destination_id: batch.destination_id,
    partition_id: batch.partition_id,
    offset: batch.first_offset,
    subject_id: entry?.subject_id ?? null,
    refusal,
    attempts: batch.attempts + 1,
    payload: entry?.payload ?? null,
    now_ms,
  });
  await addCounters(tx, [{ name: 'dead_letters', label: batch.destination_id, by: 1 }]);
}

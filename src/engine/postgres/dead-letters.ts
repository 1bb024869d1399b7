import { storable } from '../../storage/postgres/steps.ts';
import type { DeadLetter, DeadLetterQuery, Refusal } from '../store.ts';
import type { Transaction, Value } from './database.ts';
import { subjectsOf } from './subjects.ts';

export interface NewDeadLetter {
  dead_letter_id: string;
  destination_id: string | null;
  partition_id: number;
  offset: number;
  subject_id: number | null;
  /** Of a keyed destination: held by the letter, which has no copy of anything. */
  key?: string;
  refusal: Refusal;
  attempts: number;
  payload: string | null;
  now_ms: number;
}

export async function insertDeadLetter(tx: Transaction, letter: NewDeadLetter): Promise<void> {
  await tx.run(
    `INSERT INTO syncline.dead_letter (dead_letter_id, stream, destination_id, partition_id, "offset", subject_id, key,
       class, code, field, message, attempts, payload, at_ms, state)
     VALUES ($1, (SELECT stream FROM syncline.partition WHERE partition_id = $2), $3, $2, $4, $5, $6, $7, $8, $9, $10, $11,
       $12, $13, $14)`,
    letter.dead_letter_id,
    letter.partition_id,
    letter.destination_id,
    letter.offset,
    letter.subject_id,
    letter.key ?? null,
    letter.refusal.class,
    letter.refusal.code,
    letter.refusal.field ?? null,
    storable(letter.refusal.message),
    letter.attempts,
    letter.payload === null ? null : storable(letter.payload),
    letter.now_ms,
    // Erased while it was under way: it is on record that it was refused, and there is nothing to try again.
    letter.payload === null && letter.key === undefined ? 'discarded' : 'open',
  );
}

type RefusedAtCapture = Omit<DeadLetter, 'state' | 'attempts' | 'destination_id' | 'partition' | 'key'> & {
  subject?: string | null;
};

/** Refused before there was an entry. */
export async function recordRefused(tx: Transaction, letter: RefusedAtCapture): Promise<void> {
  const subject = letter.subject ?? null;
  const subjects = await subjectsOf(tx, subject === null ? [] : [subject]);
  await insertDeadLetter(tx, {
    ...letter,
    destination_id: null,
    subject_id: subject === null ? null : (subjects.get(subject)?.subject_id ?? null),
    refusal: { ...letter, field: letter.field ?? undefined },
    attempts: 1,
    now_ms: letter.at_ms,
  });
}

/** A retried dead letter was refused again: open once more, with the newest reason. False when retention took it. */
export async function reopenDeadLetter(
  tx: Transaction,
  dead_letter_id: string,
  refusal: Refusal,
  now_ms: number,
): Promise<boolean> {
  const reopened = await tx.run(
    `UPDATE syncline.dead_letter SET state = CASE WHEN payload IS NULL AND key IS NULL THEN 'discarded' ELSE 'open' END,
       attempts = attempts + 1, class = $1, code = $2, field = $3, message = $4, at_ms = $5 WHERE dead_letter_id = $6`,
    refusal.class,
    refusal.code,
    refusal.field ?? null,
    storable(refusal.message),
    now_ms,
    dead_letter_id,
  );
  return reopened === 1;
}

/** Takes the copies away from dead letters; those still open have nothing left to retry. Returns how many had one. */
export function eraseDeadLetters(tx: Transaction, condition: string, ...values: Value[]): Promise<number> {
  return tx.run(
    `UPDATE syncline.dead_letter SET payload = NULL, state = CASE state WHEN 'open' THEN 'discarded' ELSE state END
     WHERE payload IS NOT NULL AND ${condition}`,
    ...values,
  );
}

export function deadLetters(tx: Transaction, query: DeadLetterQuery): Promise<DeadLetter[]> {
  return tx.all<DeadLetter>(
    `SELECT d.dead_letter_id, d.stream, d.destination_id, p.name AS partition, d.partition_id, d."offset", d.key, d.class,
            d.code, d.field, d.message, d.attempts, CASE WHEN $6::boolean THEN NULL ELSE d.payload END AS payload,
            d.at_ms, d.state
     FROM syncline.dead_letter d JOIN syncline.partition p USING (partition_id)
     WHERE ($1::text IS NULL OR d.stream = $1) AND ($2::text IS NULL OR d.destination_id = $2)
       AND ($3::text IS NULL OR d.state = $3) AND ($4::text[] IS NULL OR d.dead_letter_id = ANY ($4))
     ORDER BY d.at_ms, d.partition_id, d."offset", d.dead_letter_id LIMIT $5`,
    query.stream ?? null,
    query.destination_id ?? null,
    query.state ?? null,
    query.ids ?? null,
    query.limit ?? 1000,
    query.without_payload === true,
  );
}

/** Opens a batch of one item under a new key, for the destination that refused it. */
export async function retryDeadLetter(
  tx: Transaction,
  dead_letter_id: string,
  new_batch_id: string,
): Promise<'retried' | 'gone'> {
  const made = await tx.run(
    `WITH letter AS (
       UPDATE syncline.dead_letter SET state = 'retried'
       WHERE dead_letter_id = $1 AND state = 'open' AND payload IS NOT NULL AND destination_id IS NOT NULL
       RETURNING destination_id, partition_id, "offset", octet_length(payload) AS bytes)
     INSERT INTO syncline.batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state, retry_of)
     SELECT $2, destination_id, partition_id, "offset", "offset", 1, bytes, 'open', $1 FROM letter`,
    dead_letter_id,
    new_batch_id,
  );
  return made === 1 ? 'retried' : 'gone';
}

export async function setState(tx: Transaction, dead_letter_id: string, state: DeadLetter['state']): Promise<boolean> {
  const changed = await tx.run(
    `UPDATE syncline.dead_letter SET state = $1 WHERE dead_letter_id = $2 AND state = 'open'`,
    state,
    dead_letter_id,
  );
  return changed === 1;
}

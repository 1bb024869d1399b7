import type { Database } from '../../storage/sqlite/database.ts';
import type { DeadLetter, DeadLetterQuery, Refusal } from '../store.ts';
import { subjectOf } from './subjects.ts';

interface NewDeadLetter {
  dead_letter_id: string;
  destination_id: string | null;
  partition_id: number;
  offset: number;
  subject: string | null;
  /** Of a keyed destination: held by the letter, which has no copy of anything. */
  key?: string;
  refusal: Refusal;
  attempts: number;
  payload: string | null;
  now_ms: number;
}

export function insertDeadLetter(db: Database, letter: NewDeadLetter): void {
  db.run(
    `INSERT INTO dead_letter (dead_letter_id, stream, destination_id, partition_id, offset, subject_id, key, class, code, field, message, attempts, payload, at_ms, state)
     VALUES (?, (SELECT stream FROM partition WHERE partition_id = ?), ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    letter.dead_letter_id,
    letter.partition_id,
    letter.destination_id,
    letter.partition_id,
    letter.offset,
    letter.subject === null ? null : subjectOf(db, letter.subject).subject_id,
    letter.key ?? null,
    letter.refusal.class,
    letter.refusal.code,
    letter.refusal.field ?? null,
    letter.refusal.message,
    letter.attempts,
    letter.payload,
    letter.now_ms,
    // Erased while it was under way: it is on record that it was refused, and there is nothing to try again.
    letter.payload === null && letter.key === undefined ? 'discarded' : 'open',
  );
}

/** A retried dead letter was refused again: open once more, with the newest reason. False when retention took it. */
export function reopenDeadLetter(db: Database, dead_letter_id: string, refusal: Refusal, now_ms: number): boolean {
  const reopened = db.run(
    `UPDATE dead_letter SET state = CASE WHEN payload IS NULL AND key IS NULL THEN 'discarded' ELSE 'open' END, attempts = attempts + 1,
       class = ?, code = ?, field = ?, message = ?, at_ms = ? WHERE dead_letter_id = ?`,
    refusal.class,
    refusal.code,
    refusal.field ?? null,
    refusal.message,
    now_ms,
    dead_letter_id,
  );
  return reopened === 1;
}

/** Takes the copies away from dead letters; those still open have nothing left to retry. Returns how many had one. */
export function eraseDeadLetters(db: Database, condition: string, ...parameters: (string | number)[]): number {
  return db.run(
    `UPDATE dead_letter SET payload = NULL, state = CASE state WHEN 'open' THEN 'discarded' ELSE state END
     WHERE payload IS NOT NULL AND ${condition}`,
    ...parameters,
  );
}

export function deadLetters(db: Database, query: DeadLetterQuery): DeadLetter[] {
  return db.all<DeadLetter>(
    `SELECT d.dead_letter_id, d.stream, d.destination_id, p.name AS partition, d.partition_id, d.offset, d.key, d.class, d.code,
            d.field, d.message, d.attempts, iif(?6, NULL, d.payload) AS payload, d.at_ms, d.state
     FROM dead_letter d JOIN partition p USING (partition_id)
     WHERE (?1 IS NULL OR d.stream = ?1) AND (?2 IS NULL OR d.destination_id = ?2) AND (?3 IS NULL OR d.state = ?3)
       AND (?4 IS NULL OR d.dead_letter_id IN (SELECT value FROM json_each(?4)))
     ORDER BY d.at_ms, d.partition_id, d.offset, d.dead_letter_id LIMIT ?5`,
    query.stream ?? null,
    query.destination_id ?? null,
    query.state ?? null,
    query.ids ? JSON.stringify(query.ids) : null,
    query.limit ?? 1000,
    query.without_payload === true ? 1 : 0,
  );
}

/** Opens a batch of one item under a new key, for the destination that refused it. */
export function retryDeadLetter(db: Database, dead_letter_id: string, new_batch_id: string): 'retried' | 'gone' {
  return db.transaction(() => {
    const letter = db.get<{
      destination_id: string | null;
      partition_id: number;
      offset: number;
      bytes: number | null;
    }>(
      `SELECT destination_id, partition_id, offset, octet_length(payload) AS bytes FROM dead_letter
       WHERE dead_letter_id = ? AND state = 'open' AND payload IS NOT NULL AND destination_id IS NOT NULL`,
      dead_letter_id,
    );
    if (!letter) return 'gone';
    db.run(
      `INSERT INTO batch (batch_id, destination_id, partition_id, first_offset, last_offset, items, bytes, state, retry_of)
       VALUES (?, ?, ?, ?, ?, 1, ?, 'open', ?)`,
      new_batch_id,
      letter.destination_id,
      letter.partition_id,
      letter.offset,
      letter.offset,
      letter.bytes,
      dead_letter_id,
    );
    setState(db, dead_letter_id, 'retried');
    return 'retried';
  });
}

export function setState(db: Database, dead_letter_id: string, state: DeadLetter['state']): boolean {
  return (
    db.run(`UPDATE dead_letter SET state = ? WHERE dead_letter_id = ? AND state = 'open'`, state, dead_letter_id) === 1
  );
}

import type { Transaction } from './database.ts';

/** A claim takes so many fences of the counter at once: more than one claim has keys (TRANSACTION_LIMITS.max_rows). */
export const FENCES_A_CLAIM = 1024;

/** The fence before those of a claim, which numbers its keys from 1. For use within a statement. */
export const NEXT_FENCES = `nextval('syncline.fence') * ${FENCES_A_CLAIM}`;

/** The newest fence that any claim may have. */
export const NEWEST_FENCE = `(SELECT last_value FROM syncline.fence) * ${FENCES_A_CLAIM} + ${FENCES_A_CLAIM - 1}`;

/** The next fence of this database: it only grows, so no holder's number ever comes back. */
export function nextFence(tx: Transaction): Promise<number> {
  return tx.value<number>(`SELECT ${NEXT_FENCES} + 1`);
}

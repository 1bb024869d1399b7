import { FullError } from '../../platform/errors.ts';
import type { Transaction } from './database.ts';

/** What an entry takes besides its payload: its row, and its places in the indexes. */
const BYTES_AN_ENTRY = 250;

/**
 * What the journal holds. Not the size of its files: those shrink when PostgreSQL decides, so that a journal that was full
 * once would stay so after retention.
 */
export function usedBytes(tx: Transaction): Promise<number> {
  return tx.value<number>(
    `SELECT coalesce(sum(bytes + ${BYTES_AN_ENTRY} * (last_offset - first_offset + 1)), 0)::bigint FROM syncline.partition`,
  );
}

/** @throws FullError at the cap; settling and retention go on */
export async function requireRoom(tx: Transaction, cap_bytes: number): Promise<void> {
  if (cap_bytes === Infinity || (await usedBytes(tx)) < cap_bytes) return;
  throw new FullError(`The journal has reached its cap of ${cap_bytes} bytes`, {
    hint: 'Nothing is lost: capture waits and goes on when deliveries settle. See `syncline status`, or raise storage.max_bytes.',
  });
}

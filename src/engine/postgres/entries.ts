import type { Entry } from '../store.ts';
import type { Transaction } from './database.ts';

export interface EntryRow {
  partition_id: number;
  offset: number;
  source_id: number;
  cursor: string;
  subject_id: number | null;
  observed_ms: number;
  bytes: number;
  payload: string | null;
  key: string | null;
}

export async function insertEntries(tx: Transaction, rows: readonly EntryRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.run(
    `INSERT INTO syncline.entry (partition_id, "offset", source_id, cursor, subject_id, observed_ms, bytes, payload, key)
     SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::text[], $5::bigint[], $6::bigint[], $7::bigint[],
                          $8::text[], $9::text[])`,
    rows.map((row) => row.partition_id),
    rows.map((row) => row.offset),
    rows.map((row) => row.source_id),
    rows.map((row) => row.cursor),
    rows.map((row) => row.subject_id),
    rows.map((row) => row.observed_ms),
    rows.map((row) => row.bytes),
    rows.map((row) => row.payload),
    rows.map((row) => row.key),
  );
}

/** Entries of a range of offsets, lowest first. */
export function readEntries(
  tx: Transaction,
  partition_id: number,
  first_offset: number,
  last_offset: number,
): Promise<Entry[]> {
  return tx.all<Entry>(
    `SELECT "offset", payload FROM syncline.entry
     WHERE partition_id = $1 AND "offset" BETWEEN $2 AND $3 ORDER BY "offset"`,
    partition_id,
    first_offset,
    last_offset,
  );
}

/** Entries and bytes of a range of offsets; erased entries count. */
export async function sizeOfRange(
  tx: Transaction,
  partition_id: number,
  first: number,
  last: number,
): Promise<{ items: number; bytes: number }> {
  const row = await tx.get<{ items: number; bytes: number }>(
    `SELECT count(*) AS items, coalesce(sum(bytes), 0)::bigint AS bytes FROM syncline.entry
     WHERE partition_id = $1 AND "offset" BETWEEN $2 AND $3`,
    partition_id,
    first,
    last,
  );
  return row ?? { items: 0, bytes: 0 };
}

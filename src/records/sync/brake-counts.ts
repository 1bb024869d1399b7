import type { Side } from '../model/value.ts';
import type { FlowDatabase } from './flow-database.ts';

/** What one object changed on one side. */
export interface SideCounts {
  creates: number;
  updates: number;
  deletes: number;
}

/** This hour's counts of a side, and how many changes beyond its limits a person allowed. */
export interface BrakeCounts extends SideCounts {
  allowed: number;
}

const NONE: BrakeCounts = { creates: 0, updates: 0, deletes: 0, allowed: 0 };

/** Counts of the hour that the database's clock is in. `pairs`: keys that both sides are known to have. */
export async function brakeCounts(
  database: FlowDatabase,
  stream: string,
): Promise<Record<Side, BrakeCounts> & { pairs: number }> {
  const rows = await database.query<BrakeCounts & { side: Side }>(
    `SELECT side, creates, updates, deletes, allowed FROM syncline.brake
      WHERE stream = $1 AND hour = date_trunc('hour', clock_timestamp())`,
    [stream],
  );
  const [known] = await database.query<{ pairs: number }>(
    `SELECT count(*) AS pairs FROM syncline.link
      WHERE stream = $1 AND had_salesforce = 'present' AND had_postgres = 'present'`,
    [stream],
  );
  const of = (side: Side): BrakeCounts => rows.find((row) => row.side === side) ?? NONE;
  return { salesforce: of('salesforce'), postgres: of('postgres'), pairs: known?.pairs ?? 0 };
}

/**
 * Counts what is about to be written, before it is: what a crash leaves counted too much errs on the safe side. All or
 * nothing: returns false when `most` of the hour would be passed meanwhile by another worker.
 */
export async function countChanges(
  database: FlowDatabase,
  stream: string,
  side: Side,
  more: SideCounts,
  most: SideCounts,
): Promise<boolean> {
  const counted = await database.query(
    `INSERT INTO syncline.brake AS b (stream, side, hour, creates, updates, deletes)
     VALUES ($1, $2, date_trunc('hour', clock_timestamp()), $3, $4, $5)
     ON CONFLICT (stream, side, hour) DO UPDATE
        SET creates = b.creates + $3, updates = b.updates + $4, deletes = b.deletes + $5
      WHERE b.creates + $3 <= $6 + b.allowed AND b.updates + $4 <= $7 + b.allowed AND b.deletes + $5 <= $8 + b.allowed
     RETURNING 1`,
    [stream, side, more.creates, more.updates, more.deletes, most.creates, most.updates, most.deletes],
  );
  return counted.length > 0;
}

/** Lets so many changes more through in this hour, on both sides: `resume --allow N`. */
export async function allowMore(database: FlowDatabase, stream: string, changes: number): Promise<void> {
  await database.query(
    `INSERT INTO syncline.brake AS b (stream, side, hour, allowed)
     SELECT $1, side, date_trunc('hour', clock_timestamp()), $2 FROM unnest(ARRAY['salesforce', 'postgres']) AS s (side)
     ON CONFLICT (stream, side, hour) DO UPDATE SET allowed = b.allowed + $2`,
    [stream, changes],
  );
}

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
  allowed: SideCounts;
}

const NOTHING: SideCounts = { creates: 0, updates: 0, deletes: 0 };
const NONE: BrakeCounts = { ...NOTHING, allowed: NOTHING };

/** Counts of the hour that the database's clock is in. */
export async function brakeCounts(database: FlowDatabase, stream: string): Promise<Record<Side, BrakeCounts>> {
  const rows = await database.query<BrakeCounts & { side: Side }>(
    `SELECT side, creates, updates, deletes,
            json_build_object('creates', allowed_creates, 'updates', allowed_updates, 'deletes', allowed_deletes) AS allowed
       FROM syncline.brake WHERE stream = $1 AND hour = date_trunc('hour', clock_timestamp())`,
    [stream],
  );
  const of = (side: Side): BrakeCounts => rows.find((row) => row.side === side) ?? NONE;
  return { salesforce: of('salesforce'), postgres: of('postgres') };
}

/** Keys that both sides had when they last agreed. Reads every link of the object. */
export async function countPairs(database: FlowDatabase, stream: string): Promise<number> {
  const [known] = await database.query<{ pairs: number }>(
    `SELECT count(*) AS pairs FROM syncline.link
      WHERE stream = $1 AND had_salesforce = 'present' AND had_postgres = 'present'`,
    [stream],
  );
  return known?.pairs ?? 0;
}

/**
 * Counts what is about to be written, before it is: what a crash leaves counted too much errs on the safe side. False when the
 * counts are not `before` any more: another worker counted meanwhile.
 */
export async function countChanges(
  database: FlowDatabase,
  stream: string,
  side: Side,
  before: SideCounts,
  after: SideCounts,
): Promise<boolean> {
  const is_same = COUNTED.every((kind) => before[kind] === after[kind]);
  if (is_same) return true;
  const counted = await database.query(
    `INSERT INTO syncline.brake AS b (stream, side, hour, creates, updates, deletes)
     SELECT $1, $2, date_trunc('hour', clock_timestamp()), $3, $4, $5
     ON CONFLICT (stream, side, hour) DO UPDATE SET creates = $3, updates = $4, deletes = $5
      WHERE b.creates = $6 AND b.updates = $7 AND b.deletes = $8
     RETURNING 1`,
    [
      ...[stream, side, after.creates, after.updates, after.deletes],
      ...[before.creates, before.updates, before.deletes],
    ],
  );
  return counted.length > 0;
}

const COUNTED = ['creates', 'updates', 'deletes'] as const;

/** Lets so many changes more through on each side in this hour: `resume --allow N`, or what an applied plan showed. */
export async function allowMore(
  database: FlowDatabase,
  stream: string,
  more: Readonly<Record<Side, SideCounts>>,
): Promise<void> {
  const sides = (['salesforce', 'postgres'] as const).map((side) => ({ side, ...more[side] }));
  await database.query(
    `INSERT INTO syncline.brake AS b (stream, side, hour, allowed_creates, allowed_updates, allowed_deletes)
     SELECT $1, r.side, date_trunc('hour', clock_timestamp()), r.creates, r.updates, r.deletes
       FROM jsonb_to_recordset($2::jsonb) AS r (side text, creates bigint, updates bigint, deletes bigint)
     ON CONFLICT (stream, side, hour) DO UPDATE
        SET allowed_creates = b.allowed_creates + excluded.allowed_creates,
            allowed_updates = b.allowed_updates + excluded.allowed_updates,
            allowed_deletes = b.allowed_deletes + excluded.allowed_deletes`,
    [stream, JSON.stringify(sides)],
  );
}

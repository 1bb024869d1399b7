import type { Document } from '../model/value.ts';
import type { FlowDatabase } from './flow-database.ts';
import type { Cause } from './rows.ts';

/** A key and the values that both its sides are to have. */
export interface KeyWish {
  key: string;
  fields: Document;
}

/**
 * Notes what somebody wants keys to have; a later wish for a field replaces an earlier one that was not carried out yet.
 * The caller marks the keys dirty; the next plan of each makes normal changes of it, under the brakes.
 */
export async function putWishes(
  database: FlowDatabase,
  stream: string,
  wishes: readonly KeyWish[],
  cause: Cause,
  actor: string,
): Promise<void> {
  await database.query(
    `INSERT INTO syncline.wish AS w (stream, key, fields, cause, actor)
     SELECT $1, r.key, r.fields, $3, $4 FROM jsonb_to_recordset($2::jsonb) AS r (key text, fields jsonb)
     ON CONFLICT (stream, key) DO UPDATE
        SET fields = w.fields || excluded.fields, cause = excluded.cause, actor = excluded.actor,
            made_at = clock_timestamp()`,
    [stream, JSON.stringify(wishes), cause, actor],
  );
}

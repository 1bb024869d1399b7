/** Which way a group of changes goes. Pure: by how many there are, what they depend on, and what calls are left. */

/**
 * `rest`: one call for one record · `collections`: 200 a call · `graph`: parents and children created in one go ·
 * `bulk`: a job for thousands.
 */
export type Lane = 'rest' | 'collections' | 'graph' | 'bulk';

/** Records of one Collections call (§12.5). */
export const COLLECTION_RECORDS = 200;
/** Salesforce itself advises Bulk above this many (§12.7). */
export const BULK_FROM = 2_000;
/** Calls of a bulk job: create, upload, close, some looks at its state, results. */
const BULK_CALLS = 10;

export interface LaneQuestion {
  /** Of one kind of call. */
  readonly count: number;
  /** Some of them must come after others of the same call. */
  readonly dependent: boolean;
  readonly bulk_from: number;
  /** Null: not known. */
  readonly calls_left: number | null;
}

export function chooseLane({ count, dependent, bulk_from, calls_left }: LaneQuestion): Lane {
  if (dependent) return 'graph';
  if (count === 1) return 'rest';
  const calls = Math.ceil(count / COLLECTION_RECORDS);
  const scarce = calls_left !== null && calls > BULK_CALLS && calls > calls_left / 10;
  return count >= bulk_from || scarce ? 'bulk' : 'collections';
}

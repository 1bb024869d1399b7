import { InvalidInputError } from '../../platform/errors.ts';
import type { RecordChange } from '../change.ts';
import type { FlowDatabase } from './flow-database.ts';
import type { Link } from './rows.ts';
import type { RecordStream } from './streams.ts';

/** An entry with its place. */
export interface PlacedChange extends RecordChange {
  readonly offset: number;
}

/** What was told of a key since it was settled last, oldest first. */
export interface KeyChanges {
  readonly salesforce: readonly PlacedChange[];
  readonly postgres: readonly PlacedChange[];
}

/** Most entries of one key that are read at once; the key goes on with the rest after them. */
const MOST_ENTRIES = 500;

/**
 * Entries of many keys after the offsets of their links, in one query: `EngineStore.keyed.entriesOf` would take one for each
 * key and side, 400 for a claim.
 */
export async function readKeyChanges(
  database: FlowDatabase,
  { salesforce, postgres }: RecordStream,
  links: readonly Link[],
): Promise<KeyChanges[]> {
  const rows = await database.query<{ i: number; partition_id: number; offset: number; payload: string | null }>(
    `SELECT k.i, e.partition_id, e."offset", e.payload
       FROM unnest($1::text[], $2::bigint[], $3::bigint[]) WITH ORDINALITY AS k (key, salesforce, postgres, i)
      CROSS JOIN LATERAL (
        (SELECT partition_id, "offset", payload FROM syncline.entry
          WHERE key = k.key AND partition_id = $4 AND "offset" > k.salesforce ORDER BY "offset" LIMIT $6)
        UNION ALL
        (SELECT partition_id, "offset", payload FROM syncline.entry
          WHERE key = k.key AND partition_id = $5 AND "offset" > k.postgres ORDER BY "offset" LIMIT $6)) e
      ORDER BY k.i, e.partition_id, e."offset"`,
    [
      links.map(({ key }) => key),
      links.map((link) => link.salesforce.folded[salesforce.partition_id] ?? 0),
      links.map(({ postgres_offset }) => postgres_offset),
      salesforce.partition_id,
      postgres.partition_id,
      MOST_ENTRIES,
    ],
  );
  const changes = links.map(() => ({ salesforce: [] as PlacedChange[], postgres: [] as PlacedChange[] }));
  for (const { i, partition_id, offset, payload } of rows) {
    // Erased: whatever it said, the record itself is to be looked at.
    const change = payload === null ? ERASED : parseChange(payload);
    const side = partition_id === salesforce.partition_id ? 'salesforce' : 'postgres';
    changes[i - 1]?.[side].push({ ...change, side, offset });
  }
  return changes;
}

const ERASED: RecordChange = {
  side: 'salesforce',
  operation: 'touched',
  fields: {},
  whole: false,
  salesforce_id: null,
  committed_ms: null,
  ours: false,
  actor: null,
  session: null,
};

/** Entries are written by this program alone; one that is none was damaged. */
function parseChange(payload: string): RecordChange {
  try {
    return JSON.parse(payload) as RecordChange;
  } catch {
    throw new InvalidInputError('records.entry', 'An entry of the journal of records is not JSON', {
      hint: 'Run `syncline doctor`; then `syncline records drift --repair` for the object.',
    });
  }
}

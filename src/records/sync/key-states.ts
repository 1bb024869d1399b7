import type { Document, Value } from '../model/value.ts';
import { UNHEARD, type SalesforceState } from '../plan/fold.ts';
import type { FlowDatabase } from './flow-database.ts';
import type { Intent, KnownConflict, Link, Resolution, Wish } from './rows.ts';
import type { RecordStream } from './streams.ts';

type Presence = SalesforceState['presence'];

/** All that the flow has noted of one key. */
export interface KeyState {
  /** Version 0 when the key was never seen. */
  link: Link;
  /** Those that may still matter, oldest first: unanswered, or not seen in a change event yet. */
  intents: readonly Intent[];
  /** Open ones, and those that were resolved and not carried out yet. */
  conflicts: readonly KnownConflict[];
  wish: Wish | null;
}

interface Row {
  key: string;
  salesforce_id: string | null;
  salesforce_presence: Presence | null;
  salesforce: Document | null;
  salesforce_whole: boolean | null;
  salesforce_modified_ms: number | null;
  salesforce_as_of_ms: number | null;
  salesforce_offset: number | null;
  postgres_offset: number | null;
  base: Document | null;
  had_salesforce: Presence | null;
  had_postgres: Presence | null;
  mapping_version: string | null;
  version: number | null;
  intents: Omit<Intent, 'stream' | 'key'>[] | null;
  conflicts: ConflictColumns[] | null;
  wish: Wish | null;
}

interface ConflictColumns {
  conflict_id: string;
  field: string | null;
  base: Value;
  salesforce: Value;
  postgres: Value;
  overwritten: boolean;
  resolution: Resolution | null;
}

/** Reads what is noted of the keys, in one query; one state for each, in their order. */
export async function readKeyStates(
  database: FlowDatabase,
  { stream, salesforce }: RecordStream,
  keys: readonly string[],
): Promise<KeyState[]> {
  const rows = await database.query<Row>(STATES, [stream, keys]);
  return rows.map((row) => stateOf(stream, salesforce.partition_id, row));
}

const STATES = `
  SELECT k.key, l.salesforce_id, l.salesforce_presence, l.salesforce, l.salesforce_whole, l.salesforce_modified_ms,
         l.salesforce_as_of_ms, l.salesforce_offset, l.postgres_offset, l.base, l.had_salesforce, l.had_postgres,
         l.mapping_version, l.version,
         (SELECT json_agg(json_build_object('intent_id', t.intent_id, 'operation', t.operation, 'fields', t.fields,
                          'before', t.before, 'carried', t.carried, 'state', t.state, 'seen', t.seen) ORDER BY t.sent_at)
            FROM syncline.intent t
           WHERE t.stream = $1 AND t.key = k.key AND NOT t.seen AND t.state <> 'refused') AS intents,
         (SELECT json_agg(json_build_object('conflict_id', c.conflict_id, 'field', c.field, 'base', c.base,
                          'salesforce', c.salesforce, 'postgres', c.postgres, 'overwritten', c.overwritten,
                          'resolution', CASE c.state WHEN 'resolved' THEN c.resolution END))
            FROM syncline.conflict c
           WHERE c.stream = $1 AND c.key = k.key
             AND (c.state = 'open' OR c.state = 'resolved' AND c.closed_at IS NULL)) AS conflicts,
         (SELECT json_build_object('fields', w.fields, 'cause', w.cause, 'actor', w.actor)
            FROM syncline.wish w WHERE w.stream = $1 AND w.key = k.key) AS wish
    FROM unnest($2::text[]) WITH ORDINALITY AS k (key, i)
    LEFT JOIN syncline.link l ON l.stream = $1 AND l.key = k.key
   ORDER BY k.i`;

function stateOf(stream: string, partition_id: number, row: Row): KeyState {
  const { key, base, had_salesforce, had_postgres } = row;
  const had = { salesforce: had_salesforce ?? 'unknown', postgres: had_postgres ?? 'unknown' } as const;
  const link: Link = {
    stream,
    key,
    salesforce: salesforceOf(partition_id, row),
    postgres_offset: row.postgres_offset ?? 0,
    agreed: base === null ? null : { base, had },
    mapping_version: row.mapping_version ?? '',
    version: row.version ?? 0,
  };
  return {
    link,
    intents: (row.intents ?? []).map((intent) => ({ ...intent, stream, key })),
    conflicts: (row.conflicts ?? []).map((conflict) => ({ ...conflict, stream, key })),
    wish: row.wish,
  };
}

function salesforceOf(partition_id: number, row: Row): SalesforceState {
  const folded = { [partition_id]: row.salesforce_offset ?? 0 };
  if (row.version === null) return { ...UNHEARD, folded };
  return {
    presence: row.salesforce_presence ?? 'unknown',
    id: row.salesforce_id,
    document: row.salesforce ?? {},
    whole: row.salesforce_whole ?? false,
    modified_ms: row.salesforce_modified_ms,
    as_of_ms: row.salesforce_as_of_ms,
    folded,
  };
}

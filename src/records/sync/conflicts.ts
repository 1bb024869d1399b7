import type { FlowDatabase } from './flow-database.ts';
import type { Conflict, Resolution } from './rows.ts';

export interface ConflictQuery {
  stream?: string | undefined;
  /** `''`: conflicts about whole records. */
  field?: string | undefined;
  key?: string | undefined;
  ids?: readonly string[] | undefined;
  state?: 'open' | 'resolved' | 'superseded' | undefined;
}

export interface ListedConflict extends Conflict {
  state: 'open' | 'resolved' | 'superseded';
  resolution: Resolution | null;
  resolved_by: string | null;
  opened_ms: number;
}

/** Conflicts of one field of one object, which one command can settle. */
export interface ConflictGroup {
  stream: string;
  /** Null: about whole records. */
  field: string | null;
  conflicts: number;
  oldest_ms: number;
}

/** `$1` to `$5`, in the order of `valuesOf`. */
const MATCHES = `($1::text IS NULL OR stream = $1) AND ($2::text IS NULL OR coalesce(field, '') = $2)
  AND ($3::text IS NULL OR key = $3) AND ($4::uuid[] IS NULL OR conflict_id = ANY($4))
  AND ($5::text IS NULL OR state = $5)`;

function valuesOf(query: ConflictQuery): unknown[] {
  return [query.stream ?? null, query.field ?? null, query.key ?? null, query.ids ?? null, query.state ?? null];
}

/** Oldest first, with the values of both sides: for an operator's eyes only. */
export async function listConflicts(
  database: FlowDatabase,
  query: ConflictQuery,
  limit: number,
): Promise<ListedConflict[]> {
  return database.query<ListedConflict>(
    `SELECT conflict_id, stream, key, field, base, salesforce, postgres, state, resolution, resolved_by,
            (extract(epoch FROM opened_at) * 1000)::bigint AS opened_ms
       FROM syncline.conflict WHERE ${MATCHES} ORDER BY opened_at, conflict_id LIMIT $6`,
    [...valuesOf(query), limit],
  );
}

/** Open conflicts by object and field, the largest group first. No value and no key. */
export async function conflictGroups(database: FlowDatabase, stream?: string): Promise<ConflictGroup[]> {
  return database.query<ConflictGroup>(
    `SELECT stream, field, count(*) AS conflicts, (extract(epoch FROM min(opened_at)) * 1000)::bigint AS oldest_ms
       FROM syncline.conflict WHERE state = 'open' AND ($1::text IS NULL OR stream = $1)
      GROUP BY stream, field ORDER BY conflicts DESC, stream, field`,
    [stream ?? null],
  );
}

/** Most conflicts of one step; their keys are marked dirty in one call. */
const STEP = 1000;

/**
 * Notes what a person chose for open conflicts, at most a thousand. The next plan of each key carries it out. Returns the
 * keys, which the caller marks dirty; fewer than a thousand conflicts = no more are open.
 */
export async function resolveStep(
  database: FlowDatabase,
  query: ConflictQuery,
  resolution: Resolution,
  actor: string,
): Promise<{ resolved: number; keys: { stream: string; key: string }[]; more: boolean }> {
  const rows = await database.query<{ stream: string; key: string }>(
    `UPDATE syncline.conflict SET state = 'resolved', resolution = $6, resolved_by = $7
      WHERE conflict_id IN (SELECT conflict_id FROM syncline.conflict
                             WHERE ${MATCHES} ORDER BY opened_at, conflict_id LIMIT ${STEP} FOR UPDATE)
        AND state = 'open'
     RETURNING stream, key`,
    [...valuesOf({ ...query, state: 'open' }), JSON.stringify(resolution), actor],
  );
  return { resolved: rows.length, keys: rows, more: rows.length === STEP };
}

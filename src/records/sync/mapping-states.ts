import { StaleError } from '../../platform/errors.ts';
import type { ObjectMapping } from '../model/mapping.ts';
import type { FlowDatabase } from './flow-database.ts';

/**
 * How far a person has let a version of a mapping go: `new → planned → applied → replaced`. Nothing is written to either side
 * unless it is `applied` and not paused (R16).
 */
export type MappingState = 'new' | 'planned' | 'applied' | 'replaced';

/** Why an applied object sends nothing. No value and no key: a sample is asked for by `records status`. */
export interface PauseReason {
  reason: 'operator' | 'brake' | 'schema' | 'truncated' | 'unreadable';
  message: string;
  side?: 'salesforce' | 'postgres';
  at_ms: number;
}

export interface MappingRow {
  stream: string;
  version: string;
  state: MappingState;
  paused: PauseReason | null;
  planned_ms: number | null;
  applied_ms: number | null;
  applied_by: string | null;
}

const COLUMNS = `stream, version, state, paused, applied_by,
  (extract(epoch FROM planned_at) * 1000)::bigint AS planned_ms,
  (extract(epoch FROM applied_at) * 1000)::bigint AS applied_ms`;

/** The engine's stream of an object. */
export function streamOf(mapping: Pick<ObjectMapping, 'name'>): string {
  return `records/${mapping.name}`;
}

/** Notes that this version exists; one that is known stays as it is. Returns where it stands. */
export async function noteMapping(database: FlowDatabase, mapping: ObjectMapping): Promise<MappingRow> {
  const [row] = await database.query<MappingRow>(
    `INSERT INTO syncline.mapping (stream, version, definition, state) VALUES ($1, $2, $3, 'new')
     ON CONFLICT (stream, version) DO UPDATE SET definition = excluded.definition
     RETURNING ${COLUMNS}`,
    [streamOf(mapping), mapping.version, JSON.stringify(mapping)],
  );
  return row as MappingRow;
}

/** Every version of every object that is not replaced. */
export async function mappingRows(database: FlowDatabase): Promise<MappingRow[]> {
  return database.query<MappingRow>(
    `SELECT ${COLUMNS} FROM syncline.mapping WHERE state <> 'replaced' ORDER BY stream, planned_at NULLS LAST, version`,
  );
}

/** Of these streams: the version that may write now. */
export async function writable(database: FlowDatabase, streams: readonly string[]): Promise<Map<string, string>> {
  const rows = await database.query<{ stream: string; version: string }>(
    `SELECT stream, version FROM syncline.mapping WHERE stream = ANY($1) AND state = 'applied' AND paused IS NULL`,
    [streams],
  );
  return new Map(rows.map(({ stream, version }) => [stream, version]));
}

/** A person was shown what this version would do. */
export async function markPlanned(database: FlowDatabase, stream: string, version: string): Promise<void> {
  await database.query(
    `UPDATE syncline.mapping SET state = CASE state WHEN 'applied' THEN state ELSE 'planned' END,
            planned_at = clock_timestamp()
      WHERE stream = $1 AND version = $2`,
    [stream, version],
  );
}

/**
 * A person said yes to what they were shown. The version applied before is replaced; a pause goes with it.
 * @throws StaleError `records.not_planned` when nobody was shown what it would do
 */
export async function markApplied(
  database: FlowDatabase,
  stream: string,
  version: string,
  actor: string,
): Promise<void> {
  await database.postgres.transaction(async (connection) => {
    await connection.begin('');
    await connection.query(
      database.sql(
        `UPDATE syncline.mapping SET state = 'replaced', paused = NULL
          WHERE stream = $1 AND version <> $2 AND state = 'applied'`,
      ),
      [stream, version],
    );
    const done = await connection.query(
      database.sql(
        `UPDATE syncline.mapping
            SET state = 'applied', paused = NULL, applied_at = clock_timestamp(), applied_by = $3
          WHERE stream = $1 AND version = $2 AND planned_at IS NOT NULL RETURNING 1`,
      ),
      [stream, version, actor],
    );
    if (done.length === 0)
      throw new StaleError('records.not_planned', `This version of ${stream} was never planned`, {
        hint: 'Run `syncline records plan` and look at what it would do.',
      });
    await connection.commit([]);
  });
}

/** Nothing of the object is sent any more. The first reason stays. Returns whether it was not paused before. */
export async function pauseObject(database: FlowDatabase, stream: string, reason: PauseReason): Promise<boolean> {
  const done = await database.query(
    `UPDATE syncline.mapping SET paused = $2 WHERE stream = $1 AND state = 'applied' AND paused IS NULL RETURNING 1`,
    [stream, JSON.stringify(reason)],
  );
  return done.length > 0;
}

/** Returns whether it was paused. */
export async function resumeObject(database: FlowDatabase, stream: string): Promise<boolean> {
  const done = await database.query(
    `UPDATE syncline.mapping SET paused = NULL WHERE stream = $1 AND paused IS NOT NULL RETURNING 1`,
    [stream],
  );
  return done.length > 0;
}

import { globMatcher } from '../../../platform/glob.ts';
import type { Postgres, PostgresConnection } from '../../../storage/postgres/postgres.ts';
import { storable } from '../../../storage/postgres/steps.ts';
import type { Reader, SessionFilter } from '../session-store.ts';

/** The parameters of a statement that is put together from conditions. */
export class Parameters {
  readonly values: unknown[] = [];

  /** Its place in the statement: `$1`. */
  add(value: unknown): string {
    this.values.push(typeof value === 'string' ? storable(value) : value);
    return `$${this.values.length}`;
  }
}

/** Filters with the glob over projects read as the projects it means. */
export interface ReadableSessions {
  reader: Reader;
  filter: SessionFilter;
  projects: readonly string[] | null;
}

export async function readable(
  database: Postgres | PostgresConnection,
  reader: Reader,
  filter: SessionFilter,
): Promise<ReadableSessions> {
  if (filter.project === undefined) return { reader, filter, projects: null };
  const matches = globMatcher(filter.project);
  const rows = await database.query<{ project: string }>(
    'SELECT DISTINCT project FROM syncline_sessions.session WHERE team_id = $1',
    [storable(reader.team_id)],
  );
  return { reader, filter, projects: rows.map(({ project }) => project).filter(matches) };
}

/** A condition on `session s`: the sessions that a reader sees with these filters, of the reader's team alone (S5). */
export function isVisible({ reader, filter, projects }: ReadableSessions, parameters: Parameters): string {
  const conditions = [
    `s.team_id = ${parameters.add(reader.team_id)}`,
    filter.trashed === true ? `s.presence <> 'deleted'` : `s.presence NOT IN ('trashed', 'deleted')`,
  ];
  if (filter.subagents !== true) conditions.push(`s.relationship <> 'subagent'`);
  // Nobody speaks to a subagent: whoever asks for subagents gets them.
  if (filter.automated !== true)
    conditions.push(`(s.relationship = 'subagent' OR (NOT s.is_automated AND s.user_message_count > 0))`);
  for (const column of ['agent', 'member', 'device'] as const) {
    const wanted = filter[column];
    if (wanted !== undefined) conditions.push(`s.${column} = ${parameters.add(wanted)}`);
  }
  if (projects !== null) conditions.push(`s.project = ANY (${parameters.add(projects)}::text[])`);
  if (filter.model !== undefined) conditions.push(`${parameters.add(filter.model)} = ANY (s.models)`);
  if (filter.since_ms !== undefined) conditions.push(`s.started_at_ms >= ${parameters.add(filter.since_ms)}`);
  if (filter.until_ms !== undefined) conditions.push(`s.started_at_ms < ${parameters.add(filter.until_ms)}`);
  if (filter.starred !== undefined) conditions.push(`s.starred = ${parameters.add(filter.starred)}`);
  return conditions.join(' AND ');
}

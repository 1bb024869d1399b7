import type { SQLInputValue } from 'node:sqlite';
import { globMatcher } from '../../../platform/glob.ts';
import type { Database } from '../../../storage/sqlite/database.ts';
import type { Reader, SessionFilter } from '../session-store.ts';

/** A condition on `session s` and its parameters. */
export interface Condition {
  sql: string;
  parameters: SQLInputValue[];
}

/** The sessions that a reader sees with these filters: of the reader's team alone (S5). */
export function visible(db: Database, { team_id }: Reader, filter: SessionFilter): Condition {
  const conditions: [sql: string, ...parameters: SQLInputValue[]][] = [
    ['s.team_id = ?', team_id],
    [filter.trashed === true ? `s.presence <> 'deleted'` : `s.presence NOT IN ('trashed', 'deleted')`],
  ];
  if (filter.subagents !== true) conditions.push([`s.relationship <> 'subagent'`]);
  // Nobody speaks to a subagent: whoever asks for subagents gets them.
  if (filter.automated !== true)
    conditions.push([`(s.relationship = 'subagent' OR (s.is_automated = 0 AND s.user_message_count > 0))`]);
  for (const column of ['agent', 'member', 'device'] as const) {
    const wanted = filter[column];
    if (wanted !== undefined) conditions.push([`s.${column} = ?`, wanted]);
  }
  if (filter.project !== undefined)
    conditions.push([
      's.project IN (SELECT value FROM json_each(?))',
      JSON.stringify(projectsLike(db, team_id, filter.project)),
    ]);
  if (filter.model !== undefined)
    conditions.push(['EXISTS (SELECT 1 FROM json_each(s.models) WHERE value = ?)', filter.model]);
  if (filter.since_ms !== undefined) conditions.push(['s.started_at_ms >= ?', filter.since_ms]);
  if (filter.until_ms !== undefined) conditions.push(['s.started_at_ms < ?', filter.until_ms]);
  if (filter.starred !== undefined) conditions.push(['s.starred = ?', Number(filter.starred)]);
  return {
    sql: conditions.map(([sql]) => sql).join(' AND '),
    parameters: conditions.flatMap(([, ...parameters]) => parameters),
  };
}

function projectsLike(db: Database, team_id: string, glob: string): string[] {
  const matches = globMatcher(glob);
  const rows = db.all<{ project: string }>('SELECT DISTINCT project FROM session WHERE team_id = ?', team_id);
  return rows.map(({ project }) => project).filter(matches);
}

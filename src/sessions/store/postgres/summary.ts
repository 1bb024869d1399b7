import type { PostgresConnection } from '../../../storage/postgres/postgres.ts';
import { storable } from '../../../storage/postgres/steps.ts';
import type { SessionSummary } from '../session-store.ts';
import type { TranscriptHead } from '../transcript.ts';

/** What a summary is made of. */
export interface SummaryRow {
  session_id: number;
  team_id: string;
  stored_at_ms: number;
  arriving: boolean;
  commits: number;
  pull_requests: number;
  head: string;
}

export const SUMMARY_COLUMNS =
  's.session_id, s.team_id, s.stored_at_ms, s.arriving, s.commits, s.pull_requests, s.head';

export function summaryOf(row: SummaryRow): SessionSummary {
  const { team_id, stored_at_ms, arriving, commits, pull_requests } = row;
  const head = JSON.parse(row.head) as TranscriptHead;
  return { ...head, team_id, stored_at_ms, arriving, commits, pull_requests };
}

/** Summaries of sessions of a team by their ids. */
export async function summariesById(
  connection: PostgresConnection,
  team_id: string,
  session_ids: readonly number[],
): Promise<Map<number, SessionSummary>> {
  const rows = await connection.query<SummaryRow>(
    `SELECT ${SUMMARY_COLUMNS} FROM syncline_sessions.session s
     WHERE s.team_id = $1 AND s.session_id = ANY ($2::bigint[])`,
    [storable(team_id), session_ids],
  );
  return new Map(rows.map((row) => [row.session_id, summaryOf(row)]));
}

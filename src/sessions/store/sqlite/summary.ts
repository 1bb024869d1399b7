import type { Database } from '../../../storage/sqlite/database.ts';
import type { SessionSummary } from '../session-store.ts';
import type { TranscriptHead } from '../transcript.ts';

/** What a summary is made of. */
export interface SummaryRow {
  session_id: number;
  team_id: string;
  stored_at_ms: number;
  arriving: number;
  commits: number;
  pull_requests: number;
  head: string;
}

/** Columns of `session s`. */
export const SUMMARY_COLUMNS = `s.session_id, s.team_id, s.stored_at_ms, s.arriving, s.commits, s.pull_requests,
  (SELECT head FROM session_head h WHERE h.session_id = s.session_id) AS head`;

export function summaryOf(row: SummaryRow): SessionSummary {
  const { team_id, stored_at_ms, arriving, commits, pull_requests } = row;
  const head = JSON.parse(row.head) as TranscriptHead;
  return { ...head, team_id, stored_at_ms, arriving: arriving === 1, commits, pull_requests };
}

/** Summaries of sessions of a team by their ids. */
export function summariesById(
  db: Database,
  team_id: string,
  session_ids: readonly number[],
): Map<number, SessionSummary> {
  const rows = db.all<SummaryRow>(
    `SELECT ${SUMMARY_COLUMNS} FROM session s
     WHERE s.team_id = ? AND s.session_id IN (SELECT value FROM json_each(?))`,
    team_id,
    JSON.stringify(session_ids),
  );
  return new Map(rows.map((row) => [row.session_id, summaryOf(row)]));
}

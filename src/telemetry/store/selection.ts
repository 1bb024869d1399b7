import type { SQLInputValue } from 'node:sqlite';
import { QUARTER_MS, quarterOf } from './usage-ledger.ts';

/** Times beyond the year 9999 are a sender's mistake and no calendar reaches them. */
export const END_OF_TIME_MS = 253_402_300_800_000;

/** Which usage of one team a query is about. Times are taken to the quarter hour: `since` back to its start, `until` on to its end. */
export interface Selection {
  team_id: string;
  since_ms: number | null;
  until_ms: number | null;
  agent: string | null;
  /** Null: all. */
  workspace_keys: number[] | null;
}

/** Agent of usage: spans know none, their session does. */
export const AGENT = `coalesce(nullif(u.agent, ''), s.agent, s.event_agent, 'unknown')`;
export const MODEL = `coalesce(nullif(u.model, ''), s.model, s.event_model, 'unknown')`;

/** `FROM … WHERE …` of the selection. The team comes first, always: access is decided in the query itself. */
export function fromUsage(selection: Selection): { sql: string; parameters: SQLInputValue[] } {
  const { since_ms, until_ms, agent, workspace_keys } = selection;
  const sql = ['FROM usage u JOIN session s USING (session_key) WHERE u.team_id = ?'];
  const parameters: SQLInputValue[] = [selection.team_id];
  const add = (clause: string, value: SQLInputValue | null): void => {
    if (value === null) return;
    sql.push(clause);
    parameters.push(value);
  };
  add('u.quarter_ms >= ?', since_ms === null ? null : quarterOf(since_ms));
  add('u.quarter_ms < ?', until_ms === null ? null : quarterOf(until_ms + QUARTER_MS - 1));
  add(`${AGENT} = ?`, agent);
  add(
    'u.workspace_key IN (SELECT value FROM json_each(?))',
    workspace_keys === null ? null : JSON.stringify(workspace_keys),
  );
  return { sql: sql.join(' AND '), parameters };
}

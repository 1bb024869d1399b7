import type { SQLInputValue } from 'node:sqlite';

/** Times beyond the year 9999 are a sender's mistake and no calendar reaches them. */
export const END_OF_TIME_MS = 253_402_300_800_000;

/** Which events and spans of one team a query is about. Half-open in time. */
export interface Selection {
  team_id: string;
  since_ms: number | null;
  until_ms: number | null;
  agent: string | null;
  /** Null: all. */
  workspace_keys: number[] | null;
}

export interface Condition {
  sql: string;
  parameters: SQLInputValue[];
}

/** Condition over `event e`. The team comes first, always: access is decided in the query itself. */
export function eventCondition(selection: Selection): Condition {
  return condition(selection, 'e', 'e.ts_ms', 'e.agent = ?');
}

/** Condition over `tool_span t`, which knows its agent only through its session. */
export function spanCondition(selection: Selection): Condition {
  const agent = `EXISTS (SELECT 1 FROM session s WHERE s.session_key = t.session_key AND coalesce(s.agent, s.event_agent) = ?)`;
  return condition(selection, 't', 't.at_ms', agent);
}

function condition(selection: Selection, alias: string, time: string, agent: string): Condition {
  const sql = [`${alias}.team_id = ?`];
  const parameters: SQLInputValue[] = [selection.team_id];
  const add = (clause: string, value: SQLInputValue | null): void => {
    if (value === null) return;
    sql.push(clause);
    parameters.push(value);
  };
  add(`${time} >= ?`, selection.since_ms);
  add(`${time} < ?`, selection.until_ms);
  add(agent, selection.agent);
  add(
    `${alias}.workspace_key IN (SELECT value FROM json_each(?))`,
    selection.workspace_keys === null ? null : JSON.stringify(selection.workspace_keys),
  );
  return { sql: sql.join(' AND '), parameters };
}

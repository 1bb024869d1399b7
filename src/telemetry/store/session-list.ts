import { SynclineError, invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { FIGURES, dollars, figuresOfColumns, type FigureColumns } from './figures.ts';
import { Projects } from './project-filter.ts';
import type { Reader } from './report.ts';

/** Same shape as the operator interface's `SessionRow`; `session` is the session's hash. */
export interface SessionSummary {
  session: string;
  agent: string;
  project: string;
  /** Null when no sender knew it. */
  model: string | null;
  started_ms: number | null;
  last_ms: number | null;
  status: string;
  /** Subagents included, as all figures here. */
  tool_calls: number;
  tool_failures: number;
  tokens_in: number | null;
  tokens_out: number | null;
  cost_usd: number | null;
}

export interface SessionEvent {
  at_ms: number;
  kind: string;
  tool: string | null;
  outcome: string | null;
  tokens_out: number | null;
  cost_usd: number | null;
}

export interface SubagentFigures {
  subagent: string;
  tokens_in: number | null;
  tokens_out: number | null;
  cost_usd: number | null;
}

/** Same shape as the operator interface's `SessionDetail`. */
export interface SessionAccount extends SessionSummary {
  /** The newest MAX_SESSION_EVENTS, oldest first. */
  events: SessionEvent[];
  /** Part of the session's own figures that each subagent has. */
  subagents: SubagentFigures[];
}

export interface SessionQuery {
  since_ms: number | null;
  project: string | null;
  agent: string | null;
  limit: number;
}

/** Most events one session's detail shows. */
export const MAX_SESSION_EVENTS = 2000;

interface SessionColumns {
  session_key: number;
  session_id_hash: string;
  agent: string | null;
  model: string | null;
  workspace_key: number | null;
  started_ms: number | null;
  last_ms: number | null;
  status: string | null;
}

const SESSION_COLUMNS = `s.session_key, s.session_id_hash, coalesce(s.agent, s.event_agent) AS agent,
  coalesce(s.model, nullif(s.event_model, 'unknown')) AS model,
  coalesce(s.account_workspace, s.event_workspace) AS workspace_key,
  coalesce(min(s.started_at_ms, s.event_first_ms), s.started_at_ms, s.event_first_ms) AS started_ms,
  nullif(s.activity_ms, 0) AS last_ms, s.status`;

/** The team's sessions, latest activity first. */
export function listSessions(db: Database, reader: Reader, query: SessionQuery): SessionSummary[] {
  return db.snapshot(() => {
    const projects = new Projects(db, reader.team_id, reader.project_names);
    const workspace_keys = projects.matching(query.project);
    const rows = db.all<SessionColumns>(
      `SELECT ${SESSION_COLUMNS} FROM session s
       WHERE s.team_id = ? AND s.activity_ms >= ?
         AND (?3 IS NULL OR coalesce(s.agent, s.event_agent) = ?3)
         AND (?4 IS NULL OR coalesce(s.account_workspace, s.event_workspace) IN (SELECT value FROM json_each(?4)))
       ORDER BY s.activity_ms DESC, s.session_id_hash LIMIT ?`,
      reader.team_id,
      query.since_ms ?? 0,
      query.agent,
      workspace_keys === null ? null : JSON.stringify(workspace_keys),
      query.limit,
    );
    return rows.map((row) => summarize(db, reader.team_id, row, projects));
  });
}

/**
 * One session by its hash, or by a beginning of it that fits no other (with or without the `blake3:`).
 * @throws SynclineError `session.unknown`, `session.ambiguous`
 */
export function showSession(db: Database, reader: Reader, id: string): SessionAccount {
  return db.snapshot(() => {
    const row = findSession(db, reader.team_id, id);
    const projects = new Projects(db, reader.team_id, reader.project_names);
    const events = db.all<SessionEvent & { cost_usd_e6: number | null }>(
      `SELECT ts_ms AS at_ms, kind, tool, outcome, tokens_out, cost_usd_e6 FROM event
       WHERE team_id = ? AND session_key = ? ORDER BY ts_ms DESC, event_seq DESC LIMIT ${MAX_SESSION_EVENTS}`,
      reader.team_id,
      row.session_key,
    );
    const subagents = db.all<SubagentFigures & { cost_usd_e6: number | null }>(
      `SELECT subagent_id_hash AS subagent, ${sumIfKnown('tokens_in')} AS tokens_in,
         ${sumIfKnown('tokens_out')} AS tokens_out, ${sumIfKnown('cost_usd_e6')} AS cost_usd_e6 FROM event
       WHERE team_id = ? AND session_key = ? AND subagent_id_hash IS NOT NULL GROUP BY 1 ORDER BY 1`,
      reader.team_id,
      row.session_key,
    );
    return {
      ...summarize(db, reader.team_id, row, projects),
      events: events.map(inDollars).reverse(),
      subagents: subagents.map(inDollars),
    };
  });
}

function findSession(db: Database, team_id: string, id: string): SessionColumns {
  const prefix = id.startsWith('blake3:') ? id : `blake3:${id}`;
  const rows = db.all<SessionColumns>(
    `SELECT ${SESSION_COLUMNS} FROM session s
     WHERE s.team_id = ?1 AND (s.session_id_hash = ?2 OR (s.session_id_hash >= ?3 AND s.session_id_hash < ?3 || '~'))
     ORDER BY s.session_id_hash <> ?2 LIMIT 2`,
    team_id,
    id,
    prefix,
  );
  const [first, second] = rows;
  if (!first)
    throw new SynclineError('session.unknown', 'No session has this id', {
      hint: 'List sessions with `syncline telemetry list`.',
    });
  if (second && first.session_id_hash !== id)
    throw new SynclineError('session.ambiguous', 'Several sessions begin with this id', {
      hint: 'Give more of its characters.',
    });
  return first;
}

function summarize(db: Database, team_id: string, row: SessionColumns, projects: Projects): SessionSummary {
  const columns = db.get<FigureColumns>(
    `SELECT ${FIGURES} FROM usage u JOIN session s USING (session_key) WHERE u.team_id = ? AND u.session_key = ?`,
    team_id,
    row.session_key,
  );
  invariant(columns, 'an aggregate without groups has one row');
  const figures = figuresOfColumns(columns);
  return {
    session: row.session_id_hash,
    agent: row.agent ?? 'unknown',
    project: projects.nameOf(row.workspace_key),
    model: row.model,
    started_ms: row.started_ms,
    last_ms: row.last_ms,
    status: row.status ?? 'unknown',
    tool_calls: figures.tool_calls,
    tool_failures: figures.tool_failures,
    tokens_in: figures.tokens_in,
    tokens_out: figures.tokens_out,
    cost_usd: figures.cost_usd,
  };
}

function inDollars<T extends { cost_usd_e6: number | null }>({
  cost_usd_e6,
  ...rest
}: T): Omit<T, 'cost_usd_e6'> & { cost_usd: number | null } {
  return { ...rest, cost_usd: dollars(cost_usd_e6) };
}

/** As a floating number: whole ones may grow beyond what JavaScript or SQLite holds exactly, and then fail. */
function sumIfKnown(column: string): string {
  return `CASE WHEN count(${column}) > 0 THEN total(${column}) END`;
}

import { invariant } from '../../platform/errors.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import { FIGURES, figuresOfColumns, isEmpty, type FigureColumns, type Figures } from './figures.ts';
import { LocalCalendar, type LocalDay } from './local-day.ts';
import { Projects, type ProjectNames } from './project-filter.ts';
import { AGENT, END_OF_TIME_MS, MODEL, fromUsage, type Selection } from './selection.ts';
import { quarterOf } from './usage-ledger.ts';

export type ReportBy = 'day' | 'project' | 'model' | 'agent' | 'tool' | 'session';

export interface ReportRequest {
  by: ReportBy;
  /** Times are taken to the quarter hour, outwards. */
  since_ms: number | null;
  until_ms: number | null;
  /** Glob over project names, or a workspace hash. */
  project: string | null;
  agent: string | null;
  limit: number | null;
}

/** Who asks, and how days and projects are called there. */
export interface Reader {
  team_id: string;
  /** IANA name; days begin at its midnights. */
  time_zone: string;
  /** Date of the price table in use, for a report over events that name none. */
  price_date: string;
  project_names?: ProjectNames;
}

/** Same shape as the operator interface's `Report`. */
export interface TelemetryReport {
  by: ReportBy;
  rows: Row[];
  total: Figures;
  /** Newest price table behind the figures. */
  price_date: string;
  unpriced_responses: number;
}

/** Most groups a report without limit gives; days beyond ten years are not walked. */
const MAX_ROWS = 3660;

type Group = Exclude<ReportBy, 'day'>;
type Key = string | number;
type Row = { key: string } & Figures;

const KEY_SQL: Record<Group, string> = {
  project: 'u.workspace_key',
  model: MODEL,
  agent: AGENT,
  tool: 'u.tool',
  session: 'u.session_key',
};

/** Aggregates the team's telemetry by one dimension. Days and sessions come newest first, all else by cost. */
export function report(db: Database, reader: Reader, request: ReportRequest): TelemetryReport {
  return db.snapshot(() => {
    const projects = new Projects(db, reader.team_id, reader.project_names);
    const selection: Selection = {
      team_id: reader.team_id,
      since_ms: request.since_ms,
      until_ms: request.until_ms,
      agent: request.agent,
      workspace_keys: projects.matching(request.project),
    };
    const limit = Math.min(request.limit ?? MAX_ROWS, MAX_ROWS);
    const rows =
      request.by === 'day'
        ? byDay(db, selection, new LocalCalendar(reader.time_zone), limit)
        : byGroup(db, selection, request.by, projects).slice(0, limit);
    const total = aggregate(db, selection);
    return {
      by: request.by,
      rows,
      total: figuresOfColumns(total),
      price_date: total.price_date ?? reader.price_date,
      unpriced_responses: total.unpriced_responses,
    };
  });
}

/** The figures of a whole selection. */
export function figuresOf(db: Database, selection: Selection): Figures {
  return figuresOfColumns(aggregate(db, selection));
}

function aggregate(db: Database, selection: Selection): FigureColumns {
  const from = fromUsage(selection);
  const row = db.get<FigureColumns>(`SELECT ${FIGURES} ${from.sql}`, ...from.parameters);
  invariant(row, 'an aggregate without groups has one row');
  return row;
}

function byGroup(db: Database, selection: Selection, by: Group, projects: Projects): Row[] {
  const from = fromUsage(selection);
  const only = by === 'tool' ? " AND u.tool <> ''" : '';
  const rows = db.all<FigureColumns & { key: Key }>(
    `SELECT ${KEY_SQL[by]} AS key, ${FIGURES} ${from.sql}${only} GROUP BY 1`,
    ...from.parameters,
  );
  const groups = new Map(rows.map((row) => [row.key, figuresOfColumns(row)]));
  for (const [key, figures] of groups) if (isEmpty(figures)) groups.delete(key);
  if (by === 'session') return sessionRows(db, groups);
  if (by === 'project') return projectRows(db, selection, groups, projects);
  return [...groups].map(([key, figures]) => ({ key: String(key), ...figures })).sort(byCost);
}

/** Workspaces of one name are one project; its sessions must be counted anew, since one may stand in both. */
function projectRows(db: Database, selection: Selection, groups: Map<Key, Figures>, projects: Projects): Row[] {
  const keys_by_name = Map.groupBy(groups.keys(), (key) => projects.nameOf(Number(key)));
  return [...keys_by_name]
    .map(([name, keys]) => {
      const [only] = keys;
      const figures = keys.length === 1 && only !== undefined ? groups.get(only) : undefined;
      return {
        key: name,
        ...(figures ?? figuresOf(db, { ...selection, workspace_keys: keys.map(Number) })),
      };
    })
    .sort(byCost);
}

function sessionRows(db: Database, groups: Map<Key, Figures>): Row[] {
  const sessions = db.all<{ session_key: number; session_id_hash: string }>(
    `SELECT session_key, session_id_hash FROM session WHERE session_key IN (SELECT value FROM json_each(?))
     ORDER BY activity_ms DESC, session_id_hash`,
    JSON.stringify([...groups.keys()]),
  );
  return sessions.flatMap(({ session_key, session_id_hash }) => {
    const figures = groups.get(session_key);
    return figures ? [{ key: session_id_hash, ...figures }] : [];
  });
}

/** Unknown cost last; then the busier; then the name, so that a report is the same each time. */
function byCost(a: Row, b: Row): number {
  return (
    (b.cost_usd ?? -1) - (a.cost_usd ?? -1) ||
    b.tool_calls - a.tool_calls ||
    (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  );
}

/** Walks from the newest day with anything on it to the next older; days without anything cost nothing. */
function byDay(db: Database, selection: Selection, calendar: LocalCalendar, limit: number): Row[] {
  const rows: Row[] = [];
  let before_ms = Math.min(selection.until_ms ?? END_OF_TIME_MS, END_OF_TIME_MS);
  while (rows.length < limit) {
    const day = newestDayBefore(db, selection, before_ms, calendar);
    if (!day) break;
    const since_ms = Math.max(day.start_ms, selection.since_ms ?? 0);
    const figures = figuresOf(db, { ...selection, since_ms, until_ms: Math.min(day.end_ms, before_ms) });
    if (!isEmpty(figures)) rows.push({ key: day.date, ...figures });
    before_ms = day.start_ms;
  }
  return rows;
}

function newestDayBefore(
  db: Database,
  selection: Selection,
  before_ms: number,
  calendar: LocalCalendar,
): LocalDay | null {
  const at_ms = db.value<number | null>(
    'SELECT max(quarter_ms) FROM usage WHERE team_id = ? AND quarter_ms < ? AND quarter_ms >= ?',
    selection.team_id,
    before_ms,
    quarterOf(selection.since_ms ?? 0),
  );
  return at_ms === null ? null : calendar.dayOf(at_ms);
}

import type { Database } from '../../storage/sqlite/database.ts';
import {
  EVENT_FIGURES,
  SPAN_FIGURES,
  combineFigures,
  type EventFigures,
  type Figures,
  type SpanFigures,
} from './figures.ts';
import { LocalCalendar, type LocalDay } from './local-day.ts';
import { Projects, type ProjectNames } from './project-filter.ts';
import { END_OF_TIME_MS, eventCondition, spanCondition, type Selection } from './selection.ts';

export type ReportBy = 'day' | 'project' | 'model' | 'agent' | 'tool' | 'session';

export interface ReportRequest {
  by: ReportBy;
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
  rows: ({ key: string } & Figures)[];
  total: Figures;
  /** Newest price table behind the figures. */
  price_date: string;
  unpriced_responses: number;
}

/** Most groups a report without limit gives; days beyond ten years are not walked. */
const MAX_ROWS = 3660;

type Keyed<T> = T & { key: string | number | null };

/** Groups of events and spans. `null` of a span group means that spans cannot tell. */
const GROUPS: Record<Exclude<ReportBy, 'day'>, { event: string; span: string; only_events?: string }> = {
  project: { event: 'e.workspace_key', span: 't.workspace_key' },
  model: {
    event: 'e.model',
    span: `(SELECT coalesce(s.model, s.event_model, 'unknown') FROM session s WHERE s.session_key = t.session_key)`,
  },
  agent: {
    event: 'e.agent',
    span: `(SELECT coalesce(s.agent, s.event_agent, 'unknown') FROM session s WHERE s.session_key = t.session_key)`,
  },
  tool: {
    // A result may not repeat the tool's name; its call knows.
    event: `coalesce(e.tool, (SELECT c.tool FROM event c WHERE c.team_id = e.team_id AND c.session_key = e.session_key
      AND c.kind = 'tool_call' AND c.tool_call_id = e.tool_call_id))`,
    span: `coalesce(t.tool, 'unknown')`,
    only_events: `(e.tool IS NOT NULL OR e.kind = 'tool_result')`,
  },
  session: { event: 'e.session_key', span: 't.session_key' },
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
    const total = figuresOf(db, selection);
    const limit = Math.min(request.limit ?? MAX_ROWS, MAX_ROWS);
    const rows =
      request.by === 'day'
        ? byDay(db, selection, new LocalCalendar(reader.time_zone), limit)
        : byGroup(db, selection, request.by, projects).slice(0, limit);
    return {
      by: request.by,
      rows,
      total: total.figures,
      price_date: total.events?.price_date ?? reader.price_date,
      unpriced_responses: total.events?.unpriced_responses ?? 0,
    };
  });
}

/** The figures of a whole selection. */
export function figuresOf(db: Database, selection: Selection): { events: EventFigures | undefined; figures: Figures } {
  const ofEvents = eventCondition(selection);
  const ofSpans = spanCondition(selection);
  const events = db.get<EventFigures>(
    `SELECT ${EVENT_FIGURES} FROM event e WHERE ${ofEvents.sql}`,
    ...ofEvents.parameters,
  );
  const spans = db.get<SpanFigures>(
    `SELECT ${SPAN_FIGURES} FROM tool_span t WHERE ${ofSpans.sql}`,
    ...ofSpans.parameters,
  );
  return { events, figures: combineFigures(events, spans) };
}

function byGroup(
  db: Database,
  selection: Selection,
  by: Exclude<ReportBy, 'day'>,
  projects: Projects,
): ({ key: string } & Figures)[] {
  const group = GROUPS[by];
  const ofEvents = eventCondition(selection);
  const ofSpans = spanCondition(selection);
  const only = group.only_events === undefined ? '' : ` AND ${group.only_events}`;
  const events = db.all<Keyed<EventFigures>>(
    `SELECT ${group.event} AS key, ${EVENT_FIGURES} FROM event e WHERE ${ofEvents.sql}${only} GROUP BY 1`,
    ...ofEvents.parameters,
  );
  const spans = db.all<Keyed<SpanFigures>>(
    `SELECT ${group.span} AS key, ${SPAN_FIGURES} FROM tool_span t WHERE ${ofSpans.sql} GROUP BY 1`,
    ...ofSpans.parameters,
  );
  const spans_by_key = new Map(spans.map((row) => [row.key, row]));
  const groups = new Map<string | number | null, Figures>();
  for (const row of events) groups.set(row.key, combineFigures(row, spans_by_key.get(row.key)));
  for (const row of spans)
    if (!groups.has(row.key) && row.tool_calls > 0) groups.set(row.key, combineFigures(undefined, row));
  groups.delete(null);
  return named(db, selection, by, groups, projects);
}

/** Puts names in the place of keys and orders the rows. */
function named(
  db: Database,
  selection: Selection,
  by: Exclude<ReportBy, 'day'>,
  groups: Map<string | number | null, Figures>,
  projects: Projects,
): ({ key: string } & Figures)[] {
  if (by === 'session') return sessionRows(db, groups);
  if (by === 'project') return projectRows(db, selection, groups, projects);
  return [...groups].map(([key, figures]) => ({ key: String(key), ...figures })).sort(byCost);
}

/** Workspaces of one name are one project; its sessions must be counted anew, since one may stand in both. */
function projectRows(
  db: Database,
  selection: Selection,
  groups: Map<string | number | null, Figures>,
  projects: Projects,
): ({ key: string } & Figures)[] {
  const keys_by_name = Map.groupBy(groups.keys(), (key) => projects.nameOf(Number(key)));
  return [...keys_by_name]
    .map(([name, keys]) => {
      const [only] = keys;
      const figures = keys.length === 1 && only !== undefined ? groups.get(only) : undefined;
      return {
        key: name,
        ...(figures ?? figuresOf(db, { ...selection, workspace_keys: keys.map(Number) }).figures),
      };
    })
    .sort(byCost);
}

function sessionRows(db: Database, groups: Map<string | number | null, Figures>): ({ key: string } & Figures)[] {
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
function byCost(a: { key: string } & Figures, b: { key: string } & Figures): number {
  return (
    (b.cost_usd ?? -1) - (a.cost_usd ?? -1) ||
    b.tool_calls - a.tool_calls ||
    (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)
  );
}

/** Walks from the newest day with anything on it to the next older; days without anything cost nothing. */
function byDay(
  db: Database,
  selection: Selection,
  calendar: LocalCalendar,
  limit: number,
): ({ key: string } & Figures)[] {
  const rows: ({ key: string } & Figures)[] = [];
  let before_ms = Math.min(selection.until_ms ?? END_OF_TIME_MS, END_OF_TIME_MS);
  while (rows.length < limit) {
    const day = newestDayBefore(db, selection, before_ms, calendar);
    if (!day) break;
    const since_ms = Math.max(day.start_ms, selection.since_ms ?? 0);
    const { figures } = figuresOf(db, { ...selection, since_ms, until_ms: Math.min(day.end_ms, before_ms) });
    if (figures.sessions > 0 || figures.tool_calls > 0) rows.push({ key: day.date, ...figures });
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
    `SELECT max(at_ms) FROM (
       SELECT max(ts_ms) AS at_ms FROM event WHERE team_id = ?1 AND ts_ms < ?2 AND ts_ms >= ?3
       UNION ALL SELECT max(at_ms) FROM tool_span WHERE team_id = ?1 AND at_ms < ?2 AND at_ms >= ?3)`,
    selection.team_id,
    before_ms,
    selection.since_ms ?? 0,
  );
  return at_ms === null ? null : calendar.dayOf(at_ms);
}

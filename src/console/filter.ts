/** What a page shows is written in its URL, all of it, so that any view can be linked, kept and compared. */
import { UsageError } from '../platform/errors.ts';
import { LocalCalendar } from '../telemetry/store/local-day.ts';

export interface Filter {
  /** `today`, `all`, so long ago (`7d`, `12h`), or a day (`2026-11-01`). */
  since: string;
  project: string | null;
  agent: string | null;
  /** Every row of every table rather than the first ones. */
  all_rows: boolean;
}

/** The same default as `telemetry report` has, so that both show the same figures (R3). */
export const DEFAULT_SINCE = '7d';

/** The times offered as links, and what they are called there. */
export const PERIODS = [
  ['today', 'Today'],
  ['7d', '7 days'],
  ['30d', '30 days'],
  ['all', 'All time'],
] as const;

export function readFilter(query: URLSearchParams): Filter {
  return {
    since: given(query, 'since') ?? DEFAULT_SINCE,
    project: given(query, 'project'),
    agent: given(query, 'agent'),
    all_rows: query.get('rows') === 'all',
  };
}

function given(query: URLSearchParams, name: string): string | null {
  const value = query.get(name)?.trim();
  return value === undefined || value === '' ? null : value;
}

/** The address of the overview with some of the filter changed. Defaults are left out of it. */
export function overviewHref(filter: Filter, changes: Partial<Filter> = {}): string {
  const { since, project, agent, all_rows } = { ...filter, ...changes };
  const query = new URLSearchParams();
  if (since !== DEFAULT_SINCE) query.set('since', since);
  if (project !== null) query.set('project', project);
  if (agent !== null) query.set('agent', agent);
  if (all_rows) query.set('rows', 'all');
  return query.size === 0 ? '/' : `/?${query.toString()}`;
}

export interface Period {
  /** Null: from the beginning. */
  since_ms: number | null;
  today_ms: number;
  /** `Last 7 days`, as a heading. */
  title: string;
}

const UNIT_MS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000, w: 7 * 86_400_000 };
const UNIT_NAMES: Readonly<Record<string, string>> = { m: 'minute', h: 'hour', d: 'day', w: 'week' };

/**
 * The time that a filter means at `now_ms` in a time zone.
 * @throws UsageError `usage.time` for a `since` of another form
 */
export function periodOf({ since }: Filter, now_ms: number, time_zone: string): Period {
  const today_ms = new LocalCalendar(time_zone).dayOf(now_ms).start_ms;
  if (since === 'today') return { since_ms: today_ms, today_ms, title: 'Today' };
  if (since === 'all') return { since_ms: null, today_ms, title: 'All time' };
  const [, count = '', unit = ''] = /^(\d{1,5})([mhdw])$/.exec(since) ?? [];
  const unit_ms = UNIT_MS[unit];
  if (unit_ms !== undefined) {
    const plural = Number(count) === 1 ? '' : 's';
    return {
      since_ms: now_ms - Number(count) * unit_ms,
      today_ms,
      title: `Last ${count} ${UNIT_NAMES[unit] ?? unit}${plural}`,
    };
  }
  const day = firstMoment(since, time_zone);
  if (day !== null) return { since_ms: day, today_ms, title: `Since ${since}` };
  throw new UsageError('usage.time', `The address asks for since=${since}, which is not a time`, {
    field: 'since',
    hint: 'Write today, 7d, 12h, 2026-11-01 or all.',
  });
}

/** Midnight in the time zone of a day written `2026-11-01`; null for what is not a day of the calendar. */
function firstMoment(day: string, time_zone: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(day)) return null;
  const noon_ms = Date.parse(`${day}T12:00:00Z`);
  if (Number.isNaN(noon_ms) || new Date(noon_ms).toISOString().slice(0, 10) !== day) return null;
  const calendar = new LocalCalendar(time_zone);
  // Noon in UTC is the same day everywhere but in the zones beyond ±12 h; one step sets those right.
  const found = calendar.dayOf(noon_ms);
  if (found.date === day) return found.start_ms;
  return calendar.dayOf(found.date > day ? found.start_ms - 1 : found.end_ms).start_ms;
}

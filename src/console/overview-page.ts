import type { DeadLetterRow, Operator, Report, ReportQuery, SessionRow, StatusReport } from '../runtime/operator.ts';
import { attention, DEAD_LETTERS_ASKED } from './components/attention.ts';
import { dayChart } from './components/day-chart.ts';
import { deliveryTable, leavesHtml } from './components/delivery.ts';
import { filterBar } from './components/filter-bar.ts';
import { gettingStarted } from './components/getting-started.ts';
import { priceNote } from './components/price-note.ts';
import { FIRST_SESSIONS, MOST_SESSIONS, sessionTable } from './components/session-table.ts';
import { readingProgress, sourceTable } from './components/sources.ts';
import { summaryCard } from './components/summary.ts';
import { usageTable } from './components/usage-table.ts';
import { periodOf, type Filter, type Period } from './filter.ts';
import { CONVERSATIONS_PATH } from './conversation-filter.ts';
import { itemsText } from './figures.ts';
import { html, type Html, type Part } from './html.ts';
import { documentPage } from './layout.ts';
import type { ConsolePage } from './page.ts';
import { timeHtml, type View } from './view.ts';

interface Overview {
  status: StatusReport;
  dead_letters: DeadLetterRow[];
  sessions: SessionRow[];
  by: Record<'day' | 'project' | 'agent' | 'model' | 'tool', Report>;
  /** Null when the period is today itself. */
  today: Record<'project' | 'agent' | 'model', Report> | null;
}

/** `GET /` (R3): figures of today and of a time, the latest sessions, the state of every destination. */
export async function overviewPage(operator: Operator, filter: Filter, view: View): Promise<ConsolePage> {
  const period = periodOf(filter, view.now_ms, view.time_zone);
  const overview = await readOverview(operator, filter, period);
  const untouched = overview.by.project.total.sessions === 0 && overview.sessions.length === 0;
  const nothing_captured = untouched && (await nothingEver(operator));
  return documentPage({
    title: 'Overview',
    sample: view.sample,
    place: 'overview',
    aside: runningHtml(overview.status, view),
    body: html`<h1 class="visually-hidden">Overview</h1>
      ${leavesHtml(overview.status)} ${keptHtml(overview.status)} ${readingProgress(overview.status)}
      ${attention(overview.status, overview.dead_letters, view)}
      ${nothing_captured ? gettingStarted(overview.status) : figuresHtml(overview, filter, period, view)}
      ${deliveryTable(overview.status, view)} ${sourceTable(overview.status)}`,
  });
}

function keptHtml({ conversations }: StatusReport): Part {
  if (conversations === null || conversations.sessions === 0) return null;
  const { sessions, messages } = conversations;
  return html`<p class="kept">
    <a href="${CONVERSATIONS_PATH}">${itemsText(sessions, 'conversation')}</a> kept here,
    ${itemsText(messages, 'message')} to search.
  </p>`;
}

function figuresHtml(overview: Overview, filter: Filter, period: Period, view: View): Part {
  const { by, today, sessions } = overview;
  const limit = sessionLimit(filter);
  const usage = (dimension: 'project' | 'agent' | 'model'): Html =>
    usageTable(dimension, {
      report: by[dimension],
      today: today?.[dimension] ?? null,
      filter,
      period: period.title.toLowerCase(),
    });
  return [
    filterBar(filter),
    html`<div class="cards">
      ${today && summaryCard('today', 'Today', today.project.total)}
      ${summaryCard('period', period.title, by.project.total)}
    </div>`,
    dayChart(by.day, period, view),
    priceNote(by.project),
    usage('project'),
    usage('agent'),
    usage('model'),
    sessionTable(sessions.slice(0, limit), sessions.length > limit, filter, view),
    usageTable('tool', { report: by.tool, today: null, filter, period: period.title.toLowerCase() }),
  ];
}

async function readOverview(operator: Operator, filter: Filter, period: Period): Promise<Overview> {
  const report = (by: ReportQuery['by'], since_ms: number | null): Promise<Report> =>
    operator.report({ by, since_ms, until_ms: null, project: filter.project, agent: filter.agent, limit: null });
  const { since_ms, today_ms } = period;
  const [status, dead_letters, sessions, day, project, agent, model, tool] = await Promise.all([
    operator.status(),
    operator.deadLetters({ state: 'open', limit: DEAD_LETTERS_ASKED }),
    // One more than is shown tells whether there are others.
    operator.sessions({ since_ms, project: filter.project, agent: filter.agent, limit: sessionLimit(filter) + 1 }),
    report('day', since_ms),
    report('project', since_ms),
    report('agent', since_ms),
    report('model', since_ms),
    report('tool', since_ms),
  ]);
  const is_today = since_ms === today_ms;
  const [today_project, today_agent, today_model] = is_today
    ? [project, agent, model]
    : await Promise.all([report('project', today_ms), report('agent', today_ms), report('model', today_ms)]);
  return {
    status,
    dead_letters,
    sessions,
    by: { day, project, agent, model, tool },
    today: is_today ? null : { project: today_project, agent: today_agent, model: today_model },
  };
}

function sessionLimit({ all_rows }: Filter): number {
  return all_rows ? MOST_SESSIONS : FIRST_SESSIONS;
}

async function nothingEver(operator: Operator): Promise<boolean> {
  const sessions = await operator.sessions({ since_ms: null, project: null, agent: null, limit: 1 });
  return sessions.length === 0;
}

function runningHtml({ version, started_ms }: StatusReport, view: View): Html {
  return html`<p class="running">
    Version ${version}${started_ms !== null && html`, running since ${timeHtml(started_ms, view)}`}, figures of
    ${timeHtml(view.now_ms, view)} (${view.time_zone})
  </p>`;
}

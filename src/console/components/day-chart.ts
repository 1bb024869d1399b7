import type { Report, ReportRow } from '../../runtime/operator.ts';
import type { Period } from '../filter.ts';
import { moneyText } from '../figures.ts';
import { html, type Html, type Part } from '../html.ts';
import { dayOfText, dayText, timeText, weekdayText, type View } from '../view.ts';
import { costHtml, countHtml, failuresHtml, tokensHtml } from './figure.ts';
import { tableHtml } from './table.ts';
import { dashNote } from './unknown.ts';

/** More columns than this are thinner than a line on a phone. */
const MOST_DAYS = 62;
/** So many days can each be named below their column on a phone. */
const MOST_NAMED_DAYS = 8;
const HEIGHT = 100;
const DAY_MS = 86_400_000;

/** Cost by day as columns, and the same days as a table for those who want the figures or cannot see the columns. */
export function dayChart(report: Report, period: Period, view: View): Part {
  const days = daysOf(report.rows, period, view);
  const highest_usd = Math.max(...days.map(({ row }) => row?.cost_usd ?? 0));
  if (days.length < 2 || highest_usd <= 0) return null;
  return html`<section class="chart" aria-labelledby="chart-title">
    <h2 id="chart-title">Cost by day <small>list price${beginsLate(period, view)}</small></h2>
    <div class="columns" aria-hidden="true">
      <p class="axis">${moneyText(highest_usd)}</p>
      <svg viewBox="0 0 ${days.length * 10} ${HEIGHT}" preserveAspectRatio="none">
        ${days.map((day, index) => columnHtml(day, index, highest_usd))}
      </svg>
      ${dayNames(days)}
    </div>
    <details>
      <summary>Figures by day</summary>
      ${dayTable(report)}
    </details>
  </section>`;
}

interface Day {
  day: string;
  /** Undefined on a day without anything. */
  row: ReportRow | undefined;
}

/** Every day of the period until today: without the empty ones a quiet week would look like a busy one. */
function daysOf(rows: readonly ReportRow[], { since_ms }: Period, view: View): Day[] {
  const by_day = new Map(rows.map((row) => [row.key, row]));
  const oldest = rows.map(({ key }) => key).sort()[0];
  const first = since_ms === null ? oldest : dayOfText(since_ms, view);
  if (first === undefined) return [];
  const last_ms = noonOf(dayOfText(view.now_ms, view));
  const days: Day[] = [];
  for (let time = Math.max(noonOf(first), last_ms - (MOST_DAYS - 1) * DAY_MS); time <= last_ms; time += DAY_MS) {
    const day = new Date(time).toISOString().slice(0, 10);
    days.push({ day, row: by_day.get(day) });
  }
  return days;
}

function noonOf(day: string): number {
  return Date.parse(`${day}T12:00:00Z`);
}

function columnHtml({ day, row }: Day, index: number, highest_usd: number): Html {
  const cost_usd = row?.cost_usd ?? null;
  const height = cost_usd === null ? 0 : Math.max(1, (HEIGHT * cost_usd) / highest_usd);
  const label = cost_usd === null ? 'no cost known' : moneyText(cost_usd);
  return html`<g>
    <title>${dayText(day)}: ${label}</title>
    <rect class="column-space" x="${index * 10}" width="10" height="${HEIGHT}" />
    <rect
      class="column"
      x="${index * 10 + 1.5}"
      y="${(HEIGHT - height).toFixed(2)}"
      width="7"
      height="${height.toFixed(2)}"
    />
  </g>`;
}

function dayNames(days: readonly Day[]): Html {
  if (days.length <= MOST_NAMED_DAYS)
    return html`<p class="days each">${days.map(({ day }) => html`<span>${weekdayText(day)}</span>`)}</p>`;
  return html`<p class="days">
    <span>${dayText(days[0]?.day ?? '')}</span><span>${dayText(days.at(-1)?.day ?? '')}</span>
  </p>`;
}

/** `7d` begins at this time of a day, as in `telemetry report`, so its first column is only part of a day. */
function beginsLate({ since_ms }: Period, view: View): Part {
  if (since_ms === null || dayOfText(since_ms - 1, view) !== dayOfText(since_ms, view)) return null;
  return `, from ${timeText(since_ms, view)}`;
}

function dayTable(report: Report): Html {
  return tableHtml<ReportRow>({
    id: 'by-day',
    caption: 'Days',
    columns: [
      { title: 'Day', cell: ({ key }) => html`<time datetime="${key}">${dayText(key)}</time>` },
      { title: html`Cost <small>list price</small>`, figure: true, cell: (row) => costHtml(row) },
      { title: 'Sessions', figure: true, cell: ({ sessions }) => countHtml(sessions) },
      { title: 'Tool calls', figure: true, cell: ({ tool_calls }) => countHtml(tool_calls) },
      { title: 'Failed', figure: true, cell: ({ tool_failures }) => failuresHtml(tool_failures) },
      { title: html`Input <small>tokens</small>`, figure: true, cell: (row) => tokensHtml(row.tokens_in, {}) },
      { title: html`Output <small>tokens</small>`, figure: true, cell: (row) => tokensHtml(row.tokens_out, {}) },
    ],
    rows: report.rows,
    empty: 'Nothing in this time.',
    note: dashNote(report.rows),
  });
}

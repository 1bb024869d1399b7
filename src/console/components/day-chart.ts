import type { Report, ReportRow } from '../../runtime/operator.ts';
import { moneyText } from '../figures.ts';
import { html, type Html, type Part } from '../html.ts';
import { dayText } from '../view.ts';
import { costHtml, countHtml, failuresHtml, tokensHtml } from './figure.ts';
import { tableHtml } from './table.ts';

/** More columns than this are thinner than a line on a phone. */
const MOST_DAYS = 62;
const HEIGHT = 100;
const DAY_MS = 86_400_000;

/** Cost by day as columns, and the same days as a table for those who want the figures or cannot see the columns. */
export function dayChart(report: Report): Part {
  const days = withGaps(report.rows).slice(-MOST_DAYS);
  const highest_usd = Math.max(...days.map(({ row }) => row?.cost_usd ?? 0));
  if (days.length < 2 || highest_usd <= 0) return null;
  return html`<section class="chart" aria-labelledby="chart-title">
    <h2 id="chart-title">Cost by day <small>list price</small></h2>
    <div class="columns" aria-hidden="true">
      <p class="axis">${moneyText(highest_usd)}</p>
      <svg viewBox="0 0 ${days.length * 10} ${HEIGHT}" preserveAspectRatio="none">
        ${days.map((day, index) => columnHtml(day, index, highest_usd))}
      </svg>
      <p class="days"><span>${dayText(days[0]?.day ?? '')}</span><span>${dayText(days.at(-1)?.day ?? '')}</span></p>
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

function columnHtml({ day, row }: Day, index: number, highest_usd: number): Html {
  const height = row?.cost_usd ? Math.max(1, (HEIGHT * row.cost_usd) / highest_usd) : 0;
  const label = row?.cost_usd === null || !row ? 'no cost known' : moneyText(row.cost_usd);
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

/** Reports leave out days without anything; a row of columns must not, or a quiet week would look like a busy one. */
function withGaps(rows: readonly ReportRow[]): Day[] {
  const by_day = new Map(rows.map((row) => [row.key, row]));
  const times = rows.map(({ key }) => Date.parse(`${key}T12:00:00Z`)).filter((time) => !Number.isNaN(time));
  if (times.length === 0) return [];
  const last = Math.max(...times);
  const first = Math.max(Math.min(...times), last - (MOST_DAYS - 1) * DAY_MS);
  const days: Day[] = [];
  for (let time = first; time <= last; time += DAY_MS) {
    const day = new Date(time).toISOString().slice(0, 10);
    days.push({ day, row: by_day.get(day) });
  }
  return days;
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
  });
}

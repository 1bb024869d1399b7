import type { Report, ReportRow } from '../../runtime/operator.ts';
import { itemsText, moneyText } from '../figures.ts';
import { overviewHref, type Filter } from '../filter.ts';
import { html, type Html, type Part } from '../html.ts';
import { agentName } from '../names.ts';
import { costHtml, countHtml, failuresHtml, tokensHtml } from './figure.ts';
import { tableHtml, type Column } from './table.ts';
import { dashNote, unknownHtml } from './unknown.ts';

export type UsageBy = 'project' | 'agent' | 'model' | 'tool';

export interface Usage {
  report: Report;
  /** The same dimension for today alone; null where the period itself is today. */
  today: Report | null;
  filter: Filter;
  /** `last 7 days`, for the caption. */
  period: string;
}

/** More rows than this only for those who ask. */
const FIRST_ROWS = 12;

const CAPTIONS: Record<UsageBy, string> = { project: 'Projects', agent: 'Agents', model: 'Models', tool: 'Tools' };
const NAMES: Record<UsageBy, string> = { project: 'Project', agent: 'Agent', model: 'Model', tool: 'Tool' };

/** Sessions, tool calls, failures, tokens and cost of each project, agent, model or tool. */
export function usageTable(by: UsageBy, usage: Usage): Html {
  const { report, filter } = usage;
  const rows = by === 'model' ? report.rows.filter(saysSomething) : report.rows;
  const shown = filter.all_rows ? rows : rows.slice(0, FIRST_ROWS);
  return tableHtml<ReportRow>({
    id: `by-${by}`,
    caption: html`${CAPTIONS[by]} <small>${usage.period}</small>`,
    columns: by === 'tool' ? toolColumns() : usageColumns(by, usage),
    rows: shown,
    // Tools share responses, so their token figures would not add up to a total that means anything.
    total: by === 'tool' ? undefined : { key: TOTAL, ...report.total },
    empty: 'Nothing in this time.',
    note: [
      by !== 'tool' && dashNote(shown.map((row) => ofAgent(by, row))),
      moreNote(rows.length - shown.length, by, filter),
    ],
  });
}

const TOTAL = '\u0000total';

/** Prompts belong to no model: a row of them alone has neither tokens nor calls, only their sessions a second time. */
function saysSomething({ tokens_in, tokens_out, tool_calls }: ReportRow): boolean {
  return tokens_in !== null || tokens_out !== null || tool_calls > 0;
}

function usageColumns(by: UsageBy, { report, today, filter }: Usage): Column<ReportRow>[] {
  const highest_usd = Math.max(...report.rows.map(({ cost_usd }) => cost_usd ?? 0));
  const today_by_key = new Map(today?.rows.map((row) => [row.key, row]));
  const tokens = (title: Part, count: (row: ReportRow) => number | null): Column<ReportRow> => ({
    title,
    figure: true,
    cell: (row) => tokensHtml(count(row), ofAgent(by, row)),
  });
  const cost_today: Column<ReportRow> = {
    title: 'Cost today',
    figure: true,
    cell: ({ key }) => todayCell(key === TOTAL ? today?.total : today_by_key.get(key)),
  };
  return [
    { title: NAMES[by], cell: ({ key }) => (key === TOTAL ? 'Total' : keyCell(by, key, filter)) },
    {
      title: html`Cost <small>list price</small>`,
      figure: true,
      cell: (row) => [costHtml(ofAgent(by, row)), row.key !== TOTAL && shareBar(row.cost_usd, highest_usd)],
    },
    ...(today === null ? [] : [cost_today]),
    { title: 'Sessions', figure: true, cell: ({ sessions }) => countHtml(sessions) },
    { title: 'Tool calls', figure: true, cell: ({ tool_calls }) => countHtml(tool_calls) },
    { title: 'Failed', figure: true, cell: ({ tool_failures }) => failuresHtml(tool_failures) },
    tokens(html`Input <small>tokens</small>`, ({ tokens_in }) => tokens_in),
    tokens(html`Output <small>tokens</small>`, ({ tokens_out }) => tokens_out),
    tokens(html`Cache read <small>tokens</small>`, ({ cache_read_tokens }) => cache_read_tokens),
    tokens(html`Cache write <small>tokens</small>`, ({ cache_write_tokens }) => cache_write_tokens),
  ];
}

/** Tells the reasons of a dash whose agent a row is about. */
function ofAgent(by: UsageBy, row: ReportRow): ReportRow & { agent?: string } {
  return by === 'agent' ? { ...row, agent: row.key } : row;
}

function toolColumns(): Column<ReportRow>[] {
  return [
    { title: NAMES.tool, cell: ({ key }) => html`<code>${key}</code>` },
    { title: 'Calls', figure: true, cell: ({ tool_calls }) => countHtml(tool_calls) },
    { title: 'Failed', figure: true, cell: ({ tool_failures }) => failuresHtml(tool_failures) },
    { title: 'Sessions', figure: true, cell: ({ sessions }) => countHtml(sessions) },
  ];
}

function keyCell(by: UsageBy, key: string, filter: Filter): Part {
  if (by === 'project' && filter.project !== key)
    return html`<a href="${overviewHref(filter, { project: key })}">${key}</a>`;
  if (by === 'agent' && filter.agent !== key)
    return html`<a href="${overviewHref(filter, { agent: key })}">${agentName(key)}</a>`;
  if (by === 'agent') return agentName(key);
  return by === 'model' ? html`<code>${key}</code>` : key;
}

function todayCell(row: Omit<ReportRow, 'key'> | undefined): Part {
  if (!row || (row.sessions === 0 && row.tool_calls === 0)) return html`<span class="none">none</span>`;
  return row.cost_usd === null ? unknownHtml('no cost is known for today') : moneyText(row.cost_usd);
}

/** Drawn, not said: the figure itself stands beside it. */
function shareBar(part: number | null, whole: number): Part {
  if (part === null || whole <= 0) return null;
  const width = Math.max(1, Math.round((100 * part) / whole));
  return html`<svg class="share" aria-hidden="true" viewBox="0 0 100 3" preserveAspectRatio="none">
    <rect class="share-whole" width="100" height="3" />
    <rect class="share-part" width="${width}" height="3" />
  </svg>`;
}

function moreNote(hidden: number, by: UsageBy, filter: Filter): Part {
  if (hidden <= 0) return null;
  const what = itemsText(hidden, `more ${by}`);
  return html`<p class="more"><a href="${overviewHref(filter, { all_rows: true })}#by-${by}">Show ${what}</a></p>`;
}

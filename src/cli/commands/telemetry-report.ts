/** `telemetry report` (R3, R4): the same figures as the first page. */
import { EXIT, UsageError, type ExitCode } from '../../platform/errors.ts';
import type { Report, ReportQuery, ReportRow } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { formatCount, formatItems, UNKNOWN } from '../format/count.ts';
import { renderCsv } from '../format/csv.ts';
import { formatMoney } from '../format/money.ts';
import { timeOption } from '../format/since.ts';
import { renderTable, type Column } from '../format/table.ts';
import type { Invocation } from '../invocation.ts';
import { shortSession } from '../screen/short-session.ts';

const DEFAULT_SINCE = '7d';

export async function report(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const as_csv = invocation.flag('csv');
  if (as_csv && context.options.json)
    throw new UsageError('usage.format', '--json and --csv ask for two formats at once.', {
      hint: 'Give one of them.',
    });
  const query = queryOf(context, invocation);
  const result = await context.withOperator((operator) => operator.report(query));
  if (context.options.json) context.printJson('syncline.report/1', reportJson(result));
  else if (as_csv) context.host.stdout.write(reportCsv(result));
  else printTable(context, result);
  return EXIT.ok;
}

function queryOf(context: CommandContext, invocation: Invocation): ReportQuery {
  const now_ms = context.now_ms();
  const until = invocation.text('until');
  const since_ms = timeOption('--since', invocation.text('since') ?? DEFAULT_SINCE, now_ms);
  const until_ms = until === null ? null : timeOption('--until', until, now_ms);
  if (until_ms !== null && until_ms <= since_ms)
    throw new UsageError('usage.time', '--until lies before --since, so there is nothing between them.');
  return {
    by: (invocation.text('by') ?? 'day') as ReportQuery['by'],
    since_ms,
    until_ms,
    project: invocation.text('project'),
    agent: invocation.text('agent'),
    limit: invocation.number('limit'),
  };
}

type Figures = Omit<ReportRow, 'key'>;

/** Rows with the grouping key under its own name, `{"project": …}`; null where a figure is not known. */
function reportJson({ by, rows, total, price_date, unpriced_responses }: Report): object {
  return {
    by,
    rows: rows.map(({ key, ...figures }) => ({ [by]: key, ...inOrder(figures) })),
    total: inOrder(total),
    price_date,
    unpriced_responses,
  };
}

const FIGURES = [
  'sessions',
  'tokens_in',
  'tokens_out',
  'cost_usd',
  'tool_calls',
  'tool_failures',
  'cache_read_tokens',
  'cache_write_tokens',
] as const satisfies readonly (keyof Figures)[];

function inOrder(figures: Figures): Record<string, number | null> {
  return Object.fromEntries(FIGURES.map((name) => [name, figures[name]]));
}

function reportCsv({ by, rows }: Report): string {
  return renderCsv(
    [by, ...FIGURES],
    rows.map((row) => [row.key, ...FIGURES.map((name) => row[name])]),
  );
}

function printTable(context: CommandContext, result: Report): void {
  if (result.rows.length === 0)
    return context.say('There is nothing in this time. Look further back with --since, or see: syncline status');
  const total: ReportRow = { key: 'total', ...result.total };
  const lines = renderTable(columns(result.by), [...result.rows, total], context.width(), context.palette);
  const last = lines.pop() ?? '';
  context.print(...lines, context.palette.bold(last));
  context.say('', ...footer(result));
}

function columns(by: Report['by']): Column<ReportRow>[] {
  const figure = (title: string, text: (row: ReportRow) => string): Column<ReportRow> => ({
    title,
    text,
    align: 'right',
  });
  const tokens = (count: number | null): string => (count === null ? UNKNOWN : formatCount(count));
  return [
    { title: by, text: ({ key }) => (by === 'session' ? shortSession(key) : key), shrink_to: 8 },
    figure('sessions', ({ sessions }) => formatCount(sessions)),
    figure('in', ({ tokens_in }) => tokens(tokens_in)),
    figure('out', ({ tokens_out }) => tokens(tokens_out)),
    figure('cached', ({ cache_read_tokens }) => tokens(cache_read_tokens)),
    figure('cost', ({ cost_usd }) => formatMoney(cost_usd)),
    figure('calls', ({ tool_calls }) => formatCount(tool_calls)),
    figure('failed', ({ tool_failures }) => formatCount(tool_failures)),
  ];
}

/** Every money figure says what it is, and every dash why it is one (R4). */
function footer({ by, rows, price_date, unpriced_responses }: Report): string[] {
  const lines = [`in, out, cached: tokens. cost: list price, prices of ${price_date}.`];
  if (unpriced_responses > 0)
    lines.push(
      `${formatItems(unpriced_responses, 'response')} of a model without a list price ${unpriced_responses === 1 ? 'is' : 'are'} not in the cost.`,
    );
  if (rows.some(({ tokens_in, cost_usd }) => tokens_in === null || cost_usd === null))
    lines.push(
      by === 'tool'
        ? `${UNKNOWN}: tokens and cost belong to a response of the model, not to a tool call.`
        : `${UNKNOWN} is not known: Cursor records no token counts, and some models have no list price.`,
    );
  return lines;
}

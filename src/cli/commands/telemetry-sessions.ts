/** `telemetry list|show` */
import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { SessionDetail, SessionRow } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { formatCount, formatItems, UNKNOWN } from '../format/count.ts';
import { formatMoney } from '../format/money.ts';
import { safe } from '../format/safe.ts';
import { timeOption } from '../format/since.ts';
import { renderTable, type Column } from '../format/table.ts';
import { formatDayTime, formatRecent } from '../format/time.ts';
import type { Invocation } from '../invocation.ts';
import { agentName } from '../screen/agent-name.ts';
import { shortSession } from '../screen/short-session.ts';

const DEFAULT_LIMIT = 20;

export async function list(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const since = invocation.text('since');
  const now_ms = context.now_ms();
  const query = {
    since_ms: since === null ? null : timeOption('--since', since, now_ms),
    project: invocation.text('project'),
    agent: invocation.text('agent'),
    limit: invocation.number('limit') ?? DEFAULT_LIMIT,
  };
  const sessions = await context.withOperator((operator) => operator.sessions(query));
  if (context.options.json) context.printJson('syncline.sessions/1', { sessions });
  else if (sessions.length === 0) context.say('There are no sessions that match.');
  else context.print(...renderTable(columns(now_ms), sessions, context.width(), context.palette));
  return EXIT.ok;
}

/** The id is never cut, since it is what one copies; a narrow terminal gives up figures instead. */
function columns(now_ms: number): Column<SessionRow>[] {
  const from_width = 100;
  return [
    { title: 'session', text: ({ session }) => shortSession(session) },
    { title: 'last', text: ({ last_ms }) => time(last_ms, now_ms) },
    { title: 'agent', text: ({ agent }) => agent },
    { title: 'project', text: ({ project }) => project, shrink_to: 8 },
    { title: 'model', text: ({ model }) => model ?? UNKNOWN, shrink_to: 8, from_width },
    { title: 'out', text: ({ tokens_out }) => figure(tokens_out), align: 'right', from_width },
    { title: 'cost', text: ({ cost_usd }) => formatMoney(cost_usd), align: 'right' },
    { title: 'calls', text: ({ tool_calls }) => formatCount(tool_calls), align: 'right', from_width },
    { title: 'failed', text: ({ tool_failures }) => formatCount(tool_failures), align: 'right', from_width },
  ];
}

/** One session, by its id or the beginning of it. @throws SynclineError `session.unknown` */
export async function show(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const id = invocation.argument(0) ?? '';
  const session = await context.withOperator((operator) => operator.session(id));
  if (context.options.json) context.printJson('syncline.session/1', session);
  else printSession(context, session);
  return EXIT.ok;
}

function printSession(context: CommandContext, session: SessionDetail): void {
  const { palette } = context;
  const facts: [string, string][] = [
    ['session', session.session],
    ['agent', `${agentName(session.agent)}, ${session.model ?? 'model unknown'}`],
    ['project', session.project],
    [
      'time',
      `${session.started_ms === null ? UNKNOWN : formatDayTime(session.started_ms)} to ${session.last_ms === null ? UNKNOWN : formatDayTime(session.last_ms)}, ${session.status}`,
    ],
    ['tokens', `${figure(session.tokens_in)} in, ${figure(session.tokens_out)} out`],
    ['cost', session.cost_usd === null ? `${UNKNOWN} (not known)` : `${formatMoney(session.cost_usd)} list price`],
    ['tools', `${formatItems(session.tool_calls, 'call')}, ${formatCount(session.tool_failures)} failed`],
  ];
  context.print(...facts.map(([name, value]) => `${palette.dim(name.padEnd(8))}  ${safe(value)}`));
  if (session.subagents.length > 0)
    context.print('', ...renderTable(SUBAGENTS, session.subagents, context.width(), palette));
  if (session.events.length > 0) context.print('', ...renderTable(EVENTS, session.events, context.width(), palette));
}

const SUBAGENTS: readonly Column<SessionDetail['subagents'][number]>[] = [
  { title: 'subagent', text: ({ subagent }) => subagent, shrink_to: 12 },
  { title: 'in', text: ({ tokens_in }) => figure(tokens_in), align: 'right' },
  { title: 'out', text: ({ tokens_out }) => figure(tokens_out), align: 'right' },
  { title: 'cost', text: ({ cost_usd }) => formatMoney(cost_usd), align: 'right' },
];

const EVENTS: readonly Column<SessionDetail['events'][number]>[] = [
  { title: 'time', text: ({ at_ms }) => formatDayTime(at_ms) },
  { title: 'event', text: ({ kind }) => kind },
  { title: 'tool', text: ({ tool }) => tool ?? '', shrink_to: 8 },
  { title: 'outcome', text: ({ outcome }) => outcome ?? '' },
  { title: 'out', text: ({ tokens_out }) => (tokens_out === null ? '' : formatCount(tokens_out)), align: 'right' },
  { title: 'cost', text: ({ cost_usd }) => (cost_usd === null ? '' : formatMoney(cost_usd)), align: 'right' },
];

function figure(count: number | null): string {
  return count === null ? UNKNOWN : formatCount(count);
}

function time(at_ms: number | null, now_ms: number): string {
  return at_ms === null ? UNKNOWN : formatRecent(at_ms, now_ms);
}

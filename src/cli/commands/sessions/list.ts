/** `sessions list` */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import { titleOf } from '../../../sessions/export/markdown.ts';
import type { SessionSummary } from '../../../sessions/store/session-store.ts';
import type { CommandContext } from '../../context.ts';
import { formatCount, formatItems, UNKNOWN } from '../../format/count.ts';
import { renderTable, type Column } from '../../format/table.ts';
import { formatRecent } from '../../format/time.ts';
import type { Invocation } from '../../invocation.ts';
import { filterOf, pageOf } from './selection.ts';
import { shortKey } from './short-key.ts';

export async function list(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const query = { filter: filterOf(context, invocation), page: pageOf(invocation) };
  const found = await context.withOperator((operator) => operator.conversations(query));
  if (context.options.json) {
    context.printJson('syncline.conversations/1', found);
    return EXIT.ok;
  }
  const { sessions, total, next } = found;
  if (sessions.length === 0) context.say('There are no conversations that match.');
  else context.print(...renderTable(columns(context.now_ms()), sessions, context.width(), context.palette));
  if (next !== null)
    context.say(`${formatCount(sessions.length)} of ${formatItems(total, 'conversation')}; more with --limit.`);
  return EXIT.ok;
}

/** The key is never cut, since it is what one copies. */
function columns(now_ms: number): Column<SessionSummary>[] {
  return [
    { title: 'session', text: ({ key }) => shortKey(key) },
    { title: 'last', text: ({ ended_at_ms, started_at_ms }) => lastTime(ended_at_ms ?? started_at_ms, now_ms) },
    { title: 'agent', text: ({ agent }) => agent },
    { title: 'project', text: ({ project }) => project, shrink_to: 8 },
    { title: 'title', text: (session) => `${marks(session)}${titleOf(session)}`, shrink_to: 16 },
    { title: 'messages', text: ({ message_count }) => formatCount(message_count), align: 'right', from_width: 90 },
    {
      title: 'links',
      text: ({ commits, pull_requests }) => (commits + pull_requests > 0 ? formatCount(commits + pull_requests) : ''),
      align: 'right',
      from_width: 100,
    },
  ];
}

/** What sets a session apart, in words: a colour alone would not reach everybody. */
function marks({ relationship, presence, starred_at_ms, arriving }: SessionSummary): string {
  return [
    starred_at_ms === null ? '' : '★ ',
    relationship === '' ? '' : `[${relationship}] `,
    presence.kind === 'source_gone' ? '[kept: source gone] ' : presence.kind === 'trashed' ? '[trashed] ' : '',
    arriving ? '[arriving] ' : '',
  ].join('');
}

function lastTime(at_ms: number | null, now_ms: number): string {
  return at_ms === null ? UNKNOWN : formatRecent(at_ms, now_ms);
}

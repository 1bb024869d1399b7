/** `sessions for SHA|URL` */
import { EXIT, UsageError, type ExitCode } from '../../../platform/errors.ts';
import type { LinkedConversation } from '../../../runtime/session-verbs.ts';
import { titleOf } from '../../../sessions/export/markdown.ts';
import type { GitLink, GitLinkQuery } from '../../../sessions/store/session-store.ts';
import type { CommandContext } from '../../context.ts';
import { UNKNOWN } from '../../format/count.ts';
import { renderTable, type Column } from '../../format/table.ts';
import { formatRecent } from '../../format/time.ts';
import type { Invocation } from '../../invocation.ts';
import { shortKey } from './short-key.ts';

const DEFAULT_LIMIT = 20;
const SHA = /^[0-9a-f]{7,64}$/i;

/** Conversations behind a commit or a pull request. Exit 1 when there is none. */
export async function forLink(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const link = { ...linkOf(invocation.argument(0) ?? ''), ...repositoryOf(invocation) };
  const limit = invocation.number('limit') ?? DEFAULT_LIMIT;
  const found = await context.withOperator((operator) => operator.conversationsFor({ link, limit }));
  if (context.options.json) context.printJson('syncline.linked/1', { sessions: found });
  else if (found.length === 0) context.say('No conversation here led to it, as far as its tool calls show.');
  else context.print(...renderTable(columns(context.now_ms()), found, context.width(), context.palette));
  return found.length > 0 ? EXIT.ok : EXIT.no;
}

/** @throws UsageError `usage.link` */
function linkOf(written: string): GitLinkQuery {
  if (SHA.test(written)) return { sha: written.toLowerCase() };
  if (URL.canParse(written) || written.includes('#')) return { url: written };
  throw new UsageError('usage.link', `${JSON.stringify(written)} is neither a commit nor a pull request`, {
    hint: 'Give 7 or more digits of a SHA, or the address of a pull or merge request.',
    field: 'sha|url',
  });
}

function repositoryOf(invocation: Invocation): { repository?: string } {
  const repository = invocation.text('repository');
  return repository === null ? {} : { repository };
}

function isByHand({ asserted_at_ms }: GitLink): boolean {
  return asserted_at_ms !== undefined;
}

export function columns(now_ms: number): Column<LinkedConversation>[] {
  return [
    { title: 'session', text: ({ session }) => shortKey(session.key) },
    { title: 'message', text: ({ link }) => (isByHand(link) ? UNKNOWN : `#${link.ordinal + 1}`), align: 'right' },
    { title: 'kind', text: ({ link }) => link.kind.replace('_', ' ') },
    { title: 'confidence', text: ({ link }) => (isByHand(link) ? 'by hand' : link.confidence) },
    { title: 'when', text: ({ session }) => time(session.ended_at_ms ?? session.started_at_ms, now_ms) },
    { title: 'agent', text: ({ session }) => session.agent, from_width: 110 },
    { title: 'project', text: ({ session }) => session.project, shrink_to: 8, from_width: 100 },
    { title: 'title', text: ({ session }) => titleOf(session), shrink_to: 12 },
  ];
}

function time(at_ms: number | null, now_ms: number): string {
  return at_ms === null ? UNKNOWN : formatRecent(at_ms, now_ms);
}

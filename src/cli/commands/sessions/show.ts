/** `sessions show ID` */
import type { ConversationMessage } from '../../../agents/conversation.ts';
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { ConversationDetail, ConversationShare } from '../../../runtime/session-verbs.ts';
import { titleOf } from '../../../sessions/export/markdown.ts';
import type { SessionTreeNode } from '../../../sessions/store/session-store.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems, UNKNOWN } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import { formatDayTime } from '../../format/time.ts';
import type { Invocation } from '../../invocation.ts';
import { agentName } from '../../screen/agent-name.ts';
import { messageLines } from './message-lines.ts';
import { eachMessage } from './messages.ts';
import { shortKey } from './short-key.ts';

export async function show(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const id = invocation.argument(0) ?? '';
  const full = invocation.flag('full');
  const tools = invocation.flag('tools') || full;
  await using operator = await context.connect();
  const detail = await operator.conversation(id);
  const from = Number(invocation.number('from') ?? 1) - 1;
  const most = invocation.number('limit') ?? Infinity;
  if (context.options.json) {
    const messages: ConversationMessage[] = [];
    for await (const message of eachMessage(operator, detail.session.key, from, most)) messages.push(message);
    context.printJson('syncline.conversation/1', { ...detail, messages });
    return EXIT.ok;
  }
  printHead(context, detail);
  for await (const message of eachMessage(operator, detail.session.key, from, most))
    context.print(...messageLines(context.palette, message, { tools, full }));
  return EXIT.ok;
}

function printHead(context: CommandContext, { session, links, tree, shared }: ConversationDetail): void {
  const { palette } = context;
  const { started_at_ms, ended_at_ms } = session;
  const time = (at_ms: number | null): string => (at_ms === null ? UNKNOWN : formatDayTime(at_ms));
  const removed = Object.values(session.redactions).reduce((sum, count) => sum + count, 0);
  const facts: [string, string][] = [
    ['session', `${session.key}  (${session.native_id})`],
    ['agent', [agentName(session.agent), ...session.models].join(', ')],
    ['project', `${session.project}${session.git_branch === null ? '' : `, branch ${session.git_branch}`}`],
    ['time', `${time(started_at_ms)} to ${time(ended_at_ms)}, ${formatItems(session.message_count, 'message')}`],
  ];
  if (session.presence.kind === 'source_gone')
    facts.push(['source', `gone since ${formatDayTime(session.presence.since_ms)}; kept here`]);
  if (removed > 0)
    facts.push([
      'removed',
      `${formatItems(removed, 'secret or personal detail', 'secrets and personal details')} before it was stored`,
    ]);
  for (const { kind, sha, url, confidence, ordinal, asserted_at_ms } of links) {
    const where = asserted_at_ms === undefined ? `${confidence}, message ${ordinal + 1}` : 'set by hand';
    facts.push([kind.replace('_', ' '), `${url ?? sha ?? ''}  (${where})`]);
  }
  for (const share of shared) facts.push(['shared', shareText(share)]);
  context.print(palette.bold(safe(titleOf(session))));
  context.print(...facts.map(([name, value]) => `${palette.dim(name.padEnd(12))}  ${safe(value)}`));
  if (tree !== null && tree.children.length > 0) context.print('', ...treeLines(tree, session.key, 0));
  context.print('');
}

function shareText({ destination, state, reason, until_ms }: ConversationShare): string {
  const until = until_ms === null ? '' : ` until ${formatDayTime(until_ms)}`;
  return `${destination}: ${state.replace('_', ' ')}${until}${reason === null ? '' : ` (${reason})`}`;
}

function treeLines({ session, children }: SessionTreeNode, key: string, depth: number): string[] {
  const here = session.key === key ? '  ← this one' : '';
  const kind = session.relationship === '' ? '' : `${session.relationship}: `;
  return [
    `${'  '.repeat(depth)}${shortKey(session.key)}  ${safe(`${kind}${titleOf(session)}`)}${here}`,
    ...children.flatMap((child) => treeLines(child, key, depth + 1)),
  ];
}

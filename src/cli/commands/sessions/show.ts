/** `sessions show ID` */
import type { ConversationMessage, ConversationToolCall } from '../../../agents/conversation.ts';
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { ConversationDetail, ConversationShare } from '../../../runtime/session-verbs.ts';
import { roleName, titleOf } from '../../../sessions/export/markdown.ts';
import type { SessionTreeNode } from '../../../sessions/store/session-store.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems, UNKNOWN } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import { formatDayTime } from '../../format/time.ts';
import type { Invocation } from '../../invocation.ts';
import { agentName } from '../../screen/agent-name.ts';
import { eachMessage } from './messages.ts';
import { shortKey } from './short-key.ts';

/** Lines of one text before it is cut on the screen; `--full` shows all. */
const MOST_LINES = 40;

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
    context.print(...messageLines(context, message, { tools, full }));
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

interface Detail {
  tools: boolean;
  full: boolean;
}

function messageLines({ palette }: CommandContext, message: ConversationMessage, detail: Detail): string[] {
  const time = message.timestamp_ms === null ? '' : `  ${formatDayTime(message.timestamp_ms)}`;
  const lines = [`${palette.bold(`#${message.ordinal + 1} ${safe(roleName(message))}`)}${palette.dim(time)}`];
  if (detail.full && message.thinking !== null)
    lines.push(...indented(message.thinking, detail).map((line) => palette.dim(line)));
  if (message.content !== '') lines.push(...indented(message.content, detail));
  for (const call of message.tool_calls) lines.push(...toolLines(call, detail, (line) => palette.dim(line)));
  return [...lines, ''];
}

function toolLines(call: ConversationToolCall, detail: Detail, dim: (text: string) => string): string[] {
  const path = call.file_path === null ? '' : ` ${call.file_path}`;
  const outcome = call.is_error
    ? '  failed'
    : call.result === null && call.result_bytes === null
      ? '  no result yet'
      : '';
  const line = `  → ${safe(`${call.tool_name}${path}`)}${outcome}`;
  if (!detail.tools) return [line];
  return [line, ...indented(call.input_json ?? '', detail).map(dim), ...indented(call.result ?? '', detail)];
}

function indented(text: string, { full }: Detail): string[] {
  const lines = text.trimEnd().split('\n');
  const shown = full ? lines : lines.slice(0, MOST_LINES);
  const left = lines.length - shown.length;
  const more = left > 0 ? [`    … ${formatItems(left, 'more line')}; --full shows all`] : [];
  return text === '' ? [] : [...shown.map((line) => `    ${safe(line)}`), ...more];
}

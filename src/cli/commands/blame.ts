import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { Operator } from '../../runtime/operator.ts';
import { titleOf } from '../../sessions/export/markdown.ts';
import { blame, type BlameAnswer, type BlamedSession, type BlameStore } from '../../sessions/links/blame.ts';
import { parseFileLine } from '../../sessions/links/blamed-line.ts';
import { systemGit } from '../../sessions/links/git.ts';
import type { CommandContext } from '../context.ts';
import { UNKNOWN } from '../format/count.ts';
import { safe } from '../format/safe.ts';
import { renderTable, type Column } from '../format/table.ts';
import { formatDayTime, formatRecent } from '../format/time.ts';
import type { Invocation } from '../invocation.ts';
import { shortKey } from './sessions/short-key.ts';

/** `blame FILE:LINE`: the conversation behind a line. git runs here, where the file is; exit 1 when there is none. */
export async function blameLine(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const target = parseFileLine(invocation.argument(0) ?? '');
  const { cwd } = context.host;
  const answer = await context.withOperator((operator) =>
    blame(target, cwd, { git: systemGit, store: storeOf(operator), reader: { team_id: '' } }),
  );
  if (context.options.json) context.printJson('syncline.blame/1', answer);
  else printAnswer(context, answer);
  return answer.sessions.length > 0 ? EXIT.ok : EXIT.no;
}

/** The operator reads as the directory's own team, whatever reader is named here. */
function storeOf(operator: Operator): BlameStore {
  return {
    linked: (_reader, link, limit) => operator.conversationsFor({ link, limit }),
    links: async (_reader, key) => (await operator.conversation(key)).links,
    editing: (_reader, path_suffix, filter, limit) => operator.conversationsEditing({ path_suffix, filter, limit }),
  };
}

function printAnswer(context: CommandContext, { line, sessions, explanation }: BlameAnswer): void {
  const { palette } = context;
  context.print(
    `${palette.bold(line.sha.slice(0, 12))}  ${formatDayTime(line.author_ms)}  ${safe(line.subject)}`,
    `${palette.dim(safe(`${line.path}:${line.line}`))}  ${safe(line.text)}`,
  );
  if (sessions.length === 0) context.say(explanation ?? 'No conversation here led to it.');
  else context.print('', ...renderTable(columns(context.now_ms()), sessions, context.width(), palette));
}

function columns(now_ms: number): Column<BlamedSession>[] {
  return [
    { title: 'session', text: ({ session }) => shortKey(session.key) },
    { title: 'message', text: ({ ordinal }) => (ordinal === null ? UNKNOWN : `#${ordinal + 1}`), align: 'right' },
    { title: 'by', text: ({ how }) => how.replace('_', ' ') },
    { title: 'confidence', text: ({ confidence }) => confidence, from_width: 90 },
    { title: 'when', text: ({ session }) => time(session.ended_at_ms ?? session.started_at_ms, now_ms) },
    { title: 'agent', text: ({ session }) => session.agent, from_width: 100 },
    { title: 'title', text: ({ session }) => titleOf(session), shrink_to: 16 },
  ];
}

function time(at_ms: number | null, now_ms: number): string {
  return at_ms === null ? UNKNOWN : formatRecent(at_ms, now_ms);
}

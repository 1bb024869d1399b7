import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { PreviewBatch } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { formatBytes } from '../format/bytes.ts';
import { formatItems } from '../format/count.ts';
import { streamArgument, type Invocation } from '../invocation.ts';
import { printBody } from './readable-body.ts';
import { LOCAL, sayConversations } from './preview-conversations.ts';

const DEFAULT_LIMIT = 10;

/**
 * `preview`: bodies go to stdout, through a pipe exactly as they would leave, to a terminal so that a person can read them;
 * what frames them is words and goes to stderr.
 */
export async function preview(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const stream = streamArgument(invocation.argument(0));
  const query = {
    project: invocation.text('project'),
    session: invocation.text('session'),
    limit: invocation.number('limit') ?? DEFAULT_LIMIT,
  };
  await using operator = await context.connect();
  const batches = stream === 'sessions' ? [] : await operator.preview({ stream, ...query });
  // A session that telemetry knows need not be one that is kept.
  const unless_unknown = (error: unknown): null => {
    if (stream === null && (error as { code?: unknown }).code === 'session.unknown') return null;
    throw error;
  };
  const with_conversations = stream === null || stream === 'sessions';
  const conversations = !with_conversations ? null : await operator.previewSessions(query).catch(unless_unknown);
  if (context.options.json) {
    context.printJson('syncline.preview/1', { batches, conversations });
    return EXIT.ok;
  }
  const leaving = sayBatches(context, batches) + (conversations ? sayConversations(context, conversations) : 0);
  if (stream === 'sessions' && conversations === null) context.say('Conversations are not kept on this machine.');
  context.say(
    leaving === 0 ? 'Nothing would leave.' : `${formatItems(leaving, 'request')} would leave. Nothing was sent.`,
  );
  if (leaving > 0 && context.host.is_tty.stdout) context.say('The exact bytes: --json, or through a pipe.');
  return EXIT.ok;
}

/** Returns how many would leave this machine. */
function sayBatches(context: CommandContext, batches: readonly PreviewBatch[]): number {
  for (const { destination, path, items, bytes, body } of batches) {
    const where = destination === LOCAL ? 'stays on this machine' : `POST ${path}`;
    context.say(`→ ${destination}  ${where}  ${formatItems(items, 'item')}, ${formatBytes(bytes)}`);
    printBody(context, body);
  }
  return batches.filter(({ destination }) => destination !== LOCAL).length;
}

import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';
import { formatBytes } from '../format/bytes.ts';
import { formatItems } from '../format/count.ts';
import { streamArgument, type Invocation } from '../invocation.ts';

const DEFAULT_LIMIT = 10;
/** The store of this machine; no destination of the configuration may be called so. */
const LOCAL = 'local';

/** `preview`: bodies go to stdout exactly as they would leave; what frames them is words and goes to stderr. */
export async function preview(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const query = {
    stream: streamArgument(invocation.argument(0)),
    project: invocation.text('project'),
    session: invocation.text('session'),
    limit: invocation.number('limit') ?? DEFAULT_LIMIT,
  };
  const batches = await context.withOperator((operator) => operator.preview(query));
  if (context.options.json) {
    context.printJson('syncline.preview/1', { batches });
    return EXIT.ok;
  }
  for (const { destination, path, items, bytes, body } of batches) {
    const where = destination === LOCAL ? 'stays on this machine' : `POST ${path}`;
    context.say(`→ ${destination}  ${where}  ${formatItems(items, 'item')}, ${formatBytes(bytes)}`);
    context.host.stdout.write(`${body}\n`);
  }
  const leaving = batches.filter(({ destination }) => destination !== LOCAL).length;
  context.say(
    leaving === 0 ? 'Nothing would leave.' : `${formatItems(leaving, 'request')} would leave. Nothing was sent.`,
  );
  return EXIT.ok;
}

import { EXIT, UsageError, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';
import { formatItems } from '../format/count.ts';
import { streamArgument, type Invocation } from '../invocation.ts';

/** `replay sessions --from-source`: everything is read and compared again; what a store has already is not sent. */
export async function replay(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const stream = streamArgument(invocation.argument(0));
  if (stream !== 'sessions' || !invocation.flag('fromSource'))
    throw new UsageError('usage.replay', 'This version replays sessions from their source.', {
      hint: 'syncline replay sessions --from-source',
      field: 'stream',
    });
  const confirm_vanished = invocation.flag('vanished');
  const { sessions } = await context.withOperator((operator) => operator.replaySessions({ confirm_vanished }));
  if (context.options.json) context.printJson('syncline.replay/1', { stream, sessions });
  else context.say(`${formatItems(sessions, 'conversation')} will be read and compared again.`);
  return EXIT.ok;
}

import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';
import { durationOption, formatDuration } from '../format/duration.ts';
import { streamArgument, type Invocation } from '../invocation.ts';

/** `pause`: durable over restarts; capture goes on, nothing leaves. */
export async function pause(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  if (isRecords(invocation)) return (await import('./records/pause.ts')).pause(context, invocation);
  const duration = invocation.text('for');
  const for_ms = duration === null ? null : durationOption('--for', duration);
  const query = { stream: streamArgument(invocation.argument(0)), destination: invocation.text('to'), for_ms };
  const { paused } = await context.withOperator((operator) => operator.pause(query));
  if (context.options.json) context.printJson('syncline.pause/1', { paused, for_ms });
  const until = for_ms === null ? 'until `syncline resume`' : `for ${formatDuration(for_ms)}`;
  context.say(
    paused.length === 0
      ? 'There is no destination to pause.'
      : `Paused ${until}: ${paused.join(', ')}. Capture goes on; nothing is lost.`,
  );
  return EXIT.ok;
}

/** `resume` */
export async function resume(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  if (isRecords(invocation)) return (await import('./records/pause.ts')).resume(context, invocation);
  const query = { stream: streamArgument(invocation.argument(0)), destination: invocation.text('to') };
  const { resumed } = await context.withOperator((operator) => operator.resume(query));
  if (context.options.json) context.printJson('syncline.resume/1', { resumed });
  context.say(resumed.length === 0 ? 'Nothing was paused.' : `Delivering again: ${resumed.join(', ')}.`);
  return EXIT.ok;
}

/** Objects of records are paused in their database, for all that work on it. */
function isRecords(invocation: Invocation): boolean {
  return /^records(?:\/|$)/.test(invocation.argument(0) ?? '');
}

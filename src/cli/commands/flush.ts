import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';
import { formatCount, formatItems } from '../format/count.ts';
import { durationOption } from '../format/duration.ts';
import { formatRecent } from '../format/time.ts';
import { safe } from '../format/safe.ts';
import { streamArgument, type Invocation } from '../invocation.ts';

/** `flush`: exit 1 when something stays or was not even read, with the reason for each destination; what is on hold stays on purpose. */
export async function flush(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  if (invocation.argument(0)?.startsWith('records') === true)
    return (await import('./records/flush.ts')).flush(context, invocation);
  const query = {
    stream: streamArgument(invocation.argument(0)),
    timeout_ms: durationOption('--timeout', invocation.text('timeout') ?? '30s'),
  };
  const result = await context.withOperator((operator) => operator.flush(query));
  if (context.options.json) context.printJson('syncline.flush/1', result);
  else {
    context.say(`${formatItems(result.delivered, 'item')} delivered, ${formatCount(result.remaining)} remain.`);
    for (const { destination, on_hold } of result.destinations)
      if (on_hold !== null)
        context.say(
          `  ${destination}  ${formatItems(on_hold.items, 'conversation')} on hold until ${formatRecent(on_hold.until_ms, context.now_ms())}, so that ${on_hold.items === 1 ? 'it' : 'they'} can be withdrawn`,
        );
    for (const { destination, remaining, reason } of result.destinations)
      if (remaining > 0)
        context.say(`  ${destination}  ${formatItems(remaining, 'item')}: ${safe(reason ?? 'not delivered in time')}`);
    if (result.unread)
      context.say('  Not everything new was read in this time   repeat it, or give it more: --timeout 5m');
    if (result.unreadable > 0)
      context.say(`  ${formatItems(result.unreadable, 'conversation')} could not be read   see: syncline status`);
    if (result.dead_letters > 0)
      context.say(`  ${formatItems(result.dead_letters, 'dead letter')}   see: syncline dead-letters list`);
  }
  return result.unread || result.remaining + result.unreadable > 0 ? EXIT.no : EXIT.ok;
}

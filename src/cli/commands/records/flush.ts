/** `flush records`: what waits on either side is carried over now; 1 if something stays. */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems } from '../../format/count.ts';
import { durationOption } from '../../format/duration.ts';
import type { Invocation } from '../../invocation.ts';
import { objectName, withRecords } from './opening.ts';

const TIMEOUT_MS = 30_000;

export async function flush(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { flushRecords } = await import('../../../runtime/records/flush-records.ts');
  const { objectsNamed } = await import('../../../runtime/records/records-verbs.ts');
  const written = invocation.text('timeout');
  const timeout_ms = written === null ? TIMEOUT_MS : durationOption('--timeout', written);
  const name = invocation.argument(0) ?? 'records';
  const results = await withRecords(context, (directory) => {
    const objects = objectsNamed(directory, name === 'records' ? [] : [objectName(name)]);
    return flushRecords(directory, objects, timeout_ms, context.host.signal);
  });
  if (context.options.json) context.printJson('syncline.flush.records/1', { objects: results });
  for (const { object, state, waiting, conflicts } of results) {
    const open = conflicts > 0 ? `, ${formatItems(conflicts, 'open conflict')}` : '';
    if (state !== 'applied')
      context.say(`${object}: not applied or paused, so nothing was written. See: syncline records status`);
    else context.say(`${object}: ${waiting === 0 ? 'in step' : `${formatItems(waiting, 'change')} remain`}${open}`);
  }
  return results.every(({ state, waiting }) => state === 'applied' && waiting === 0) ? EXIT.ok : EXIT.no;
}

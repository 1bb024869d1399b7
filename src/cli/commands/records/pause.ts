/** `pause records/NAME` and `resume records/NAME [--allow N]`. */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems } from '../../format/count.ts';
import type { Invocation } from '../../invocation.ts';
import { objectName, withRecords } from './opening.ts';

export async function pause(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const paused = await withRecords(context, async (directory) => {
    const done: string[] = [];
    for (const object of verbs.objectsNamed(directory, namesOf(invocation)))
      if (await verbs.pause(directory, object)) done.push(object.mapping.name);
    return done;
  });
  if (context.options.json) context.printJson('syncline.pause/1', { paused: paused.map((name) => `records/${name}`) });
  context.say(
    paused.length === 0
      ? 'Nothing was kept in step, so nothing was paused.'
      : `Paused until \`syncline resume records\`: ${paused.join(', ')}. Changes are noted; nothing is lost.`,
  );
  return EXIT.ok;
}

export async function resume(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const allow = invocation.number('allow');
  const resumed = await withRecords(context, async (directory) => {
    const done: string[] = [];
    for (const object of verbs.objectsNamed(directory, namesOf(invocation)))
      if (await verbs.resume(directory, object, allow)) done.push(object.mapping.name);
    return done;
  });
  if (context.options.json)
    context.printJson('syncline.resume/1', { resumed: resumed.map((name) => `records/${name}`) });
  const more = allow === null ? '' : ` ${formatItems(allow, 'change')} beyond the limits are allowed in this hour.`;
  context.say(resumed.length === 0 ? 'Nothing was paused.' : `Going on: ${resumed.join(', ')}.${more}`);
  return EXIT.ok;
}

/** `records` means all. */
function namesOf(invocation: Invocation): string[] {
  const written = invocation.argument(0) ?? 'records';
  return written === 'records' ? [] : [objectName(written)];
}

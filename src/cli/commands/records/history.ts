/** `records history` and `records revert` (R17). */
import { EXIT, UsageError, type ExitCode } from '../../../platform/errors.ts';
import type { ListedHistory } from '../../../records/sync/history.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import { formatDayTime } from '../../format/time.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';
import { actorOf, objectName, withRecords } from './opening.ts';
import { shownChange } from './values.ts';

const MOST = 50;

export async function history(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const [name, key] = [objectName(invocation.argument(0) ?? ''), invocation.argument(1) ?? ''];
  const limit = invocation.number('limit') ?? MOST;
  const rows = await withRecords(context, (directory) =>
    verbs.history(directory, verbs.objectNamed(directory, name), key, limit),
  );
  if (context.options.json) context.printJson('syncline.records.history/1', { object: name, changes: rows });
  else if (rows.length === 0) context.say('Nothing was carried for this key in the last 30 days.');
  else context.print(...rows.flatMap(lines));
  return EXIT.ok;
}

function lines({ at_ms, side, operation, cause, actor, session, batch_id, changes }: ListedHistory): string[] {
  const where = side === 'salesforce' ? 'Salesforce' : 'PostgreSQL';
  const by = actor === null ? '' : `   from ${safe(actor)}`;
  const thread = session === null ? '' : `   session ${safe(session)}`;
  return [
    `${formatDayTime(at_ms)}  ${operation} in ${where}   ${cause}${by}${thread}   batch ${batch_id}`,
    ...Object.entries(changes).map(([field, [before, after]]) => `  ${shownChange(field, before, after)}`),
  ];
}

export async function revert(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const batch_id = invocation.text('batch');
  const [name, key] = [invocation.argument(0), invocation.argument(1)];
  if ((batch_id === null) === (name === null || key === null))
    throw new UsageError('usage.revert', 'Say an object and a key, or --batch ID', {
      field: 'key',
      hint: 'syncline records history OBJECT KEY names the batches.',
    });
  const what = batch_id === null ? `the last change of this key` : `batch ${batch_id}`;
  if (!(await confirmed(context, `Write the former values of ${what} on both sides?`))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  const { keys, left } = await withRecords(context, (directory) =>
    verbs.revert(
      directory,
      batch_id === null
        ? { object: verbs.objectNamed(directory, objectName(name ?? '')), key: key ?? '' }
        : { batch_id },
      actorOf(context),
    ),
  );
  if (context.options.json) context.printJson('syncline.records.revert/1', { keys, left });
  if (left > 0)
    context.say(`${formatItems(left, 'creation or deletion', 'creations and deletions')} are not undone so.`);
  context.say(`${formatItems(keys, 'record')} to get the former values, by the next delivery.`);
  return keys > 0 ? EXIT.ok : EXIT.no;
}

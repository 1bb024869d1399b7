/** `conflicts list|show|resolve`: fields that both sides changed, for a person to decide. */
import { EXIT, UsageError, type ExitCode } from '../../../platform/errors.ts';
import type { ConflictQuery, ListedConflict } from '../../../records/sync/conflicts.ts';
import type { Resolution } from '../../../records/sync/rows.ts';
import type { CommandContext } from '../../context.ts';
import { formatCount, formatItems } from '../../format/count.ts';
import { renderTable } from '../../format/table.ts';
import { formatDayTime, formatRecent } from '../../format/time.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';
import { actorOf, withRecords } from './opening.ts';
import { shownValue } from './values.ts';

const MOST = 50;
const RECORD = 'the record';

export async function list(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const query = queryOf(invocation);
  const limit = invocation.number('limit') ?? MOST;
  const { groups, conflicts } = await withRecords(context, async (directory) => ({
    groups: await verbs.conflictsByField(directory, query.stream),
    conflicts: await verbs.conflicts(directory, { ...query, state: 'open' }, limit),
  }));
  if (context.options.json) context.printJson('syncline.conflicts/1', { groups, conflicts });
  else if (groups.length === 0) context.say('There are no open conflicts.');
  else {
    const now_ms = context.now_ms();
    context.print(
      ...groups.map(({ stream, field, conflicts: count, oldest_ms }) => `${safe(stream)}  ${safe(field ?? RECORD)}  ${formatCount(count)}, since ${formatRecent(oldest_ms, now_ms)}`), // prettier-ignore
      '',
      ...renderTable(
        [
          { title: 'id', text: ({ conflict_id }: ListedConflict) => conflict_id },
          { title: 'key', text: ({ key }) => key, shrink_to: 8 },
          { title: 'field', text: ({ field }) => field ?? RECORD, shrink_to: 8 },
          { title: 'agreed', text: ({ base }) => shownValue(base), shrink_to: 6 },
          { title: 'Salesforce', text: ({ salesforce }) => shownValue(salesforce), shrink_to: 10 },
          { title: 'PostgreSQL', text: ({ postgres }) => shownValue(postgres), shrink_to: 10 },
        ],
        conflicts,
        context.width(),
        context.palette,
      ),
    );
    context.say('Decide: syncline conflicts resolve ID --take salesforce|postgres, or --stream records/NAME --field F');
  }
  return groups.length === 0 ? EXIT.ok : EXIT.no;
}

export async function show(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const id = invocation.argument(0) ?? '';
  const [conflict] = await withRecords(context, (directory) => verbs.conflicts(directory, { ids: [uuid(id)] }, 1));
  if (conflict === undefined) throw new UsageError('conflict.unknown', 'There is no such conflict', { field: 'id' });
  if (context.options.json) context.printJson('syncline.conflict/1', conflict);
  else
    context.print(
      `${safe(conflict.stream)}  ${safe(conflict.key)}  ${safe(conflict.field ?? RECORD)}   ${conflict.state}   ${formatDayTime(conflict.opened_ms)}`,
      `  agreed on   ${shownValue(conflict.base)}`,
      `  Salesforce  ${shownValue(conflict.salesforce)}${conflict.overwritten ? '   (a write of ours went over it unseen)' : ''}`,
      `  PostgreSQL  ${shownValue(conflict.postgres)}`,
      ...(conflict.resolved_by === null ? [] : [`  decided by  ${safe(conflict.resolved_by)}`]),
    );
  return EXIT.ok;
}

export async function resolve(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const resolution = resolutionOf(invocation);
  const ids = invocation.rest(0).map(uuid);
  const query: ConflictQuery = { ...queryOf(invocation), ...(ids.length > 0 && { ids }), state: 'open' };
  if (ids.length === 0 && query.stream === undefined)
    throw new UsageError('usage.conflicts', 'Say which: ids, or --stream records/NAME with --field or --key', {
      field: 'ids',
    });
  const resolved = await withRecords(context, async (directory) => {
    const groups = await verbs.conflictsByField(directory, query.stream);
    const about = ids.length > 0 ? ids.length : groups.filter(({ field }) => query.field === undefined || (field ?? '') === query.field).reduce((sum, one) => sum + one.conflicts, 0); // prettier-ignore
    const word = 'take' in resolution ? `the value of ${resolution.take}` : 'this value';
    if (about > 0 && !(await confirmed(context, `Take ${word} for up to ${formatItems(about, 'conflict')}?`)))
      return null;
    return verbs.resolve(directory, query, resolution, actorOf(context));
  });
  if (resolved === null) {
    context.say('Nothing was decided.');
    return EXIT.no;
  }
  if (context.options.json) context.printJson('syncline.conflicts.resolve/1', { resolved });
  context.say(`${formatItems(resolved, 'conflict')} decided; the values are written by the next delivery.`);
  return resolved > 0 ? EXIT.ok : EXIT.no;
}

/** @throws UsageError `usage.take` */
function resolutionOf(invocation: Invocation): Resolution {
  const [take, value] = [invocation.text('take'), invocation.text('value')];
  if ((take === null) === (value === null))
    throw new UsageError('usage.take', 'Say --take salesforce, --take postgres or --value TEXT', { field: '--take' });
  return take === null ? { value: value ?? '' } : { take: take as 'salesforce' | 'postgres' };
}

function queryOf(invocation: Invocation): ConflictQuery {
  const [stream, field, key] = [invocation.text('stream'), invocation.text('field'), invocation.text('key')];
  return { ...(stream !== null && { stream }), ...(field !== null && { field }), ...(key !== null && { key }) };
}

/** @throws UsageError `usage.conflict` */
function uuid(text: string): string {
  if (/^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/.test(text)) return text;
  throw new UsageError('usage.conflict', `${JSON.stringify(text)} is no id of a conflict`, {
    field: 'id',
    hint: 'syncline conflicts list',
  });
}

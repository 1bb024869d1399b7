/** `records drift`, which `reconcile records` is too: both real sides compared. */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { DriftReport } from '../../../records/sync/drift.ts';
import type { CommandContext } from '../../context.ts';
import { formatCount, formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { objectName, withRecords } from './opening.ts';

export async function drift(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const verbs = await import('../../../runtime/records/records-verbs.ts');
  const repair = invocation.flag('repair');
  const reports = await withRecords(context, async (directory) => {
    const found: DriftReport[] = [];
    for (const object of verbs.objectsNamed(directory, invocation.rest(0).map(objectName)))
      found.push(await verbs.drift(directory, object, repair, context.host.signal));
    return found;
  });
  if (context.options.json) context.printJson('syncline.records.drift/1', { reports });
  else context.print(...reports.flatMap((report) => lines(report)));
  return reports.every(isInStep) ? EXIT.ok : EXIT.no;
}

function isInStep({ drifted, missing, conflicts, ambiguous }: DriftReport): boolean {
  const counts = [drifted.salesforce, drifted.postgres, missing.salesforce, missing.postgres, conflicts, ambiguous];
  return counts.every((count) => count === 0);
}

function lines(report: DriftReport): string[] {
  const { drifted, missing, drifted_fields, conflicts, ambiguous, waiting, unkeyed, repairing } = report;
  const fields = Object.entries(drifted_fields).map(([field, count]) => `${safe(field)} ${formatCount(count)}`);
  const notes = [
    drifted.salesforce > 0 ? `${formatItems(drifted.salesforce, 'record')} to be written in Salesforce` : '',
    drifted.postgres > 0 ? `${formatItems(drifted.postgres, 'row')} to be written in PostgreSQL` : '',
    fields.length > 0 ? `fields: ${fields.join(', ')}` : '',
    missing.salesforce > 0 ? `${formatItems(missing.salesforce, 'record')} missing in Salesforce, unexplained` : '',
    missing.postgres > 0 ? `${formatItems(missing.postgres, 'row')} missing in PostgreSQL, unexplained` : '',
    conflicts > 0 ? `${formatItems(conflicts, 'conflict')}: syncline conflicts list` : '',
    ambiguous > 0 ? `${formatItems(ambiguous, 'external id')} of several records` : '',
    unkeyed > 0 ? `${formatItems(unkeyed, 'record')} in Salesforce without an external id` : '',
    waiting > 0 ? `${formatItems(waiting, 'change')} on the way` : '',
    repairing > 0 ? `${formatItems(repairing, 'repair')} under way` : '',
  ].filter((note) => note !== '');
  return [
    `${safe(report.stream)}   ${formatItems(report.keys, 'record')} compared, ${formatCount(report.in_step)} in step`,
    ...notes.map((note) => `  ${note}`),
  ];
}

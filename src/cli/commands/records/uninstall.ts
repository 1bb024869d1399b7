/** `records uninstall`: everything that Syncline made in the database goes, and is proven gone (R19). */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { CommandContext } from '../../context.ts';
import { formatItems } from '../../format/count.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';
import { recordsInputsOf } from './opening.ts';

export async function uninstall(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const set_up = await import('../../../runtime/records/set-up-records.ts');
  await using unset = set_up.openUnset(await recordsInputsOf(context));
  const { plan, script } = await set_up.uninstallSql(unset);
  if (plan.statements.length === 0) {
    context.say('Nothing of Syncline is in the database.');
    return EXIT.ok;
  }
  if (context.options.json) context.printJson('syncline.records.uninstall/1', { ...plan });
  else context.print(script);
  const rows = plan.tables.reduce((sum, { rows: some }) => sum + Math.max(0, some), 0);
  context.say(
    `${formatItems(plan.statements.length, 'statement')}. ${formatItems(plan.tables.length, 'table')} of Syncline with about ${formatItems(rows, 'row')} go: links, history, conflicts.`,
    'Your own tables and their rows stay as they are; so does everything in Salesforce.',
  );
  if (invocation.flag('dryRun')) return EXIT.ok;
  if (!(await confirmed(context, `Remove this from ${safe(unset.postgres.shown)}?`))) {
    context.say('Nothing was removed.');
    return EXIT.no;
  }
  await set_up.runUninstall(unset);
  const after = await set_up.uninstallSql(unset);
  context.say(
    after.plan.statements.length === 0
      ? 'Removed; the database was looked at again, and nothing of it is left.'
      : `${formatItems(after.plan.statements.length, 'part')} are still there: run it again.`,
  );
  return after.plan.statements.length === 0 ? EXIT.ok : EXIT.no;
}

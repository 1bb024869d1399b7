/** `sessions share|unshare ID…` */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { CommandContext } from '../../context.ts';
import { formatCount, formatItems } from '../../format/count.ts';
import type { Invocation } from '../../invocation.ts';
import { confirmed } from '../../prompts.ts';

/** Lets the configuration decide again about sessions that were taken out. Sends nothing that it does not name. */
export async function share(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const ids = [...invocation.rest(0)];
  const result = await context.withOperator((operator) => operator.shareConversations({ ids, share: true }));
  if (context.options.json) context.printJson('syncline.share/1', result);
  else
    context.say(
      `${formatItems(result.changed.length, 'session')} no longer kept out. They leave only for the projects that [sessions] names, after its hold.`,
    );
  return EXIT.ok;
}

/** Takes sessions out, and removes at every team's store what is there of them: so it asks. */
export async function unshare(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const ids = [...invocation.rest(0)];
  if (invocation.flag('dryRun')) return preview(context, ids);
  const question = `Take ${formatItems(ids.length, 'session')} out of what is shared? What a team's store has of ${ids.length === 1 ? 'it' : 'them'} is removed there.`;
  if (!(await confirmed(context, question))) {
    context.say('Nothing was changed.');
    return EXIT.no;
  }
  const result = await context.withOperator((operator) => operator.shareConversations({ ids, share: false }));
  if (context.options.json) context.printJson('syncline.share/1', result);
  else
    context.say(`${formatItems(result.changed.length, 'session')} kept out from now on. The local store keeps them.`);
  return EXIT.ok;
}

async function preview(context: CommandContext, ids: readonly string[]): Promise<ExitCode> {
  await using operator = await context.connect();
  const details = [];
  for (const id of ids) details.push(await operator.conversation(id));
  if (context.options.json) context.printJson('syncline.share/1', { dry_run: true, sessions: details });
  const there = details.filter(({ shared }) => shared.some(({ state }) => state === 'shared'));
  context.say(
    `${formatItems(ids.length, 'session')} would be kept out; ${formatCount(there.length)} ${there.length === 1 ? 'is' : 'are'} at a team's store and would be removed there. Nothing was done.`,
  );
  return EXIT.ok;
}

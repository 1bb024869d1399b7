/** `sessions link|unlink ID SHA|URL` */
import { EXIT, type ExitCode } from '../../../platform/errors.ts';
import type { LinkResult } from '../../../runtime/session-verbs.ts';
import type { CommandContext } from '../../context.ts';
import { safe } from '../../format/safe.ts';
import type { Invocation } from '../../invocation.ts';
import { shortKey } from './short-key.ts';

/** Says that a session is behind a commit or a request, though nothing in it shows that. */
export async function link(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return say(context, invocation, true);
}

/** Says that a session is not behind a commit or a request, though something in it shows that. */
export async function unlink(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  return say(context, invocation, false);
}

async function say(context: CommandContext, invocation: Invocation, linked: boolean): Promise<ExitCode> {
  const query = { id: invocation.argument(0) ?? '', target: invocation.argument(1) ?? '', linked };
  const told = await context.withOperator((operator) => operator.linkConversation(query));
  if (context.options.json) context.printJson('syncline.link/1', told);
  else context.say(sentence(told, linked));
  return EXIT.ok;
}

function sentence({ key, result, kind, target }: LinkResult, linked: boolean): string {
  const what = `${kind === 'commit' ? 'commit' : 'request'} ${safe(target)}`;
  if (result === 'unchanged')
    return linked ? `${shortKey(key)} is linked to ${what} already.` : `${shortKey(key)} has no link to ${what}.`;
  return `${shortKey(key)} ${result === 'linked' ? 'linked to' : 'no longer linked to'} ${what}, on this machine.`;
}

import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';
import type { Invocation } from '../invocation.ts';

/** `open`: a fresh one-time link, printed, and shown in a browser where there is one. Needs the running daemon. */
export async function open(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  await using operator = await context.connect(true);
  const { url } = await operator.openLink(invocation.argument(0));
  if (context.options.json) context.printJson('syncline.open/1', { url });
  else context.print(url);
  const wants_browser = context.host.is_tty.stdout && !invocation.flag('print') && !context.options.json;
  if (wants_browser && !(await context.host.openBrowser(url, context.paths())))
    context.say('No browser here; open the link yourself. It works once.');
  return EXIT.ok;
}

import { EXIT, UsageError, type ExitCode } from '../../platform/errors.ts';
import { completionScript, isShell } from '../completion/script.ts';
import type { CommandContext } from '../context.ts';
import type { CommandGroup } from '../declaration.ts';
import type { Invocation } from '../invocation.ts';

/** `completion bash|zsh|fish`, of all the commands in `groups`. */
export function completionOf(groups: readonly CommandGroup[]) {
  return async (context: CommandContext, invocation: Invocation): Promise<ExitCode> => {
    const shell = invocation.argument(0) ?? '';
    if (!isShell(shell))
      throw new UsageError('usage.shell', `There is no completion for ${JSON.stringify(shell)}.`, {
        hint: 'One of: bash, zsh, fish.',
      });
    const roots = groups.flatMap(({ commands }) => commands);
    context.host.stdout.write(completionScript(shell, roots));
    return EXIT.ok;
  };
}

/** Questions at a terminal, and the rule that nothing is decided without one. */
import { EXIT, SynclineError } from '../platform/errors.ts';
import type { CommandContext } from './context.ts';
import type { Prompts } from './host.ts';

/** `@clack/prompts`, loaded only when something is asked. */
export async function clackPrompts(): Promise<Prompts> {
  const clack = await import('@clack/prompts');
  const answered = <T>(answer: T): Exclude<T, symbol> => {
    if (typeof answer !== 'symbol') return answer as Exclude<T, symbol>;
    throw new SynclineError('cancelled', 'Cancelled; nothing was done.', { exit: EXIT.interrupted });
  };
  return {
    text: async (message, { placeholder, validate }) =>
      answered(
        await clack.text({
          message,
          defaultValue: '',
          ...(placeholder === undefined ? {} : { placeholder }),
          ...(validate === undefined ? {} : { validate: (value) => validate(value ?? '') }),
        }),
      ),
    secret: async (message) => answered(await clack.password({ message })),
    confirm: async (message) => answered(await clack.confirm({ message, initialValue: false })),
  };
}

/**
 * A yes to `question`, from `--yes` or a person.
 * @throws SynclineError `needs_yes` (exit 6) when nobody can be asked.
 */
export async function confirmed(context: CommandContext, question: string): Promise<boolean> {
  if (context.options.yes) return true;
  requireTerminal(context, question);
  const prompts = await context.host.prompts();
  return prompts.confirm(question);
}

/** @throws SynclineError `needs_yes` (exit 6) unless a person sits at a terminal. */
export function requireTerminal(context: CommandContext, question: string): void {
  if (context.host.is_tty.stdin && context.host.is_tty.stderr && !context.options.json) return;
  throw new SynclineError('needs_yes', `This needs an answer, and there is no terminal to ask at: ${question}`, {
    exit: EXIT.needsYes,
    hint: 'Repeat it with --yes, or at a terminal.',
  });
}

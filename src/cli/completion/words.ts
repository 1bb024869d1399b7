/** What may follow each command, taken from the declarations. */
import type { CommandDeclaration, OptionDeclaration } from '../declaration.ts';

export interface CompletionNode {
  /** `telemetry report`; empty for the program itself. */
  path: string;
  commands: { name: string; summary: string }[];
  options: { name: string; description: string; choices: readonly string[] | undefined }[];
}

/** One node for each command, the program's own first. */
export function completionNodes(
  roots: readonly CommandDeclaration[],
  global_options: readonly OptionDeclaration[],
): CompletionNode[] {
  const node = (path: string, declaration: Pick<CommandDeclaration, 'commands' | 'options'>): CompletionNode[] => {
    const commands = declaration.commands ?? [];
    return [
      {
        path,
        commands: commands.map(({ name, summary }) => ({ name, summary })),
        options: [...(declaration.options ?? []), ...global_options].map(({ flags, description, choices }) => ({
          name: /--[a-z-]+/.exec(flags)?.[0] ?? flags,
          description,
          choices,
        })),
      },
      ...commands.flatMap((child) => node(`${path} ${child.name}`.trim(), child)),
    ];
  };
  return node('', { commands: roots });
}

/** All commands of this version, in the order of the help. What later versions bring is not named. */
import type { CommandDeclaration, CommandGroup } from '../declaration.ts';
import { CONTROL } from './control.ts';
import { FLOWS } from './flows.ts';
import { RUN } from './run.ts';
import { SEE } from './see.ts';
import { SET_UP } from './set-up.ts';
import { TEAM } from './team.ts';
import { TOOLS } from './tools.ts';

const COMPLETION: CommandDeclaration = {
  name: 'completion',
  arguments: '<shell>',
  summary: 'print the completion script of bash, zsh or fish',
  examples: [
    'source <(syncline completion bash)',
    'syncline completion fish > ~/.config/fish/completions/syncline.fish',
  ],
  load: async () => (await import('../commands/completion.ts')).completionOf(COMMAND_GROUPS),
};

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  { heading: 'Run:', commands: RUN },
  { heading: 'Set up:', commands: [...SET_UP, COMPLETION] },
  { heading: 'See:', commands: SEE },
  { heading: 'Control:', commands: CONTROL },
  { heading: 'Team:', commands: TEAM },
  { heading: 'Flows:', commands: FLOWS },
  { heading: 'Tools:', commands: TOOLS },
];

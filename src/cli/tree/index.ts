/** All commands of this version, in the order of the help. What later versions bring is not named. */
import type { CommandGroup } from '../declaration.ts';
import { CONTROL } from './control.ts';
import { FLOWS } from './flows.ts';
import { RUN } from './run.ts';
import { SEE } from './see.ts';
import { SET_UP } from './set-up.ts';
import { TEAM } from './team.ts';

export const COMMAND_GROUPS: readonly CommandGroup[] = [
  { heading: 'Run:', commands: RUN },
  { heading: 'Set up:', commands: SET_UP },
  { heading: 'See:', commands: SEE },
  { heading: 'Control:', commands: CONTROL },
  { heading: 'Team:', commands: TEAM },
  { heading: 'Flows:', commands: FLOWS },
];

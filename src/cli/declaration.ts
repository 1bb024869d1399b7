/** A command as data: help, completion, suggestions and the parser are all made of it. The code is loaded when it runs. */
import type { ExitCode } from '../platform/errors.ts';
import type { CommandContext } from './context.ts';
import type { Invocation } from './invocation.ts';

export type CommandAction = (context: CommandContext, invocation: Invocation) => Promise<ExitCode>;

export interface OptionDeclaration {
  /** As commander writes it: `--since <time>`, `--no-capture`, `-w, --watch`. */
  flags: string;
  description: string;
  choices?: readonly string[];
  /** May be given several times. */
  repeatable?: boolean;
  required?: boolean;
}

export interface CommandDeclaration {
  name: string;
  /** `[stream]`, `<id>`, `[ids...]`. */
  arguments?: string;
  /** One line, for the list of commands. */
  summary: string;
  /** What more its own help says. */
  details?: string;
  options?: readonly OptionDeclaration[];
  /** Whole command lines. Every command has at least one. */
  examples?: readonly string[];
  /** Ends by itself, cleanly, when the signal of the host aborts; others are ended at once by Ctrl-C. */
  handles_interrupt?: boolean;
  load?: () => Promise<CommandAction>;
  commands?: readonly CommandDeclaration[];
}

/** Commands under one heading of the help. */
export interface CommandGroup {
  heading: string;
  commands: readonly CommandDeclaration[];
}

export const LIMIT: OptionDeclaration = { flags: '--limit <n>', description: 'at most so many rows' };
export const SINCE: OptionDeclaration = {
  flags: '--since <time>',
  description: 'from then on: 7d, 2026-11-01 or RFC 3339',
};
export const UNTIL: OptionDeclaration = { flags: '--until <time>', description: 'up to then, in the same forms' };
export const PROJECT: OptionDeclaration = { flags: '--project <glob>', description: 'only projects of this name' };
export const AGENTS = ['claude', 'codex', 'cursor'] as const;
export const AGENT: OptionDeclaration = {
  flags: '--agent <name>',
  description: 'only this agent',
  choices: AGENTS,
};
export const DRY_RUN: OptionDeclaration = {
  flags: '--dry-run',
  description: 'show what would be done, and do nothing',
};

/** Before or after any command. */
export const GLOBAL_OPTIONS: readonly OptionDeclaration[] = [
  { flags: '--home <dir>', description: 'state directory (also SYNCLINE_HOME)' },
  { flags: '--config <file>', description: 'configuration file' },
  { flags: '--profile <name>', description: 'a home, team and salt of its own' },
  { flags: '--json', description: 'data as JSON with a schema field' },
  { flags: '--quiet', description: 'no words on stderr but errors' },
  { flags: '--yes', description: 'answer questions with yes' },
  { flags: '--color <when>', description: 'colour', choices: ['auto', 'never', 'always'] },
];

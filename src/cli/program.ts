/** The parser, made of the declarations. */
import { Argument, Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { EXIT, UsageError, type ExitCode } from '../platform/errors.ts';
import { CommandContext, type GlobalOptions } from './context.ts';
import { nearest } from '../platform/nearest.ts';
import { GLOBAL_OPTIONS, type CommandDeclaration, type OptionDeclaration } from './declaration.ts';
import type { ColorMode } from './format/color.ts';
import type { Host } from './host.ts';
import { Invocation, type OptionValue } from './invocation.ts';
import { COMMAND_GROUPS } from './tree/index.ts';
import { programVersion } from '../platform/version.ts';

const EVERYWHERE = 'With every command: --home --config --profile --json --quiet --yes --color\n(see: syncline help)';

/** What was asked for, once parsed. */
export interface ParsedCommand {
  context: CommandContext;
  invocation: Invocation;
  declaration: CommandDeclaration;
  /** `telemetry report` */
  name: string;
}

/**
 * Parses a command line. Help and version are printed at once and return an exit code instead of a command.
 * @throws UsageError `usage.*`
 */
export function parseCommandLine(argv: readonly string[], host: Host): ParsedCommand | ExitCode {
  let parsed: ParsedCommand | undefined;
  const program = buildProgram(host, (found) => (parsed = found));
  try {
    program.parse(withoutHelpCommand(argv), { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.ok;
    // A command with sub-commands called alone shows its help; that is no answer, but no mistake to explain either.
    if (error.code === 'commander.help') return EXIT.usage;
    throw usageErrorOf(error, argv);
  }
  return parsed ?? EXIT.usage;
}

/** The whole tree as commander sees it. `onParsed` is called instead of running anything. */
export function buildProgram(host: Host, onParsed: (parsed: ParsedCommand) => void): Command {
  const program = new Command('syncline')
    .description('What your coding agents did, in sync across laptops and team. Nothing lost, nothing leaked.')
    .version(`syncline ${programVersion()}`, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .addHelpCommand(
      new Command('help').argument('[command...]').description('print help of a command').helpGroup('Set up:'),
    )
    .usage('<command> [options]')
    .showSuggestionAfterError(true)
    .exitOverride()
    .configureHelp({ showGlobalOptions: false })
    .configureOutput({
      writeOut: (text) => host.stdout.write(text),
      writeErr: (text) => host.stderr.write(text),
      // The message is raised as a UsageError and printed in our own form.
      outputError: () => undefined,
      getOutHelpWidth: () => (host.is_tty.stdout ? Math.max(60, host.columns()) : 100),
      getErrHelpWidth: () => (host.is_tty.stderr ? Math.max(60, host.columns()) : 100),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    });
  for (const option of GLOBAL_OPTIONS) program.addOption(toOption(option));
  for (const { heading, commands } of COMMAND_GROUPS)
    for (const declaration of commands)
      program.addCommand(toCommand(declaration, [], program, host, onParsed).helpGroup(heading));
  return program.addHelpText(
    'after',
    `\n${exampleText(['syncline up', 'syncline status', 'syncline telemetry report --by project'])}`,
  );
}

function toCommand(
  declaration: CommandDeclaration,
  parents: readonly string[],
  program: Command,
  host: Host,
  onParsed: (parsed: ParsedCommand) => void,
): Command {
  const path = [...parents, declaration.name];
  const command = new Command(declaration.name)
    .copyInheritedSettings(program)
    .summary(declaration.summary)
    .description(
      declaration.details === undefined ? declaration.summary : `${declaration.summary}\n\n${declaration.details}`,
    )
    .helpOption('-h, --help', 'print help');
  for (const argument of declaration.arguments?.split(' ') ?? []) command.addArgument(new Argument(argument));
  for (const option of declaration.options ?? []) command.addOption(toOption(option));
  for (const child of declaration.commands ?? []) command.addCommand(toCommand(child, path, program, host, onParsed));
  if (declaration.commands !== undefined) command.helpCommand(false);
  if (declaration.examples !== undefined)
    command.addHelpText('after', `\n${exampleText(declaration.examples)}\n\n${EVERYWHERE}`);
  if (declaration.load !== undefined)
    command.action((...received: unknown[]) => {
      const args = received.slice(0, command.registeredArguments.length) as (string | string[] | undefined)[];
      const context = new CommandContext(host, globalOptions(program.opts()));
      onParsed({ context, invocation: new Invocation(args, command.opts()), declaration, name: path.join(' ') });
    });
  return command;
}

function toOption({ flags, description, choices, repeatable, required }: OptionDeclaration): Option {
  const option = new Option(flags, description);
  if (choices !== undefined) option.choices(choices);
  if (required === true) option.makeOptionMandatory();
  if (repeatable === true)
    option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), oneOf(value, choices)]);
  return option;
}

/** commander checks choices with the same hook that collects values, so collecting has to check them itself. */
function oneOf(value: string, choices: readonly string[] | undefined): string {
  if (choices === undefined || choices.includes(value)) return value;
  throw new InvalidArgumentError(`Allowed choices are ${choices.join(', ')}.`);
}

function exampleText(examples: readonly string[]): string {
  return `Examples:\n${examples.map((example) => `  ${example}`).join('\n')}`;
}

function globalOptions(options: Record<string, OptionValue>): GlobalOptions {
  const text = (name: string): string | undefined => (typeof options[name] === 'string' ? options[name] : undefined);
  return {
    home: text('home'),
    config: text('config'),
    profile: text('profile'),
    json: options['json'] === true,
    quiet: options['quiet'] === true,
    yes: options['yes'] === true,
    color: (text('color') ?? 'auto') as ColorMode,
  };
}

/** `help telemetry report` is `telemetry report --help`: commander's own help knows one level only. */
function withoutHelpCommand(argv: readonly string[]): readonly string[] {
  if (argv[0] !== 'help') return argv;
  const words = argv.slice(1).filter((word) => !word.startsWith('-'));
  const { path, known } = deepestCommand(words);
  const unknown = words[path.length];
  if (unknown === undefined) return [...path, '--help'];
  const meant = nearest(unknown, known);
  throw new UsageError('usage.unknownCommand', `Unknown command '${unknown}'.`, {
    hint: `${meant === null ? '' : `Did you mean ${meant}? `}See: ${['syncline help', ...path].join(' ')}`,
  });
}

/** How many of the words name commands, and which commands could have followed. */
function deepestCommand(words: readonly string[]): { path: string[]; known: string[] } {
  let commands = COMMAND_GROUPS.flatMap((group) => group.commands);
  const path: string[] = [];
  for (const word of words) {
    const found = commands.find(({ name }) => name === word);
    if (found === undefined) break;
    path.push(word);
    commands = [...(found.commands ?? [])];
  }
  return { path, known: commands.map(({ name }) => name) };
}

/** commander's message in our own form: the mistake as a sentence, the suggestion as the hint. */
function usageErrorOf(error: CommanderError, argv: readonly string[]): UsageError {
  const [first = '', ...more] = error.message.replace(/^error: /, '').split('\n');
  const suggestion = /\(Did you mean (?:one of )?(.+)\?\)/.exec(more.join(' '))?.[1];
  const { path } = deepestCommand(argv.filter((word) => !word.startsWith('-')));
  const see = `See: ${['syncline help', ...path].join(' ')}`;
  const code = `usage.${error.code.replace('commander.', '')}`;
  const sentence = `${first.charAt(0).toUpperCase()}${first.slice(1).replace(/\.$/, '')}.`;
  return new UsageError(code, sentence, {
    hint: suggestion === undefined ? see : `Did you mean ${suggestion}? ${see}`,
  });
}

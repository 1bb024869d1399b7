/** One call of the command line, from its words to its exit code. */
import { refuseRealHomeUnderTest, resolvePaths } from '../config/paths.ts';
import { EXIT, type ExitCode } from '../platform/errors.ts';
import type { Host } from './host.ts';
import { describeFailure } from './failure.ts';
import { paletteFor } from './format/color.ts';
import { parseCommandLine, type ParsedCommand } from './program.ts';
import { programVersion } from '../platform/version.ts';

export interface RunHooks {
  /** Called before a command starts that ends by itself when the signal aborts. */
  on_graceful?: () => void;
}

/** Runs `syncline ARGV`. Never throws: every failure is printed to stderr and becomes an exit code. */
export async function runCommandLine(argv: readonly string[], host: Host, hooks: RunHooks = {}): Promise<ExitCode> {
  let parsed: ParsedCommand | undefined;
  try {
    refuseRealHomeUnderTest(host.env);
    const found = parseCommandLine(argv, host);
    if (typeof found === 'number') return found;
    parsed = found;
    if (found.declaration.handles_interrupt === true) hooks.on_graceful?.();
    const action = await found.declaration.load?.();
    return action === undefined ? EXIT.usage : await action(found.context, found.invocation);
  } catch (error) {
    return fail(error, argv, host, parsed);
  }
}

function fail(error: unknown, argv: readonly string[], host: Host, parsed: ParsedCommand | undefined): ExitCode {
  const { text, exit } = describeFailure(error, {
    // Before parsing has succeeded the words themselves must do.
    json: parsed?.context.options.json ?? argv.includes('--json'),
    palette: parsed?.context.stderr_palette ?? paletteFor('auto', host.is_tty.stderr, host.env),
    log_dir: logDirectory(parsed, host),
    version: programVersion(),
    command: `syncline ${parsed?.name ?? ''}`.trim(),
    now_ms: host.clock.now_ms(),
  });
  host.stderr.write(text);
  return exit;
}

function logDirectory(parsed: ParsedCommand | undefined, host: Host): string | null {
  try {
    return (parsed?.context.paths() ?? resolvePaths(host)).log_dir;
  } catch {
    // The very error being reported may be an unusable --profile; there is no place for a report then.
    return null;
  }
}

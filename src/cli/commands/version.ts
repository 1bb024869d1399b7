import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';
import { programVersion } from '../../platform/version.ts';

/** `version`: loads neither configuration nor runtime, so it works whatever is broken. */
export async function version(context: CommandContext): Promise<ExitCode> {
  const program = programVersion();
  const { node_version: node, platform } = context.host;
  const sqlite = process.versions.sqlite ?? null;
  if (context.options.json) context.printJson('syncline.version/1', { version: program, node, sqlite, platform });
  else context.print(`syncline ${program}`, `node ${node}, SQLite ${sqlite ?? 'unknown'}, ${platform}`);
  return EXIT.ok;
}

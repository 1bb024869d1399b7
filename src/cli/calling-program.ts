import { resolve } from 'node:path';
import type { Program } from '../agents/connect/connections.ts';
import { resolvePaths } from '../config/paths.ts';
import type { CommandContext } from './context.ts';

/**
 * How an agent calls this program so that it comes to the same state directory and configuration: agents are started without the
 * options of this command line, and often without its environment.
 */
export function callingProgram(context: CommandContext): Program {
  const { host, options } = context;
  const paths = context.paths();
  const { SYNCLINE_HOME, ...env } = host.env;
  const usual = resolvePaths({ env, user_home: host.user_home, cwd: host.cwd });
  const chosen = options.home ?? (SYNCLINE_HOME || undefined);
  return {
    path: host.program,
    home: paths.home === usual.home ? null : paths.home,
    options: [
      ...(chosen === undefined ? [] : ['--home', resolve(host.cwd, chosen)]),
      ...(paths.profile === null ? [] : ['--profile', paths.profile]),
      ...(options.config === undefined ? [] : ['--config', paths.config_file]),
    ],
  };
}

/** The lines by which agents call this program: written by `agents connect`, recognised by their mark alone. */

/** How this program is called from an agent. */
export interface Program {
  /** Absolute. */
  path: string;
  /** The state directory, where it is not the default one; null: the default. */
  home: string | null;
  /** Options before the command that lead `memory mcp` to the same place. */
  options: readonly string[];
}

/** At the end of a line for a shell, to which it is a comment. */
const MARK = '# syncline agents connect';

/** The environment variable that marks an entry of ours where there are no comments. */
export const MARK_VARIABLE = 'SYNCLINE_CONNECTED';

/**
 * The hook (R9): silent and 0 when the program is gone, and whatever it does.
 */
export function hookLine({ path, home }: Program, agent: string): string {
  const program = quoted(path);
  const variable = home === null ? '' : `SYNCLINE_HOME=${quoted(home)} `;
  return `[ -x ${program} ] && ${variable}${program} telemetry hook --agent ${agent} || true ${MARK}`;
}

export function isOurHook(command: unknown): command is string {
  return typeof command === 'string' && command.endsWith(MARK);
}

/** A hook of Syncline that somebody wrote by hand. */
export function isHookByHand(command: unknown): boolean {
  return typeof command === 'string' && / telemetry hook --agent /.test(command) && !isOurHook(command);
}

/** The program that a line of ours calls; null for a line that is not. */
export function programOfHook(command: string): string | null {
  const written = /^\[ -x ('(?:[^']|'\\'')*'|\S+) \] && /.exec(command)?.[1];
  if (written === undefined) return null;
  return written.startsWith("'") ? written.slice(1, -1).replaceAll("'\\''", "'") : written;
}

export function memoryServerArguments({ options }: Program): string[] {
  return [...options, 'memory', 'mcp'];
}

/** As a shell reads it back. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}

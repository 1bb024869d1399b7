import { execFile } from 'node:child_process';
import { SynclineError, UnreachableError } from '../../platform/errors.ts';

export interface GitOutcome {
  exit_code: number;
  stdout: string;
  stderr: string;
}

/**
 * Runs git with these arguments in a folder. An exit code other than 0 is an outcome.
 * @throws UnreachableError `git.missing` when there is no git; SynclineError `git.timeout`, `git.output` when it takes too
 * long or prints too much
 */
export type Git = (args: readonly string[], folder: string) => Promise<GitOutcome>;

const MAX_OUTPUT_BYTES = 4 * 1024 * 1024;
/**
 * Messages in English, as we read them; no lock taken beside the user's own git, no question asked, nothing fetched, and
 * no program run that a repository's configuration names.
 */
const ENVIRONMENT = { LC_ALL: 'C', GIT_OPTIONAL_LOCKS: '0', GIT_TERMINAL_PROMPT: '0', GIT_NO_LAZY_FETCH: '1' };
const QUIET = ['--no-pager', '-c', 'core.quotePath=false', '-c', 'core.fsmonitor=false'];

/** Git of this machine, run without a shell. */
export function gitOf(execute: typeof execFile, environment: NodeJS.ProcessEnv, timeout_ms = 10_000): Git {
  return (args, folder) =>
    new Promise((resolve, reject) => {
      const options = {
        ...{ encoding: 'utf8' as const, timeout: timeout_ms, maxBuffer: MAX_OUTPUT_BYTES, windowsHide: true },
        env: { ...environment, ...ENVIRONMENT },
      };
      // `-C` lets git itself say that a folder is not there; as a working directory it would look like a missing git.
      execute('git', ['-C', folder, ...QUIET, ...args], options, (error, stdout, stderr) => {
        if (error === null) resolve({ exit_code: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ exit_code: error.code, stdout, stderr });
        else reject(failureOf(error, timeout_ms));
      });
    });
}

/** Git of this machine in this process's environment. */
export const systemGit: Git = gitOf(execFile, process.env);

function failureOf(error: { code?: unknown; killed?: boolean }, timeout_ms: number): SynclineError {
  if (error.code === 'ENOENT') {
    return new UnreachableError('git.missing', 'There is no git on the PATH.', { hint: 'Install git.' });
  }
  if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') {
    return new SynclineError('git.output', 'git printed more than was asked for.');
  }
  if (error.killed === true) {
    return new SynclineError('git.timeout', `git did not answer within ${timeout_ms / 1000} s.`, {
      hint: 'A first blame in a large repository takes long; run git blame once by hand.',
    });
  }
  return new SynclineError('git.failed', 'git was stopped.', { cause: error });
}

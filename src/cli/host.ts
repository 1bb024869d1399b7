/** The process around the program, as parameters: streams, terminal, clock, signals and what is loaded on demand. */
import type { Environment } from '../config/environment.ts';
import type { SynclinePaths } from '../config/paths.ts';
import type { Clock } from '../platform/clock.ts';
import type { Random } from '../platform/random.ts';
import type { Timers } from '../platform/timers.ts';
import type { Runtime } from './runtime.ts';

export interface TextSink {
  write(text: string): void;
}

/** The process around the program. */
export interface Host {
  stdout: TextSink;
  stderr: TextSink;
  env: Environment;
  cwd: string;
  user_home: string;
  platform: NodeJS.Platform;
  node_version: string;
  clock: Clock;
  timers: Timers;
  random: Random;
  is_tty: { stdin: boolean; stdout: boolean; stderr: boolean };
  columns: () => number;
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP, with the exit code of the table as its reason. */
  signal: AbortSignal;
  /** True when started from a clone, where `syncline` is not on the PATH. */
  from_clone: boolean;
  /** The absolute path by which others start this program. */
  program: string;
  runtime: Runtime;
  prompts: () => Promise<Prompts>;
  /** All of standard input as text. @throws UsageError `usage.input` when it has more than a mebibyte */
  readInput: () => Promise<string>;
  /** Shows a page in the user's browser; false when there is none. */
  openBrowser(url: string, paths: SynclinePaths): Promise<boolean>;
}

/** Questions at a terminal. */
export interface Prompts {
  /** The answer; empty when nothing was typed. @throws SynclineError `cancelled` */
  text(
    question: string,
    options: { placeholder?: string; validate?: (answer: string) => string | undefined },
  ): Promise<string>;
  /** Typed without being shown. */
  secret(question: string): Promise<string>;
  confirm(question: string): Promise<boolean>;
}

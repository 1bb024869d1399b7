import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { SynclineError } from '../src/platform/errors.ts';

/** Every folder by which Syncline or an agent finds files lies below this one (R27). */
export function environmentIn(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(SYNCLINE_|XDG_|CLAUDE_|CODEX_|NODE_OPTIONS$)/.test(name),
  );
  return { ...Object.fromEntries(kept), HOME: home, TZ: 'UTC' };
}

/** The flags that the program gives Node, by its own start line: what is measured as ours runs with them. */
export function programFlags(): string[] {
  const start = readFileSync(new URL('../bin/syncline', import.meta.url), 'utf8');
  const flags = /^exec "\$node" ((?:--\S+ )*)"\$here\/src\/cli\/main\.ts"/m.exec(start)?.[1];
  if (flags !== undefined) return flags.split(' ').filter((flag) => flag !== '');
  throw new SynclineError('bench.start_line', 'bin/syncline has no start line that the bench can read');
}

export interface MeasuredProcess {
  script: URL;
  /** Its first argument, as JSON. */
  input: unknown;
  /** The folder it may write to. */
  home: string;
  node_flags?: string[];
}

/**
 * Runs a script in a process of its own, so that neither side of a comparison inherits the other's heap or compiled
 * code; it answers with one JSON value on stdout.
 * @throws SynclineError `bench.process` when it fails
 */
export async function measureInProcess<T>({ script, input, home, node_flags = [] }: MeasuredProcess): Promise<T> {
  const child = spawn(process.execPath, [...node_flags, fileURLToPath(script), JSON.stringify(input)], {
    env: environmentIn(home),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
  const status = await new Promise((resolve) => child.on('close', resolve));
  if (status === 0) return JSON.parse(output) as T;
  throw new SynclineError('bench.process', `A measured process ended with ${String(status)}`, {
    hint: 'What it wrote to stderr stands above.',
  });
}

/** In such a process: what it was given. */
export function processInput<T>(): T {
  return JSON.parse(process.argv[2] ?? 'null') as T;
}

/** In such a process: its answer. */
export function answer(value: unknown): void {
  process.stdout.write(JSON.stringify(value));
}

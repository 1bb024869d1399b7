import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { SynclineError } from '../src/platform/errors.ts';

/** Every folder by which Syncline or an agent finds files lies below this one (R27). */
export function environmentIn(home: string): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(SYNCLINE_|XDG_|CLAUDE_|CODEX_|NODE_OPTIONS$)/.test(name),
  );
  return { ...Object.fromEntries(kept), HOME: home, TZ: 'UTC' };
}

/**
 * Runs a script in a process of its own, so that neither side of a comparison inherits the other's heap or compiled
 * code. It gets `input` as its first argument and answers with one JSON value on stdout.
 * @throws SynclineError `bench.process` when it fails
 */
export async function measureInProcess<T>(script: URL, input: unknown, home: string): Promise<T> {
  const child = spawn(process.execPath, [fileURLToPath(script), JSON.stringify(input)], {
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

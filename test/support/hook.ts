/** The hook as an agent runs it: a process with a payload on stdin, silent and always successful. */
import { join } from 'node:path';
import { Machine, REPOSITORY } from './machine.ts';

/** `npm test` has bundled the hook already; a run of one test file alone has not. */
export async function bundleHook(): Promise<void> {
  await using machine = new Machine();
  const bundled = await machine.program(process.execPath, [join(REPOSITORY, 'scripts', 'bundle-hook.mjs')]).ended();
  if (bundled.exit !== 0) throw new Error(`bundling the hook failed: ${bundled.stderr}`);
}

/** @throws Error when the hook said anything or did not exit with 0 (R9). */
export async function runHook(machine: Machine, payload: object, env: Record<string, string> = {}): Promise<void> {
  const input = JSON.stringify(payload);
  const ended = await machine.run(['telemetry', 'hook', '--agent', 'claude'], { input, env });
  if (ended.exit !== 0 || ended.stdout !== '' || ended.stderr !== '')
    throw new Error(`the hook is not silent: ${JSON.stringify(ended)}`);
}

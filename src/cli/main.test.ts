import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url));

/** Prints the address of every module as it is loaded. */
const TELL_MODULES =
  "data:text/javascript,import { registerHooks } from 'node:module';registerHooks({ load(url, context, next) { process._rawDebug(url); return next(url, context); } });";

function run(argv: readonly string[], node_flags: readonly string[] = []) {
  return new Promise<{ exit: number | null; stdout: string; stderr: string }>((resolve, reject) => {
    const child = spawn(process.execPath, [...node_flags, MAIN, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stdout = '';
    let stderr = '';
    child.stdout.on('data', (chunk: Buffer) => (stdout += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.once('error', reject);
    child.once('close', (exit) => resolve({ exit, stdout, stderr }));
  });
}

describe('the program as a process', () => {
  it('prints its version, and loads for it neither server nor databases nor schema', async () => {
    const { exit, stdout, stderr } = await run(['version'], ['--import', TELL_MODULES]);
    expect(exit).toBe(0);
    expect(stdout).toMatch(/^syncline \d/);
    expect(stderr).toContain('/commander/');
    expect(stderr).not.toMatch(
      /\/(hono|undici|zod|smol-toml|pino|@clack)\/|src\/(runtime|server|storage|engine|telemetry)\//,
    );
  });

  it('carries the exit code of a mistake', async () => {
    const { exit, stdout, stderr } = await run(['statsu']);
    expect({ exit, stdout, stderr }).toEqual({
      exit: 2,
      stdout: '',
      stderr: "syncline: Unknown command 'statsu'.\n  → Did you mean status? See: syncline help\n",
    });
  });

  it('never speaks to an agent that calls its hook, nor fails (R9)', async () => {
    for (const argv of [['--agent', 'claude'], ['--bogus'], ['--help'], []])
      expect(await run(['telemetry', 'hook', ...argv])).toEqual({ exit: 0, stdout: '', stderr: '' });
  });

  it('ends quietly when the reader of its output has gone', async () => {
    const child = spawn(process.execPath, [MAIN, 'config', 'schema'], { stdio: ['ignore', 'pipe', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()));
    child.stdout.destroy();
    const exit = await new Promise((resolve) => child.once('close', resolve));
    expect([exit, stderr]).toEqual([0, '']);
  });

  it('ends watching by Ctrl-C, cleanly', async () => {
    const child = spawn(process.execPath, [MAIN, 'status', '--watch', '--json'], { stdio: ['ignore', 'pipe', 'pipe'] });
    child.stdout.once('data', () => child.kill('SIGINT'));
    const exit = await new Promise((resolve) => child.once('close', resolve));
    expect(exit).toBe(0);
  });
});

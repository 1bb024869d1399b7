/** The real process: its streams, signals, clock and exit. Everything else takes them as parameters. */
import { homedir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../platform/clock.ts';
import { EXIT, UsageError, type ExitCode } from '../platform/errors.ts';
import { systemRandom } from '../platform/random.ts';
import { systemTimers } from '../platform/timers.ts';
import { openInBrowser } from './browser.ts';
import type { Host } from './host.ts';
import { clackPrompts } from './prompts.ts';
import { runCommandLine } from './run.ts';
import { runtime } from './runtime.ts';

/**
 * A signal that comes again within this time is the same one: a terminal sends Ctrl-C to every process of `npm start`, and
 * each of them passes it on.
 */
const SAME_SIGNAL_MS = 500;

const FROM_CLONE = import.meta.url.endsWith('/src/cli/start.ts');

/** Runs the command line of this process and sets its exit code. */
export async function start(): Promise<void> {
  const interruption = new AbortController();
  const state = { graceful: false, interrupted_ms: -Infinity };
  const interrupt = (exit: ExitCode): void => {
    const now_ms = systemClock.monotonic_ms();
    if (now_ms - state.interrupted_ms < SAME_SIGNAL_MS) return;
    // A second Ctrl-C, or one for a command that has nothing to clean up, ends at once.
    if (!state.graceful || interruption.signal.aborted) process.exit(exit);
    state.interrupted_ms = now_ms;
    interruption.abort(exit);
  };
  process.on('SIGINT', () => interrupt(EXIT.interrupted));
  process.on('SIGTERM', () => interrupt(EXIT.terminated));
  // The terminal was closed: whoever started `up` in it wanted it to run as long as that.
  process.on('SIGHUP', () => interrupt(EXIT.terminated));
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // Nor can anything be printed to a terminal that was closed.
    if (error.code === 'EIO') return interrupt(EXIT.terminated);
    // The reader of a pipe has gone (`| head`): there is nobody to tell.
    process.exit(error.code === 'EPIPE' ? EXIT.ok : EXIT.defect);
  });

  // Nothing is left to wait for and the command has not ended: it waits for an answer from a terminal that has gone.
  const onNothingLeft = (): void => {
    process.stderr.write('syncline: The terminal has gone before the question was answered; nothing was done.\n');
    process.exit(EXIT.needsYes);
  };
  process.once('beforeExit', onNothingLeft);

  const exit = await runCommandLine(process.argv.slice(2), processHost(interruption.signal), {
    on_graceful: () => (state.graceful = true),
  });
  process.off('beforeExit', onNothingLeft);
  process.exitCode = exit;
}

/** More than any command takes. */
const MAX_INPUT_BYTES = 1024 * 1024;

async function readInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_INPUT_BYTES) throw new UsageError('usage.input', 'Standard input holds more than 1 MiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function processHost(signal: AbortSignal): Host {
  return {
    stdout: { write: (text) => void process.stdout.write(text) },
    stderr: { write: (text) => void process.stderr.write(text) },
    env: process.env,
    cwd: process.cwd(),
    user_home: homedir(),
    platform: process.platform,
    node_version: process.versions.node,
    clock: systemClock,
    timers: systemTimers,
    random: systemRandom,
    is_tty: { stdin: process.stdin.isTTY, stdout: process.stdout.isTTY, stderr: process.stderr.isTTY },
    columns: () => process.stdout.columns ?? process.stderr.columns ?? 80,
    signal,
    from_clone: FROM_CLONE,
    program: FROM_CLONE
      ? fileURLToPath(new URL('../../bin/syncline', import.meta.url))
      : (process.argv[1] ?? 'syncline'),
    runtime,
    prompts: clackPrompts,
    readInput,
    openBrowser: openInBrowser,
  };
}

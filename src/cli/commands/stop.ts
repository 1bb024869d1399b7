import { EXIT, SynclineError, UnreachableError, type ExitCode } from '../../platform/errors.ts';
import type { CommandContext } from '../context.ts';

/** A graceful stop is bounded by the supervisor; beyond this somebody has to look. */
const STOP_TIMEOUT_MS = 30_000;
const POLL_MS = 100;

/** `stop`: asks the daemon to end and waits until it has. Nothing running is the wanted state, so that is a 0. */
export async function stop(context: CommandContext): Promise<ExitCode> {
  const pid = await stopRunning(context);
  if (context.options.json) context.printJson('syncline.stop/1', { stopped: pid !== null, pid });
  context.say(pid === null ? 'Syncline is not running.' : `Stopped process ${pid}.`);
  return EXIT.ok;
}

/**
 * Resolves with the process that has ended; null when none ran.
 * @throws UnreachableError `daemon.stopping` when it still runs after 30 s
 */
export async function stopRunning(context: CommandContext): Promise<number | null> {
  const pid = await askToStop(context);
  if (pid === null) return null;
  const { clock, timers } = context.host;
  const deadline_ms = clock.monotonic_ms() + STOP_TIMEOUT_MS;
  while (await isRunning(context)) {
    if (clock.monotonic_ms() >= deadline_ms)
      throw new UnreachableError('daemon.stopping', `Process ${pid} has agreed to stop and still runs after 30 s.`, {
        hint: `See its log with: syncline doctor. As a last resort: kill ${pid} (what it has not delivered stays).`,
      });
    await timers.sleep(POLL_MS);
  }
  return pid;
}

/** Process id of the daemon that agreed; null when none runs. */
async function askToStop(context: CommandContext): Promise<number | null> {
  try {
    await using operator = await context.connect(true);
    return (await operator.stop()).pid;
  } catch (error) {
    if (isNotRunning(error)) return null;
    throw error;
  }
}

/** A daemon that no longer answers but holds the lock is still ending. */
async function isRunning(context: CommandContext): Promise<boolean> {
  try {
    await using operator = await context.connect(true);
    return (await operator.status()).running;
  } catch (error) {
    if (error instanceof SynclineError) return !isNotRunning(error);
    throw error;
  }
}

function isNotRunning(error: unknown): boolean {
  return error instanceof SynclineError && error.code === 'daemon.not_running';
}

import type { FlagValue } from '../../config/load.ts';
import { SynclineError, UsageError, type ExitCode } from '../../platform/errors.ts';
import type { Operator } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { streamArgument, type Invocation } from '../invocation.ts';
import { renderFirstScreen } from '../screen/first-screen.ts';
import { LiveBlock } from '../screen/live-block.ts';
import { ReadingProgress } from '../screen/reading-progress.ts';

const REDRAW_MS = 1_000;

/** `up`: runs until Ctrl-C or `syncline stop`. */
export async function up(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { env, signal } = context.host;
  const written = invocation.text('only');
  const only = written === 'records' ? written : streamArgument(written);
  const paths = context.paths();
  const loaded = await context.config(upFlags(invocation));
  context.say(...loaded.notes);
  let shown: Promise<void> = Promise.resolve();
  const ended = new AbortController();
  try {
    const exit = await context.host.runtime.runDaemon({
      paths,
      loaded,
      env,
      role: 'laptop',
      only,
      signal,
      on_ready: (operator, { sample, over }) => {
        const ending = AbortSignal.any([over, ended.signal]);
        shown = shown.then(() => showFirstScreen(context, operator, sample, ending));
      },
    });
    return context.exitUnlessInterrupted(exit);
  } finally {
    ended.abort();
    await shown;
  }
}

function upFlags(invocation: Invocation): FlagValue[] {
  const flags: FlagValue[] = [];
  const port = invocation.text('port');
  if (port !== null) flags.push({ key: 'http.port', flag: '--port', value: portNumber(port) });
  if (!invocation.notDenied('capture')) flags.push({ key: 'capture.enabled', flag: '--no-capture', value: false });
  return flags;
}

function portNumber(written: string): number {
  if (/^\d{1,5}$/.test(written)) return Number(written);
  throw new UsageError('usage.port', '--port must be a whole number from 1 to 65535.', { field: '--port' });
}

/** Whatever is wrong with the screen, the daemon goes on; the reason is said once. */
async function showFirstScreen(
  context: CommandContext,
  operator: Operator,
  sample: boolean,
  signal: AbortSignal,
): Promise<void> {
  try {
    await showUntilRead(context, operator, sample, signal);
  } catch (error) {
    if (signal.aborted) return;
    const reason = error instanceof SynclineError ? error.message : `a defect (${(error as Error).name})`;
    context.say(`Syncline runs; its first screen cannot be shown: ${reason}. See: syncline status`);
  }
}

/** Draws the first screen, and its Reading line again until everything is read or reading no longer moves. */
async function showUntilRead(
  context: CommandContext,
  operator: Operator,
  sample: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { host, options } = context;
  const { url: link } = await operator.openLink(null);
  let status = await operator.status();
  if (options.json)
    return context.printJson('syncline.up/1', { url: link, pid: status.pid, home: status.home, sample });
  if (options.quiet) return;

  const block = new LiveBlock(host.stdout, host.is_tty.stdout, host.columns);
  const progress = new ReadingProgress(host.clock, status);
  const { user_home, from_clone } = host;
  const draw = (): string[] =>
    renderFirstScreen(status, {
      width: context.width(),
      user_home,
      palette: context.palette,
      link,
      remaining_ms: progress.remaining_ms(),
      sample,
      from_clone,
    });
  block.draw(draw());
  while (progress.goesOn()) {
    await host.timers.sleep(REDRAW_MS, signal);
    if (signal.aborted) return;
    status = await operator.status();
    progress.update(status);
    block.draw(draw());
  }
  block.finish(draw());
}

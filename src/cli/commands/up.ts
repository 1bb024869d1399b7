import type { FlagValue } from '../../config/load.ts';
import { UsageError, type ExitCode } from '../../platform/errors.ts';
import type { Operator, StatusReport } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { streamArgument, type Invocation } from '../invocation.ts';
import { renderFirstScreen } from '../screen/first-screen.ts';
import { LiveBlock } from '../screen/live-block.ts';

const REDRAW_MS = 500;

/** `up`: runs until Ctrl-C or `syncline stop`. */
export async function up(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  const { env, signal } = context.host;
  const only = streamArgument(invocation.text('only'));
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
      on_ready: (operator, { sample }) => {
        shown = showUntilRead(context, operator, sample, AbortSignal.any([signal, ended.signal]));
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

/** Draws the first screen, and its Reading line again until everything is read. */
async function showUntilRead(
  context: CommandContext,
  operator: Operator,
  sample: boolean,
  signal: AbortSignal,
): Promise<void> {
  const { host, palette } = context;
  const link = (await operator.openLink(null)).url;
  const first = await operator.status();
  if (context.options.json)
    return context.printJson('syncline.up/1', { url: link, pid: first.pid, home: first.home, sample });
  if (context.options.quiet) return;

  const block = new LiveBlock(host.stdout, host.is_tty.stdout, host.columns);
  const started_ms = host.clock.monotonic_ms();
  const read_before = readBytes(first);
  const lines = (status: StatusReport): string[] => {
    const elapsed_ms = host.clock.monotonic_ms() - started_ms;
    const remaining_ms = remaining(status, readBytes(status) - read_before, elapsed_ms);
    const { user_home, from_clone } = host;
    return renderFirstScreen(status, {
      width: context.width(),
      user_home,
      palette,
      link,
      remaining_ms,
      sample,
      from_clone,
    });
  };
  block.draw(lines(first));
  let status = first;
  while (!signal.aborted && readBytes(status) < totalBytes(status)) {
    await host.timers.sleep(REDRAW_MS, signal);
    if (signal.aborted) return;
    status = await operator.status();
    block.draw(lines(status));
  }
  block.finish(lines(status));
}

/** Time left at the speed so far; null in the first two seconds, when any figure would be a guess. */
function remaining(status: StatusReport, done_bytes: number, elapsed_ms: number): number | null {
  if (elapsed_ms < 2_000 || done_bytes <= 0) return null;
  return ((totalBytes(status) - readBytes(status)) / done_bytes) * elapsed_ms;
}

function totalBytes({ sources }: StatusReport): number {
  return sources.reduce((sum, { bytes }) => sum + bytes, 0);
}

function readBytes({ sources }: StatusReport): number {
  return sources.reduce((sum, { read_bytes }) => sum + read_bytes, 0);
}

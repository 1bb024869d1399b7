import { EXIT, type ExitCode } from '../../platform/errors.ts';
import type { StatusReport, StreamName } from '../../runtime/operator.ts';
import type { CommandContext } from '../context.ts';
import { streamArgument, type Invocation } from '../invocation.ts';
import { LiveBlock } from '../screen/live-block.ts';
import { renderStatus } from '../screen/status-screen.ts';

const REDRAW_MS = 1_000;

/** `status`: always exit 0, also offline: being offline is a state (product page §4, row 21). */
export async function status(context: CommandContext, invocation: Invocation): Promise<ExitCode> {
  if (invocation.argument(0) === 'records') return (await import('./records/status.ts')).status(context);
  const stream = streamArgument(invocation.argument(0));
  if (invocation.flag('watch')) return watch(context, stream);
  const report = narrow(await context.withOperator((operator) => operator.status()), stream);
  if (context.options.json) context.host.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else context.print(...lines(context, report));
  return EXIT.ok;
}

/** Draws again until Ctrl-C. Connects anew each time, so that it survives a restart of the daemon. */
async function watch(context: CommandContext, stream: StreamName | null): Promise<ExitCode> {
  const { host } = context;
  const block = new LiveBlock(host.stdout, host.is_tty.stdout, host.columns);
  while (!host.signal.aborted) {
    const report = narrow(await context.withOperator((operator) => operator.status()), stream);
    // One document a line, so that a reader of the pipe can follow.
    if (context.options.json) host.stdout.write(`${JSON.stringify(report)}\n`);
    else block.draw(lines(context, report));
    await host.timers.sleep(REDRAW_MS, host.signal);
  }
  return EXIT.ok;
}

function lines(context: CommandContext, report: StatusReport): string[] {
  const { user_home } = context.host;
  return renderStatus(report, {
    now_ms: context.now_ms(),
    user_home,
    palette: context.palette,
    width: context.width(),
  });
}

function narrow(report: StatusReport, stream: StreamName | null): StatusReport {
  if (stream === null) return report;
  return { ...report, destinations: report.destinations.filter((destination) => destination.stream === stream) };
}

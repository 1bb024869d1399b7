import type { CommandContext } from '../../context.ts';
import { safe } from '../../format/safe.ts';
import type { RecordsDirectory } from '../../../runtime/records/open-records-directory.ts';
import type { RecordsInputs } from '../../../runtime/records/records-inputs.ts';

/** What the records commands are given by the configuration. @throws UsageError `records.not_configured` */
export async function recordsInputsOf(context: CommandContext): Promise<RecordsInputs> {
  const { configuredRecords } = await import('../../../runtime/records/records-inputs.ts');
  const { config } = await context.config();
  const { config_file } = context.paths();
  const { env, clock, timers, random } = context.host;
  return {
    config: configuredRecords(config, config_file),
    config_file,
    ...{ env, clock, timers, random },
    report: (message, detail) => context.say(safe(`${message} ${JSON.stringify(detail)}`)),
  };
}

/**
 * Runs `use` with both sides open, and closes them. Beside a running Syncline, too: whoever works on records shares the
 * database and its leases, not a data directory.
 */
export async function withRecords<T>(
  context: CommandContext,
  use: (directory: RecordsDirectory) => Promise<T>,
): Promise<T> {
  const { openRecordsDirectory } = await import('../../../runtime/records/open-records-directory.ts');
  await using directory = await openRecordsDirectory(await recordsInputsOf(context));
  return await use(directory);
}

/** `records/NAME` or `NAME`. */
export function objectName(written: string): string {
  return written.replace(/^records\//, '');
}

/** Who does it, for the log of what was done. */
export function actorOf({ host }: CommandContext): string {
  return host.env['USER'] ?? host.env['LOGNAME'] ?? 'operator';
}

import { Supervisor } from '../../engine/supervisor.ts';
import { messageOf } from '../../platform/errors.ts';
import type { DirectoryOptions } from '../directory-options.ts';
import { openRecordsDirectory } from './open-records-directory.ts';
import { startRecordLoops } from './records-loops.ts';
import type { RecordsInputs } from './records-inputs.ts';

/** How long the loops have to end. */
const STOP_MS = 20_000;

/** What records need of a daemon; null when none are configured. */
export function recordsInputs(
  options: Omit<DirectoryOptions, 'team_id' | 'captures' | 'role' | 'pid'>,
): RecordsInputs | null {
  const { loaded, paths, env, clock, timers, random, report } = options;
  const config = loaded.config.records;
  if (config?.postgres === undefined || config.salesforce === undefined || config.object.length === 0) return null;
  return { config, config_file: paths.config_file, env, clock, timers, random, report };
}

/**
 * Keeps the configured objects in step until `signal` aborts. A database that does not answer at the start is an error for the
 * supervisor, which tries again.
 */
export async function runRecords(inputs: RecordsInputs, signal: AbortSignal): Promise<void> {
  await using directory = await openRecordsDirectory(inputs);
  for (const [object, error] of directory.records.unusable)
    inputs.report('an object of records cannot be kept in step', { object, error: messageOf(error) });
  const { clock, timers, random } = inputs;
  const supervisor = new Supervisor({
    ...{ clock, timers, random },
    report: (loop, error) =>
      inputs.report('a loop of records ended and begins again', { loop, error: messageOf(error) }),
  });
  startRecordLoops(supervisor, directory);
  await new Promise<void>((resolve) => {
    if (signal.aborted) return resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await supervisor.stop(STOP_MS);
}

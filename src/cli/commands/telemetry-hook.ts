import { EXIT, type ExitCode } from '../../platform/errors.ts';

/**
 * `telemetry hook`. The entry hands it to `hook.ts` before anything is parsed, because the hook prints nothing and
 * exits 0 on any input (R9); this stands in the tree for help and completion.
 */
export async function hook(): Promise<ExitCode> {
  return EXIT.ok;
}

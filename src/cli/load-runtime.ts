import { UnreachableError } from '../platform/errors.ts';
import type { Runtime } from './runtime.ts';

/** The real runtime, loaded when a command needs it. */
export async function loadRuntime(): Promise<Runtime> {
  throw new UnreachableError('runtime.missing', 'This build has no runtime yet.');
}

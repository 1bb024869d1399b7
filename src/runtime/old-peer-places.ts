/** Names and places of what this machine has on the wire of ai-memory. */
import { dirname, isAbsolute, join } from 'node:path';
import type { LoadedConfig } from '../config/load.ts';
import type { SynclinePaths } from '../config/paths.ts';
import { deviceName } from './device-name.ts';

/** Where its keys lie: ai-memory's own folder can be copied there as it is. */
export function keysFolder({ paths }: { paths: Pick<SynclinePaths, 'keys_dir'> }): string {
  return join(paths.keys_dir, 'ai-memory');
}

/** How ai-memory knows this machine: characters that its ids do not have become `-`. */
export function ownAgentId({ loaded }: { loaded: Pick<LoadedConfig, 'config'> }): string {
  const { compat, name } = loaded.config.memory;
  return compat.agent_id ?? `syncline:${deviceName(name).replace(/[^A-Za-z0-9_.-]+/g, '-')}`.slice(0, 128);
}

/** A file that the configuration names stands beside it unless absolute, as a secret does. */
export function fileBeside(loaded: Pick<LoadedConfig, 'file'>, file: string): string {
  return isAbsolute(file) ? file : join(dirname(loaded.file), file);
}

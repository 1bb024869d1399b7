import type { DataDirectory } from './data-directory.ts';
import type { StreamName } from './operator.ts';

/** Whether a stream is meant; null means all. */
export function runs(only: StreamName | null, stream: StreamName): boolean {
  return only === null || only === stream;
}

/** A directory whose other streams rest. */
export function narrowed(directory: DataDirectory, only: StreamName | null): DataDirectory {
  return {
    ...directory,
    ...(runs(only, 'telemetry') ? {} : { deliveries: new Map() }),
    ...(runs(only, 'sessions') ? {} : { sessions: null }),
    ...(runs(only, 'memory') ? {} : { old_peers: null }),
  };
}

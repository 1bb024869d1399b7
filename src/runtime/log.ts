import { renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import type { SynclinePaths } from '../config/paths.ts';

const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** Where the daemon writes what it decided: `log/syncline.log`, 0600, one older file kept. Holds no agent data. */
export function logFile(paths: SynclinePaths): string {
  return join(paths.log_dir, 'syncline.log');
}

/**
 * Opens the log. Errors appear by name, code and message, without stacks of agent data or causes. A file that has grown
 * beyond `max_bytes` becomes the older one, at the start and while the daemon runs.
 */
export function openLog(paths: SynclinePaths, max_bytes = MAX_LOG_BYTES): Logger {
  const file = logFile(paths);
  const target = pino.destination({ dest: file, mode: 0o600, sync: true, mkdir: false });
  let bytes = statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  const write = (line: string): void => {
    if (bytes > max_bytes) {
      renameSync(file, `${file}.1`);
      target.reopen();
      bytes = 0;
    }
    bytes += Buffer.byteLength(line);
    target.write(line);
  };
  return pino({ base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, { write });
}

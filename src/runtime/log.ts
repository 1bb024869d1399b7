import { renameSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { pino, type Logger } from 'pino';
import type { SynclinePaths } from '../config/paths.ts';

const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** Where the daemon writes what it decided: `log/syncline.log`, 0600, one older file kept. Holds no agent data. */
export function logFile(paths: SynclinePaths): string {
  return join(paths.log_dir, 'syncline.log');
}

/** Opens the log. Errors appear by name, code and message, without stacks of agent data or causes. */
export function openLog(paths: SynclinePaths): Logger {
  const file = logFile(paths);
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > MAX_LOG_BYTES) renameSync(file, `${file}.1`);
  const target = pino.destination({ dest: file, mode: 0o600, sync: true, mkdir: false });
  return pino({ base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime }, target);
}

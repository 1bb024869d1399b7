/** The files that Syncline makes in its state directory: what may be deleted there, and nothing else. */
import { existsSync, lstatSync, readdirSync, rmSync, rmdirSync } from 'node:fs';
import { join } from 'node:path';
import { lockDirectory } from '../storage/sqlite/lock.ts';

/** Databases with their companions, and the copies that migrations made. */
const DATABASES = /^(engine|store|labels|sessions|session-store|memory|memory-compat|lock)\.db(-wal|-shm|-journal)?$/;
/** Of migrations. */
const COPIES = /^[a-z-]+\.db\.before-[a-z]+-\d{4}(-wal|-shm)?$/;
const OTHERS: ReadonlySet<string> = new Set([
  ...['spool', 'keys', 'log'],
  ...['daemon.json', 'hook.json', 'sample.json', 'open.html', 'role', 'scrub-due', 'lock.pid'],
]);

export interface StateFiles {
  /** Ours, files and folders directly below the directory. */
  files: string[];
  bytes: number;
  /** What else is there: the configuration, profiles, what others put there. */
  others: string[];
}

/** What is in a state directory; one that is not there is empty. */
export function stateOf(home: string): StateFiles {
  const names = existsSync(home) ? readdirSync(home) : [];
  const files = names.filter(isOurs).map((name) => join(home, name));
  const others = names.filter((name) => !isOurs(name)).map((name) => join(home, name));
  return { files, others, bytes: files.reduce((sum, file) => sum + bytesOf(file), 0) };
}

/**
 * Deletes what is ours, and the directory when nothing else is in it.
 * @throws LockedError when a process works there; nothing was deleted then
 */
export function removeState(home: string): void {
  if (!existsSync(home)) return;
  const lock = lockDirectory(home, process.pid);
  for (const file of stateOf(home).files) rmSync(file, { recursive: true, force: true });
  lock.release();
  if (existsSync(home) && readdirSync(home).length === 0) rmdirSync(home);
}

function isOurs(name: string): boolean {
  return DATABASES.test(name) || COPIES.test(name) || OTHERS.has(name);
}

function bytesOf(path: string): number {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found?.isDirectory()) return found?.size ?? 0;
  return readdirSync(path).reduce((sum, name) => sum + bytesOf(join(path, name)), 0);
}

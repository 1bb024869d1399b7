import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchDirectory } from '../../../test/support/scratch-directory.ts';
import { LockedError } from '../../platform/errors.ts';
import { directoryHolder, lockDirectory } from './lock.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let child: ChildProcess | undefined;
beforeEach(() => (scratch = scratchDirectory()));
afterEach(() => {
  child?.kill('SIGKILL');
  scratch.remove();
});

/** Another process that takes the directory and keeps it until it is killed. */
async function holder(): Promise<ChildProcess> {
  const module = JSON.stringify(new URL('./lock.ts', import.meta.url).href);
  const program = `const { lockDirectory } = await import(${module});
    lockDirectory(${JSON.stringify(scratch.path)}, process.pid);
    // Nothing refers to the lock object now; it must hold all the same.
    global.gc();
    process.stdout.write('held');
    process.stdin.resume();`;
  child = spawn(process.execPath, ['--expose-gc', '--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  await once(child.stdout!, 'data');
  return child;
}

function refused(): LockedError {
  try {
    lockDirectory(scratch.path, process.pid).release();
  } catch (error) {
    if (error instanceof LockedError) return error;
  }
  throw new Error('the directory was not refused');
}

test('a second process is refused with the process id of the first; kill -9 frees the directory', async () => {
  const first = await holder();
  const error = refused();
  expect([error.code, error.pid, error.exit]).toEqual(['locked', first.pid, 5]);
  expect(error.message).toContain(String(first.pid));
  expect(directoryHolder(scratch.path)).toEqual({ held: true, pid: first.pid });
  first.kill('SIGKILL');
  await once(first, 'exit');
  expect(directoryHolder(scratch.path).held).toBe(false);
  const lock = lockDirectory(scratch.path, process.pid);
  expect(directoryHolder(scratch.path)).toEqual({ held: true, pid: process.pid });
  lock.release();
});

test('a released directory is free, and leaves no process id behind', () => {
  const lock = lockDirectory(scratch.path, 42);
  expect(refused().pid).toBe(42);
  lock.release();
  expect(existsSync(join(scratch.path, 'lock.pid'))).toBe(false);
  expect(directoryHolder(scratch.path)).toEqual({ held: false, pid: undefined });
  lockDirectory(scratch.path, 43).release();
});

test('looking at a directory that never was held finds nobody and makes no file', () => {
  expect(directoryHolder(scratch.path)).toEqual({ held: false, pid: undefined });
  expect(existsSync(join(scratch.path, 'lock.db'))).toBe(false);
});

import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { scratchDirectory } from '../../test/support/scratch-directory.ts';
import { resolvePaths, type SynclinePaths } from '../config/paths.ts';
import { lockDirectory } from '../storage/sqlite/lock.ts';
import { readDaemonFile, removeDaemonFile, writeDaemonFile } from './daemon-file.ts';
import { stillHeld } from './still-held.ts';

let scratch: ReturnType<typeof scratchDirectory>;
let paths: SynclinePaths;
beforeEach(() => {
  scratch = scratchDirectory();
  paths = resolvePaths({
    env: { SYNCLINE_HOME: join(scratch.path, 'state') },
    user_home: scratch.path,
    cwd: scratch.path,
  });
  mkdirSync(paths.home);
});
afterEach(() => scratch.remove());

const daemon = { pid: 4242, url: 'http://127.0.0.1:4777', token: 'secret', version: '0.1.0', started_ms: 1 };

test('a daemon is reached through its file, which its user alone can read, until it takes it away', () => {
  expect(readDaemonFile(paths, 4242)).toBeNull();
  writeDaemonFile(paths, daemon);
  expect(statSync(join(paths.home, 'daemon.json')).mode & 0o777).toBe(0o600);
  expect(readDaemonFile(paths, 4242)).toEqual(daemon);
  removeDaemonFile(paths);
  expect(readDaemonFile(paths, 4242)).toBeNull();
});

test('a file that a killed daemon left behind says nothing of the process that holds the directory now', () => {
  writeDaemonFile(paths, daemon);
  expect(readDaemonFile(paths, 4243)).toBeNull();
  expect(readDaemonFile(paths, undefined)).toBeNull();
});

test('a damaged file is told, with what to do, and without what it holds', () => {
  for (const text of ['', '{"pid": 4242, "token": "secret"}', 'secret']) {
    writeFileSync(join(paths.home, 'daemon.json'), text);
    expect(() => readDaemonFile(paths, 4242)).toThrow(
      expect.objectContaining({
        code: 'daemon.file',
        message: expect.not.stringContaining('secret') as string,
      }) as Error,
    );
  }
});

test('who holds the directory is told by what it does: it ends, it starts, or it is another command', () => {
  const lock = lockDirectory(paths.home, 4242);
  try {
    const held = stillHeld(paths);
    expect(held).toMatchObject({
      code: 'daemon.starting',
      exit: 5,
      message: expect.stringContaining('4242') as string,
    });
    expect(held.message).toContain('or another command');
    writeDaemonFile(paths, { ...daemon, stopping: true });
    expect(stillHeld(paths)).toMatchObject({
      code: 'daemon.stopping',
      exit: 5,
      message: 'Syncline is stopping (process 4242), and has not ended yet',
    });
  } finally {
    lock.release();
  }
});

import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { resolvePaths, type SynclinePaths } from '../config/paths.ts';
import { originOf } from '../memory/origin.ts';
import { seededRandom, type Random } from '../platform/random.ts';
import { memoryIncarnation, nextIncarnation } from './memory-incarnation.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncline-incarnation-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function pathsOf(name: string): SynclinePaths {
  return resolvePaths({ env: {}, user_home: folder, cwd: folder, home: join(folder, name) });
}

/** One start: the lock and the database are there, as the program leaves them. */
function start(paths: SynclinePaths, random: Random): string {
  const { name, settle } = memoryIncarnation(paths, random);
  mkdirSync(paths.keys_dir, { recursive: true });
  writeFileSync(join(paths.home, 'lock.db'), '', { flag: 'a' });
  writeFileSync(paths.memory_db, '', { flag: 'a' });
  settle();
  return name;
}

test('goes on where it was left; a copy, and a database that was put back, begin their own', () => {
  const random = seededRandom(1);
  const paths = pathsOf('first');
  const first = start(paths, random);
  expect(first).toMatch(/^1x[a-z0-9]{6}$/);
  expect(originOf('aaaabbbb', first)).toBe(`aaaabbbb.${first}`);
  expect(start(paths, random)).toBe(first);

  cpSync(paths.home, pathsOf('copy').home, { recursive: true });
  const copied = start(pathsOf('copy'), random);
  expect(copied).toMatch(/^2x/);
  expect(start(pathsOf('copy'), random)).toBe(copied);
  expect(start(paths, random)).toBe(first);

  cpSync(paths.memory_db, join(folder, 'backup.db'));
  rmSync(paths.memory_db);
  // Holds the number that the removed file had, which a new one would get again.
  writeFileSync(join(folder, 'in-between'), '');
  cpSync(join(folder, 'backup.db'), paths.memory_db);
  const restored = start(paths, random);
  expect(restored).toMatch(/^2x/);
  expect(restored).not.toBe(copied);
});

test('a start that was cut before the database was there begins anew, and a new one stays', () => {
  const random = seededRandom(2);
  const paths = pathsOf('cut');
  const { name } = memoryIncarnation(paths, random);
  const next = start(paths, random);
  expect(next).not.toBe(name);
  const after = nextIncarnation(paths, random);
  expect(after).toMatch(/^2x/);
  expect(start(paths, random)).toBe(after);
});

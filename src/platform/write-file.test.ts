import * as fs from 'node:fs';
import { readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../../test/support/scratch-directory.ts';
import { writeDurably, type FileWrites } from './write-file.ts';

/** The real file system, which writes down the steps that decide what a power loss leaves. */
function remembering(steps: string[]): FileWrites {
  const open = new Map<number, string>();
  return {
    ...fs,
    openSync: (path, flags, mode) => {
      const descriptor = fs.openSync(path, flags, mode);
      open.set(descriptor, basename(String(path)));
      return descriptor;
    },
    writeFileSync: (file, data, options) => {
      steps.push(`write ${open.get(file as number)}`);
      fs.writeFileSync(file, data, options);
    },
    fsyncSync: (descriptor) => {
      steps.push(`sync ${open.get(descriptor)}`);
      fs.fsyncSync(descriptor);
    },
    renameSync: (from, to) => {
      steps.push(`rename to ${basename(String(to))}`);
      fs.renameSync(from, to);
    },
  };
}

test('a durable write is on the disk under another name before it takes its own, and the folder knows it', () => {
  const scratch = scratchDirectory();
  const file = join(scratch.path, 'salt');
  const steps: string[] = [];
  writeDurably(file, 'content', remembering(steps));
  expect(steps).toEqual(['write salt.new', 'sync salt.new', 'rename to salt', `sync ${basename(scratch.path)}`]);
  expect([readFileSync(file, 'utf8'), statSync(file).mode & 0o777]).toEqual(['content', 0o600]);
  scratch.remove();
});

import { mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchDirectory } from '../../test/support/scratch-directory.ts';
import { resolvePaths } from '../config/paths.ts';
import { openLog } from './log.ts';

test('the log of a daemon that runs for long keeps its size: one older file, and no line is lost in between', async () => {
  const scratch = scratchDirectory();
  const paths = resolvePaths({ env: { SYNCLINE_HOME: scratch.path }, user_home: scratch.path, cwd: scratch.path });
  mkdirSync(paths.log_dir);
  const log = openLog(paths, 2_000);
  for (let line = 0; line < 100; line++) {
    log.info({ line }, 'something happened');
    await Promise.resolve();
  }
  expect(readdirSync(paths.log_dir).sort()).toEqual(['syncline.log', 'syncline.log.1']);
  const texts = ['syncline.log.1', 'syncline.log'].map((name) => readFileSync(join(paths.log_dir, name), 'utf8'));
  for (const text of texts) expect(text.length).toBeLessThan(2_300);
  const lines = texts
    .flatMap((text) => text.trimEnd().split('\n'))
    .map((text) => (JSON.parse(text) as { line: number }).line);
  expect(lines).toEqual(Array.from({ length: lines.length }, (_, i) => 100 - lines.length + i));
  expect(statSync(join(paths.log_dir, 'syncline.log')).mode & 0o777).toBe(0o600);
  scratch.remove();
});

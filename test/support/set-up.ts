import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REPOSITORY } from './machine.ts';

/** Whether a start before this one has installed what the lock says; else this one would be the first, and install. */
export function isSetUp(): boolean {
  const stamp = join(REPOSITORY, 'node_modules', '.syncline-lock');
  const lock = readFileSync(join(REPOSITORY, 'package-lock.json'));
  return existsSync(stamp) && readFileSync(stamp, 'utf8') === createHash('sha256').update(lock).digest('hex');
}

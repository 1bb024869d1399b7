/** Reading and replacing a configuration file of an agent: atomically, with a backup, and never over somebody else's change. */
import {
  chmodSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { InvalidInputError, StaleError } from '../../platform/errors.ts';
import { syncFolder } from '../../platform/write-file.ts';

/** Beside the file; holds what was there before our change, with the file's own mode. */
export const BACKUP_SUFFIX = '.before-syncline';

/**
 * The text of the file; null where there is none.
 * @throws InvalidInputError `agents.config` for bytes that are no UTF-8
 */
export function readConfigFile(file: string): string | null {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new InvalidInputError('agents.config', 'It cannot be read', { cause: error });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new InvalidInputError('agents.config', 'It is not UTF-8', { cause });
  }
}

/**
 * Replaces what was read, whole or not at all. A link is followed, so that a file that lives elsewhere stays there; the mode
 * stays. The former text is kept beside it. With `after` null the file goes.
 * @throws StaleError `agents.changed` when the file is no longer `before`
 */
export function replaceConfigFile(file: string, before: string | null, after: string | null): void {
  const target = existsSync(file) ? realpathSync(file) : file;
  mkdirSync(dirname(target), { recursive: true, mode: 0o700 });
  const mode = before === null ? 0o600 : statSync(target).mode & 0o777;
  const backup = target + BACKUP_SUFFIX;
  const former = existsSync(backup) ? readConfigFile(backup) : null;
  const draft = `${target}.syncline-new`;
  if (after !== null) writeDraft(draft, after, mode);
  try {
    requireUnchanged(file, before);
    if (before !== null) writeDraft(backup, before, mode);
    if (after === null) rmSync(target);
    else renameSync(draft, target);
  } finally {
    rmSync(draft, { force: true });
  }
  // Back at what it was before we first came: there is nothing left to go back to.
  if (after === null || after === former) rmSync(backup, { force: true });
  syncFolder(dirname(target));
}

function writeDraft(file: string, text: string, mode: number): void {
  rmSync(file, { force: true });
  const descriptor = openSync(file, 'wx', mode);
  try {
    writeFileSync(descriptor, text);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  // What the process's umask took away.
  chmodSync(file, mode);
}

function requireUnchanged(file: string, before: string | null): void {
  if (readConfigFile(file) === before) return;
  throw new StaleError('agents.changed', 'The agent changed this file meanwhile; nothing of it was touched', {
    hint: 'Repeat the command.',
  });
}

import { chmodSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SynclinePaths } from '../config/paths.ts';
import { SynclineError, UsageError } from '../platform/errors.ts';
import type { Random } from '../platform/random.ts';
import { syncFolder, writeAtomically, writeDurably } from '../platform/write-file.ts';
import { parseSalt } from '../redaction/hashing.ts';
import type { KeptBeginning } from '../telemetry/salts.ts';

const STICKY = 0o1000;

/** Creates the state directory and what is below it, for the user alone: directories 0700, files 0600. */
export function prepareHome(paths: SynclinePaths): void {
  for (const folder of [paths.home, paths.spool_dir, paths.keys_dir, paths.log_dir]) {
    try {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const { mode, uid } = statSync(folder);
      // A folder that others share on purpose (/tmp and its kind) must not be closed to them by a slip in --home.
      if ((mode & STICKY) !== 0 || uid !== (process.getuid?.() ?? uid))
        throw new UsageError('home.shared', 'The state directory belongs to somebody else or is shared by all users', {
          hint: 'Name a folder of your own with --home or SYNCLINE_HOME.',
        });
      if ((mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
    } catch (cause) {
      if (cause instanceof UsageError) throw cause;
      throw new UsageError(
        'home.unusable',
        `The state directory cannot be used: ${(cause as NodeJS.ErrnoException).code}`,
        {
          hint: 'Name another with --home or SYNCLINE_HOME.',
          cause,
        },
      );
    }
  }
}

/**
 * The machine's own salt, made at the first start: 32 random bytes as hex in `keys/salt`.
 * @throws SynclineError `salt.damaged`: an unreadable salt is never replaced, because every hash would change.
 */
export function machineSalt(paths: SynclinePaths, random: Random): Uint8Array {
  const file = join(paths.keys_dir, 'salt');
  const text = readIfThere(file);
  if (text === null) {
    const bytes = random.bytes(32);
    writeDurably(file, `${Buffer.from(bytes).toString('hex')}\n`);
    syncFolder(paths.home);
    return bytes;
  }
  const salt = parseSalt(text);
  if (salt) return salt;
  throw new SynclineError('salt.damaged', 'keys/salt does not hold 64 hexadecimal digits', {
    hint: 'Restore it from a backup. Removing it starts a new history: everything is hashed anew.',
  });
}

/** What keys the hashes of raw conversations in the journal; made at the first start. Losing it costs a comparison. */
export function sessionSecret(paths: SynclinePaths, random: Random): Uint8Array {
  const file = join(paths.keys_dir, 'session-secret');
  const known = parseSalt(readIfThere(file) ?? '');
  if (known) return known;
  const bytes = random.bytes(32);
  writeDurably(file, `${Buffer.from(bytes).toString('hex')}\n`);
  return bytes;
}

/**
 * When the team's salt came into force here (R2), in `keys/team-began` as well as in the journal's file: without it a journal that
 * was lost would begin the team anew, and what the team had not yet got would be hashed for this machine alone.
 */
export function teamBeginning(paths: SynclinePaths): KeptBeginning {
  const file = join(paths.keys_dir, 'team-began');
  return {
    read: () => {
      const [, salt_id, began_ms] = /^([0-9a-f]{8}) (\d{1,15})\n$/.exec(readIfThere(file) ?? '') ?? [];
      return salt_id === undefined ? null : { salt_id, began_ms: Number(began_ms) };
    },
    write: (beginning) => {
      if (beginning) writeDurably(file, `${beginning.salt_id} ${beginning.began_ms}\n`);
      else rmSync(file, { force: true });
    },
  };
}

/** Tells the hook, which reads no configuration, what it may keep. */
export function writeHookSettings(
  paths: SynclinePaths,
  settings: { content: 'none' | 'redacted'; spool_max_bytes: number },
  salt: Uint8Array,
): void {
  writeAtomically(join(paths.home, 'hook.json'), `${JSON.stringify(settings)}\n`);
  writeAtomically(join(paths.keys_dir, 'hook-salt'), `${Buffer.from(salt).toString('hex')}\n`);
}

/** A file's text, or null when there is none. */
export function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

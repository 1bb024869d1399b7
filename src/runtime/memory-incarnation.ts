/**
 * The incarnation in which this machine numbers its operations (design §5 rule 11). A directory that was restored or copied must not
 * go on numbering where its original does: so it begins a new one when it stands elsewhere than it was left.
 */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { SynclinePaths } from '../config/paths.ts';
import type { Random } from '../platform/random.ts';
import { writeDurably } from '../platform/write-file.ts';
import { readIfThere } from './home.ts';

const FORM = /^(\d{1,6})x([a-z0-9]{6}) ([0-9a-f]{16})\n$/;

export interface Incarnation {
  /** `number x chance`: two copies that both count one up still differ. */
  name: string;
  /** To be called once `memory.db` is there: from then on this is where it stands. */
  settle: () => void;
}

/** The one that goes on, or the next when `lock.db` or `memory.db` is another file than it was, or the machine another. */
export function memoryIncarnation(paths: SynclinePaths, random: Random): Incarnation {
  const file = join(paths.keys_dir, 'memory-incarnation');
  const [, count = '0', chance = '', place = ''] = FORM.exec(readIfThere(file) ?? '') ?? [];
  const stays = chance !== '' && place === placeOf(paths);
  const name = stays ? `${count}x${chance}` : `${Number(count) + 1}x${sixCharacters(random)}`;
  return {
    name,
    settle: () => {
      if (!stays) writeDurably(file, `${name} ${placeOf(paths)}\n`);
    },
  };
}

/** Begins another one at once and keeps it: a peer knows more of this one's operations than this machine does. */
export function nextIncarnation(paths: SynclinePaths, random: Random): string {
  const file = join(paths.keys_dir, 'memory-incarnation');
  const [, count = '0'] = FORM.exec(readIfThere(file) ?? '') ?? [];
  const name = `${Number(count) + 1}x${sixCharacters(random)}`;
  writeDurably(file, `${name} ${placeOf(paths)}\n`);
  return name;
}

/** Where the directory stands: device numbers are left out, as they change when a machine starts. */
function placeOf({ home, memory_db }: SynclinePaths): string {
  const files = [join(home, 'lock.db'), memory_db].map((file) =>
    String(statSync(file, { throwIfNoEntry: false })?.ino),
  );
  return createHash('sha256')
    .update([machineId(), ...files].join('\n'))
    .digest('hex')
    .slice(0, 16);
}

function machineId(): string {
  try {
    return readFileSync('/etc/machine-id', 'utf8').trim();
  } catch {
    // macOS has none there; the files tell a copy on the same machine, and pairing one on another.
    return '';
  }
}

function sixCharacters(random: Random): string {
  return [...random.bytes(6)].map((byte) => (byte % 36).toString(36)).join('');
}

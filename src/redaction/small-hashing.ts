import { blake3Hex } from './blake3.ts';
import { hashingOver, type Hashing } from './hash-forms.ts';

/** The same hashes as `loadHashing` without anything to load: for the hook, which hashes a few short ids and ends. */
export function smallHashing(): Hashing {
  return hashingOver((...parts) => blake3Hex(Buffer.concat(parts.map((part) => Buffer.from(part)))));
}

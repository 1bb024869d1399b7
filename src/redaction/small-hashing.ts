import { blake3Hex, shortBlake3 } from './blake3.ts';
import { hashingOver, type Hashing } from './hash-forms.ts';

/** The same hashes as `loadHashing` without anything to load: for the hook, which hashes a few short ids and ends. */
export function smallHashing(): Hashing {
  return hashingOver((salt, material) => {
    const short = typeof material === 'string' ? shortBlake3(salt, material) : null;
    if (short !== null) return short;
    const bytes = Buffer.from(material);
    return salt === null ? blake3Hex(bytes) : `blake3:${blake3Hex(Buffer.concat([salt, bytes]))}`;
  });
}

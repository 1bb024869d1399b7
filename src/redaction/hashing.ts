import blake3 from 'hash-wasm/dist/blake3.umd.min.js';
import { shortBlake3 } from './blake3.ts';
import { hashingOver, type Hashing } from './hash-forms.ts';

export { parseSalt, SALT_BYTES, type Hashing } from './hash-forms.ts';

/** Compiles the WebAssembly module (about 5 ms); everything after is synchronous, at about 600 MB/s for what is long. */
export async function loadHashing(): Promise<Hashing> {
  const hasher = await blake3.createBLAKE3();
  return hashingOver((salt, material) => {
    const short = typeof material === 'string' ? shortBlake3(salt, material) : null;
    if (short !== null) return short;
    hasher.init();
    if (salt !== null) hasher.update(salt);
    const hex = hasher.update(material).digest('hex');
    return salt === null ? hex : `blake3:${hex}`;
  });
}

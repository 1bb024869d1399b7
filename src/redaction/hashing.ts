import blake3 from 'hash-wasm/dist/blake3.umd.min.js';
import { hashingOver, type Hashing } from './hash-forms.ts';

export { parseSalt, SALT_BYTES, type Hashing } from './hash-forms.ts';

/** Compiles the WebAssembly module (about 5 ms); everything after is synchronous, at about 600 MB/s. */
export async function loadHashing(): Promise<Hashing> {
  const hasher = await blake3.createBLAKE3();
  return hashingOver((...parts) => {
    hasher.init();
    for (const part of parts) hasher.update(part);
    return hasher.digest('hex');
  });
}

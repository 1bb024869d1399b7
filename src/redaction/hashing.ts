import blake3 from 'hash-wasm/dist/blake3.umd.min.js';
import { shortBlake3 } from './blake3.ts';
import { hashingOver, type Hashing } from './hash-forms.ts';

export { parseSalt, SALT_BYTES, type Hashing } from './hash-forms.ts';

/** Compiles the WebAssembly module (about 5 ms); everything after is synchronous, at about 600 MB/s for what is long. */
export async function loadHashing(): Promise<Hashing> {
  const hasher = await blake3.createBLAKE3();
  const bytesOf = longTextsEncoder();
  return hashingOver((salt, material) => {
    const short = typeof material === 'string' ? shortBlake3(salt, material) : null;
    if (short !== null) return short;
    hasher.init();
    if (salt !== null) hasher.update(salt);
    const hex = hasher.update(bytesOf(material)).digest('hex');
    return salt === null ? hex : `blake3:${hex}`;
  });
}

/** UTF-16 units; what is shorter the hasher encodes into memory that Node has ready. */
const LONG_TEXT = 2_048;
/** Of one that is kept. Three bytes are the most that a UTF-16 unit takes. */
const KEPT_BYTES = 1024 * 1024;
const MOST_BYTES_PER_UNIT = 3;

/**
 * Encodes long texts into one buffer, used again and again: the hasher takes a new one for each, and a hundred kilobytes
 * outside of V8's heap, many times a second, make it collect garbage that is not there.
 */
function longTextsEncoder(): (material: string | Uint8Array) => string | Uint8Array {
  let kept = Buffer.alloc(0);
  return (material) => {
    if (typeof material !== 'string' || material.length < LONG_TEXT) return material;
    const most_bytes = material.length * MOST_BYTES_PER_UNIT;
    if (most_bytes > KEPT_BYTES) return material;
    if (kept.length < most_bytes) kept = Buffer.allocUnsafeSlow(Math.min(KEPT_BYTES, most_bytes * 2));
    return kept.subarray(0, kept.write(material));
  };
}

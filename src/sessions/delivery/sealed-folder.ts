import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import type { Random } from '../../platform/random.ts';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A folder's path as the journal may hold it: sealed with the secret of the device, which stands in a file of its own and
 * goes into no backup unasked. `secret`: 32 bytes.
 */
export function sealFolder(secret: Uint8Array, folder: string, random: Random): Uint8Array {
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, keyOf(secret), nonce);
  const text = Buffer.concat([cipher.update(folder, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), text]);
}

/** Null: it was sealed with another secret, or is none. */
export function openFolder(secret: Uint8Array, sealed: Uint8Array): string | null {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return null;
  const decipher = createDecipheriv(CIPHER, keyOf(secret), sealed.subarray(0, NONCE_BYTES));
  decipher.setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    const text = decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES));
    return Buffer.concat([text, decipher.final()]).toString('utf8');
  } catch {
    // What does not fit its tag: the secret was made anew. The next session that is shared says again where it is.
    return null;
  }
}

function keyOf(secret: Uint8Array): Buffer {
  return createHash('sha256').update('syncline checkout folder').update(secret).digest();
}

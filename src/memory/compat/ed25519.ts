import { createPrivateKey, createPublicKey, sign, verify, type KeyObject } from 'node:crypto';
import { InvalidInputError } from '../../platform/errors.ts';

/** Bytes of a raw public key, of a raw private key (its seed), and of a signature. */
export const KEY_BYTES = 32;
export const SIGNATURE_BYTES = 64;

/** What stands before the raw key in PKCS#8 (RFC 8410 §7) and SubjectPublicKeyInfo (§4). */
const PRIVATE_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_PREFIX = Buffer.from('302a300506032b6570032100', 'hex');

/** Order of the group (RFC 8032 §5.1), little-endian: S of a canonical signature is below it. */
const GROUP_ORDER = Buffer.from('edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010', 'hex');

/**
 * Every encoding, without its sign bit, of the points of order 1, 2, 4 and 8, and those that are not reduced. A "key" among
 * them makes signatures that fit many messages, so strict verification refuses it, also as R. OpenSSL 3.5 does so by itself, 3.0,
 * which a Node of a distribution may be linked to, does not.
 */
const SMALL_ORDER = new Set([
  '00'.repeat(32),
  `01${'00'.repeat(31)}`,
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  `ec${'ff'.repeat(30)}7f`,
  `ed${'ff'.repeat(30)}7f`,
  `ee${'ff'.repeat(30)}7f`,
]);

/** An Ed25519 pair as the files of the dialect hold it: 32 raw bytes each. */
export interface SigningKey {
  private_key: KeyObject;
  public_key: Uint8Array;
}

/** @throws InvalidInputError `memory.key` when the seed has not 32 bytes */
export function signingKey(seed: Uint8Array): SigningKey {
  if (seed.length !== KEY_BYTES) throw wrongLength('private', seed.length);
  const private_key = createPrivateKey({ key: Buffer.concat([PRIVATE_PREFIX, seed]), format: 'der', type: 'pkcs8' });
  const spki = createPublicKey(private_key).export({ format: 'der', type: 'spki' });
  return { private_key, public_key: new Uint8Array(spki.subarray(PUBLIC_PREFIX.length)) };
}

/** Signs bytes; 64 bytes, the same for the same input. */
export function signBytes(key: SigningKey, message: Uint8Array): Buffer {
  return sign(null, message, key.private_key);
}

/**
 * Strict verification: exactly one signature fits a message. False for a signature of another length, an S that is not
 * canonical, a key or R of small order, and for a key that is no point.
 */
export function verifyBytes(public_key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (public_key.length !== KEY_BYTES || signature.length !== SIGNATURE_BYTES) return false;
  if (hasSmallOrder(public_key) || hasSmallOrder(signature.subarray(0, 32))) return false;
  if (!isBelowGroupOrder(signature.subarray(32))) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([PUBLIC_PREFIX, public_key]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  } catch {
    // OpenSSL refuses bytes that are no point of the curve: such a key has signed nothing.
    return false;
  }
}

function hasSmallOrder(point: Uint8Array): boolean {
  const encoded = Buffer.from(point);
  encoded[31] = (encoded[31] ?? 0) & 0x7f;
  return SMALL_ORDER.has(encoded.toString('hex'));
}

function isBelowGroupOrder(scalar: Uint8Array): boolean {
  for (let i = 31; i >= 0; i--) {
    const difference = (scalar[i] ?? 0) - (GROUP_ORDER[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

function wrongLength(which: string, bytes: number): InvalidInputError {
  return new InvalidInputError('memory.key', `The ${which} key has ${bytes} bytes, not ${KEY_BYTES}`);
}

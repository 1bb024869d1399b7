import { signBytes, verifyBytes, SIGNATURE_BYTES, type SigningKey } from './ed25519.ts';

/** Headers of a signed request of the dialect (memory specification §3.1, from release 0.7 on). */
export const SIGNATURE_HEADER = 'x-memory-sig';
export const NONCE_HEADER = 'x-memory-nonce';
export const PEER_HEADER = 'x-peer-id';

const SEPARATOR = Buffer.of(0);

/** What a signature covers: for a push the raw body, for a pull `GET`, path and query, each with the nonce behind. */
export type Signed = { body: Uint8Array } | { path: string; query: string };

/** The value of the signature header for a request; `nonce` null is the legacy form, which covers the body alone. */
export function signatureHeader(key: SigningKey, signed: Signed, nonce: string | null): string {
  return `ed25519=${signBytes(key, coveredBytes(signed, nonce)).toString('base64')}`;
}

/** What stands in a signature header, or the error code of the wire for what does not (§3.1, 401). */
export type ReadSignature =
  { signature: Buffer } | { refused: 'x_memory_sig_unknown_algorithm' | 'x_memory_sig_malformed' };

/** Reads `ed25519=<base64, padded>`; what follows a `;` is ignored. */
export function readSignature(header: string): ReadSignature {
  const [value = ''] = header.split(';', 1);
  const at = value.indexOf('=');
  if (at < 0) return { refused: 'x_memory_sig_malformed' };
  if (value.slice(0, at).trim() !== 'ed25519') return { refused: 'x_memory_sig_unknown_algorithm' };
  const text = value.slice(at + 1).trim();
  const signature = Buffer.from(text, 'base64');
  // Node's decoder skips what it does not know; only the one spelling of exactly 64 bytes is a signature.
  if (signature.length !== SIGNATURE_BYTES || signature.toString('base64') !== text)
    return { refused: 'x_memory_sig_malformed' };
  return { signature };
}

/** Whether a signature is of this key over this request and nonce. Strict: see `verifyBytes`. */
export function isSignedBy(
  public_key: Uint8Array,
  signature: Uint8Array,
  signed: Signed,
  nonce: string | null,
): boolean {
  return verifyBytes(public_key, coveredBytes(signed, nonce), signature);
}

/** Neither method nor path of a push, nor any header, nor the receiver is covered: `freshness.ts` says what follows. */
function coveredBytes(signed: Signed, nonce: string | null): Uint8Array {
  const content = 'body' in signed ? signed.body : Buffer.from(`GET\n${signed.path}\n${signed.query}`, 'utf8');
  return nonce === null ? content : Buffer.concat([content, SEPARATOR, Buffer.from(nonce, 'utf8')]);
}

import { signBytes, verifyBytes, type SigningKey } from './ed25519.ts';

/** What the signature of a link covers: six fields, each text or null. `observed_by` names the key. */
export interface SignedLink {
  src_id: string;
  dst_id: string;
  relation: string;
  observed_by: string | null;
  valid_from: string | null;
  valid_until: string | null;
}

/**
 * The order of the keys in the signed map: plain string order. The original's text says RFC 8949 §4.2.1, which would put
 * the shorter keys first, but it does not do so, and what is signed is what counts (memory specification §7).
 */
const FIELDS = ['dst_id', 'observed_by', 'relation', 'src_id', 'valid_from', 'valid_until'] as const;

/** The link as CBOR (RFC 8949): a map of six, text strings of definite length, null as `f6`. */
export function encodeLink(link: SignedLink): Buffer {
  const parts: Buffer[] = [Buffer.of(0xa0 | FIELDS.length)];
  for (const field of FIELDS) parts.push(textItem(field), valueItem(link[field]));
  return Buffer.concat(parts);
}

/** 64 bytes; the wire carries them as a JSON array of numbers. */
export function signLink(key: SigningKey, link: SignedLink): Buffer {
  return signBytes(key, encodeLink(link));
}

export function isLinkSignedBy(public_key: Uint8Array, link: SignedLink, signature: Uint8Array): boolean {
  return verifyBytes(public_key, encodeLink(link), signature);
}

function valueItem(value: string | null): Buffer {
  return value === null ? Buffer.of(0xf6) : textItem(value);
}

function textItem(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8');
  return Buffer.concat([textHead(bytes.length), bytes]);
}

/** Major type 3 with the shortest length (RFC 8949 §4.2.1). */
function textHead(length: number): Buffer {
  if (length < 24) return Buffer.of(0x60 | length);
  if (length < 0x100) return Buffer.of(0x78, length);
  if (length < 0x1_0000) return Buffer.of(0x79, length >> 8, length & 0xff);
  const head = Buffer.alloc(5);
  head[0] = 0x7a;
  head.writeUInt32BE(length, 1);
  return head;
}

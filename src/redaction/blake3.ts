/**
 * BLAKE3-256 in plain TypeScript (section numbers: the BLAKE3 paper, 2021-10-25). For the hook, because compiling the
 * WebAssembly of hash-wasm takes 5 ms of a start that may take 17; and for all short texts, most of them ids of 30 to 80
 * bytes, because calling it costs more than hashing them here (1.4 µs and a kilobyte of garbage each, against 0.5 µs).
 * On long input hash-wasm is several times as fast. A property test compares the two.
 */
const IV = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19] as const;
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;
const BLOCK_BYTES = 64;
const WORDS_PER_BLOCK = 16;
const CHUNK_BYTES = 1024;

/** A chaining value: eight words. */
type Words = Int32Array;

/** The chunk that is being hashed; bytes behind its end are zero up to the end of the block. */
const chunk_bytes = new Uint8Array(CHUNK_BYTES);
const chunk_view = new DataView(chunk_bytes.buffer);
const chunk_words = new Int32Array(CHUNK_BYTES / 4);

/** What a salted hash begins with on the wire. */
const NAME = 'blake3:';
const named_hex = Buffer.from(NAME.padEnd(NAME.length + 64, '0'), 'latin1');
const HEX_DIGITS = Buffer.from('0123456789abcdef', 'latin1');

/** The 64 hex digits of BLAKE3 over `input`. */
export function blake3Hex(input: Uint8Array): string {
  return hexOf(subtree(input, 0, ROOT), NAME.length);
}

/**
 * The 64 hex digits of BLAKE3 over a text as UTF-8; behind a salt, with `blake3:` before them. Null when both together are
 * longer than a chunk of 1024 bytes, or might be.
 */
export function shortBlake3(salt: Uint8Array | null, text: string): string | null {
  const start = salt === null ? 0 : salt.length;
  if (start + text.length > CHUNK_BYTES) return null;
  if (salt !== null) chunk_bytes.set(salt);
  const end = writeText(text, start);
  // One flat text: put together of two it would be copied by whoever writes it.
  return end === null ? null : hexOf(hashedChunk(end, 0, ROOT), salt === null ? NAME.length : 0);
}

const encoder = new TextEncoder();

/** Where the text ends that was written to `start` of the chunk; null when it may not fit. */
function writeText(text: string, start: number): number | null {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) {
      if (start + 3 * text.length > CHUNK_BYTES) return null;
      return start + encoder.encodeInto(text, chunk_bytes.subarray(start)).written;
    }
    chunk_bytes[start + i] = unit;
  }
  return start + text.length;
}

/** The digits of `words`, behind `blake3:` when `from` is 0. */
function hexOf(words: Words, from: number): string {
  let at = NAME.length;
  for (let i = 0; i < 8; i++) {
    let word = words[i] ?? 0;
    for (let byte = 0; byte < 4; byte++, word >>>= 8) {
      named_hex[at++] = HEX_DIGITS[(word >>> 4) & 15] ?? 0;
      named_hex[at++] = HEX_DIGITS[word & 15] ?? 0;
    }
  }
  return named_hex.toString('latin1', from, at);
}

/** §2.4: the left subtree holds the largest power of two of chunks that leaves something for the right one. */
function subtree(input: Uint8Array, first_chunk: number, root: number): Words {
  if (input.length <= CHUNK_BYTES) {
    chunk_bytes.set(input);
    return hashedChunk(input.length, first_chunk, root).slice();
  }
  const chunks = Math.ceil(input.length / CHUNK_BYTES);
  const left_chunks = 2 ** (31 - Math.clz32(chunks - 1));
  const left = subtree(input.subarray(0, left_chunks * CHUNK_BYTES), first_chunk, 0);
  const right = subtree(input.subarray(left_chunks * CHUNK_BYTES), first_chunk + left_chunks, 0);
  const block = new Int32Array(WORDS_PER_BLOCK);
  block.set(left);
  block.set(right, 8);
  const value = Int32Array.from(IV);
  compress(value, block, 0, 0, BLOCK_BYTES, PARENT | root);
  return value;
}

const chunk_value: Words = new Int32Array(8);

/** Hashes the first `length` bytes of `chunk_bytes`; what it returns is overwritten by the next call. */
function hashedChunk(length: number, counter: number, root: number): Words {
  const blocks = Math.max(1, Math.ceil(length / BLOCK_BYTES));
  chunk_bytes.fill(0, length, blocks * BLOCK_BYTES);
  for (let word = 0; word < blocks * WORDS_PER_BLOCK; word++) chunk_words[word] = chunk_view.getInt32(word * 4, true);
  for (let i = 0; i < 8; i++) chunk_value[i] = IV[i] ?? 0;
  for (let i = 0; i < blocks; i++) {
    const last = i === blocks - 1;
    const flags = (i === 0 ? CHUNK_START : 0) | (last ? CHUNK_END | root : 0);
    const bytes = last ? length - i * BLOCK_BYTES : BLOCK_BYTES;
    compress(chunk_value, chunk_words, i * WORDS_PER_BLOCK, counter, bytes, flags);
  }
  return chunk_value;
}

/**
 * §2.2: seven rounds over chaining value, constants, counter, length and flags, whose halves then are the new `value`.
 * `block[at …]` are the sixteen words of the message. Long, because only local variables stay in registers: with the
 * state in an array it takes ten times as long.
 */
// eslint-disable-next-line max-lines-per-function
function compress(value: Words, block: Int32Array, at: number, counter: number, length: number, flags: number): void {
  let m0 = block[at + 0] ?? 0;
  let m1 = block[at + 1] ?? 0;
  let m2 = block[at + 2] ?? 0;
  let m3 = block[at + 3] ?? 0;
  let m4 = block[at + 4] ?? 0;
  let m5 = block[at + 5] ?? 0;
  let m6 = block[at + 6] ?? 0;
  let m7 = block[at + 7] ?? 0;
  let m8 = block[at + 8] ?? 0;
  let m9 = block[at + 9] ?? 0;
  let m10 = block[at + 10] ?? 0;
  let m11 = block[at + 11] ?? 0;
  let m12 = block[at + 12] ?? 0;
  let m13 = block[at + 13] ?? 0;
  let m14 = block[at + 14] ?? 0;
  let m15 = block[at + 15] ?? 0;
  let s0 = value[0] ?? 0;
  let s1 = value[1] ?? 0;
  let s2 = value[2] ?? 0;
  let s3 = value[3] ?? 0;
  let s4 = value[4] ?? 0;
  let s5 = value[5] ?? 0;
  let s6 = value[6] ?? 0;
  let s7 = value[7] ?? 0;
  let s8 = IV[0] | 0;
  let s9 = IV[1] | 0;
  let s10 = IV[2] | 0;
  let s11 = IV[3] | 0;
  let s12 = counter | 0;
  let s13 = Math.floor(counter / 2 ** 32) | 0;
  let s14 = length;
  let s15 = flags;
  for (let round = 0; round < 7; round++) {
    // Four columns, then four diagonals.
    s0 = (s0 + s4 + m0) | 0;
    s12 ^= s0;
    s12 = (s12 >>> 16) | (s12 << 16);
    s8 = (s8 + s12) | 0;
    s4 ^= s8;
    s4 = (s4 >>> 12) | (s4 << 20);
    s0 = (s0 + s4 + m1) | 0;
    s12 ^= s0;
    s12 = (s12 >>> 8) | (s12 << 24);
    s8 = (s8 + s12) | 0;
    s4 ^= s8;
    s4 = (s4 >>> 7) | (s4 << 25);
    s1 = (s1 + s5 + m2) | 0;
    s13 ^= s1;
    s13 = (s13 >>> 16) | (s13 << 16);
    s9 = (s9 + s13) | 0;
    s5 ^= s9;
    s5 = (s5 >>> 12) | (s5 << 20);
    s1 = (s1 + s5 + m3) | 0;
    s13 ^= s1;
    s13 = (s13 >>> 8) | (s13 << 24);
    s9 = (s9 + s13) | 0;
    s5 ^= s9;
    s5 = (s5 >>> 7) | (s5 << 25);
    s2 = (s2 + s6 + m4) | 0;
    s14 ^= s2;
    s14 = (s14 >>> 16) | (s14 << 16);
    s10 = (s10 + s14) | 0;
    s6 ^= s10;
    s6 = (s6 >>> 12) | (s6 << 20);
    s2 = (s2 + s6 + m5) | 0;
    s14 ^= s2;
    s14 = (s14 >>> 8) | (s14 << 24);
    s10 = (s10 + s14) | 0;
    s6 ^= s10;
    s6 = (s6 >>> 7) | (s6 << 25);
    s3 = (s3 + s7 + m6) | 0;
    s15 ^= s3;
    s15 = (s15 >>> 16) | (s15 << 16);
    s11 = (s11 + s15) | 0;
    s7 ^= s11;
    s7 = (s7 >>> 12) | (s7 << 20);
    s3 = (s3 + s7 + m7) | 0;
    s15 ^= s3;
    s15 = (s15 >>> 8) | (s15 << 24);
    s11 = (s11 + s15) | 0;
    s7 ^= s11;
    s7 = (s7 >>> 7) | (s7 << 25);
    s0 = (s0 + s5 + m8) | 0;
    s15 ^= s0;
    s15 = (s15 >>> 16) | (s15 << 16);
    s10 = (s10 + s15) | 0;
    s5 ^= s10;
    s5 = (s5 >>> 12) | (s5 << 20);
    s0 = (s0 + s5 + m9) | 0;
    s15 ^= s0;
    s15 = (s15 >>> 8) | (s15 << 24);
    s10 = (s10 + s15) | 0;
    s5 ^= s10;
    s5 = (s5 >>> 7) | (s5 << 25);
    s1 = (s1 + s6 + m10) | 0;
    s12 ^= s1;
    s12 = (s12 >>> 16) | (s12 << 16);
    s11 = (s11 + s12) | 0;
    s6 ^= s11;
    s6 = (s6 >>> 12) | (s6 << 20);
    s1 = (s1 + s6 + m11) | 0;
    s12 ^= s1;
    s12 = (s12 >>> 8) | (s12 << 24);
    s11 = (s11 + s12) | 0;
    s6 ^= s11;
    s6 = (s6 >>> 7) | (s6 << 25);
    s2 = (s2 + s7 + m12) | 0;
    s13 ^= s2;
    s13 = (s13 >>> 16) | (s13 << 16);
    s8 = (s8 + s13) | 0;
    s7 ^= s8;
    s7 = (s7 >>> 12) | (s7 << 20);
    s2 = (s2 + s7 + m13) | 0;
    s13 ^= s2;
    s13 = (s13 >>> 8) | (s13 << 24);
    s8 = (s8 + s13) | 0;
    s7 ^= s8;
    s7 = (s7 >>> 7) | (s7 << 25);
    s3 = (s3 + s4 + m14) | 0;
    s14 ^= s3;
    s14 = (s14 >>> 16) | (s14 << 16);
    s9 = (s9 + s14) | 0;
    s4 ^= s9;
    s4 = (s4 >>> 12) | (s4 << 20);
    s3 = (s3 + s4 + m15) | 0;
    s14 ^= s3;
    s14 = (s14 >>> 8) | (s14 << 24);
    s9 = (s9 + s14) | 0;
    s4 ^= s9;
    s4 = (s4 >>> 7) | (s4 << 25);
    // The order of the words in the next round (table 2). Two cycles and what they pass through.
    const first0 = m0;
    m0 = m2;
    m2 = m3;
    m3 = m10;
    m10 = m12;
    m12 = m9;
    m9 = m11;
    m11 = m5;
    m5 = first0;
    const first1 = m1;
    m1 = m6;
    m6 = m4;
    m4 = m7;
    m7 = m13;
    m13 = m14;
    m14 = m15;
    m15 = m8;
    m8 = first1;
  }
  value[0] = s0 ^ s8;
  value[1] = s1 ^ s9;
  value[2] = s2 ^ s10;
  value[3] = s3 ^ s11;
  value[4] = s4 ^ s12;
  value[5] = s5 ^ s13;
  value[6] = s6 ^ s14;
  value[7] = s7 ^ s15;
}

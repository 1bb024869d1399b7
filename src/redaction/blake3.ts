/**
 * BLAKE3-256 in plain TypeScript (section numbers: the BLAKE3 paper, 2021-10-25). For the hook alone: compiling the
 * WebAssembly of hash-wasm takes 5 ms of a start that may take 17, and the hook hashes three short ids. Everything else
 * takes hash-wasm, which is ten times as fast on long input. A property test compares the two.
 */
const IV = [0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19] as const;
/** Order of the message words in each of the seven rounds (§2.2, table 2 applied again and again). */
const SCHEDULE: readonly (readonly number[])[] = (() => {
  const permutation = [2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8];
  const rounds = [permutation.map((_, i) => i)];
  for (let round = 1; round < 7; round++) rounds.push(permutation.map((from) => rounds[round - 1]?.[from] ?? 0));
  return rounds;
})();
/** State words of the eight mixes of a round: four columns, then four diagonals (§2.2). */
const MIXES = [
  [0, 4, 8, 12],
  [1, 5, 9, 13],
  [2, 6, 10, 14],
  [3, 7, 11, 15],
  [0, 5, 10, 15],
  [1, 6, 11, 12],
  [2, 7, 8, 13],
  [3, 4, 9, 14],
] as const;
const CHUNK_START = 1;
const CHUNK_END = 2;
const PARENT = 4;
const ROOT = 8;
const BLOCK_BYTES = 64;
const CHUNK_BYTES = 1024;

/** A chaining value: eight words. */
type Words = Uint32Array;

/** The 64 hex digits of BLAKE3 over `input`. */
export function blake3Hex(input: Uint8Array): string {
  const words = subtree(input, 0, ROOT);
  const bytes = Buffer.alloc(32);
  for (let i = 0; i < 8; i++) bytes.writeUInt32LE(words[i] ?? 0, i * 4);
  return bytes.toString('hex');
}

/** §2.4: the left subtree holds the largest power of two of chunks that leaves something for the right one. */
function subtree(input: Uint8Array, first_chunk: number, root: number): Words {
  if (input.length <= CHUNK_BYTES) return chunk(input, first_chunk, root);
  const chunks = Math.ceil(input.length / CHUNK_BYTES);
  const left_chunks = 2 ** (31 - Math.clz32(chunks - 1));
  const left = subtree(input.subarray(0, left_chunks * CHUNK_BYTES), first_chunk, 0);
  const right = subtree(input.subarray(left_chunks * CHUNK_BYTES), first_chunk + left_chunks, 0);
  const block = new Uint32Array(16);
  block.set(left);
  block.set(right, 8);
  return compress(Uint32Array.from(IV), block, 0, BLOCK_BYTES, PARENT | root);
}

function chunk(input: Uint8Array, counter: number, root: number): Words {
  let value: Words = Uint32Array.from(IV);
  const blocks = Math.max(1, Math.ceil(input.length / BLOCK_BYTES));
  for (let i = 0; i < blocks; i++) {
    const part = input.subarray(i * BLOCK_BYTES, (i + 1) * BLOCK_BYTES);
    const padded = Buffer.alloc(BLOCK_BYTES);
    padded.set(part);
    const words = new Uint32Array(16);
    for (let word = 0; word < 16; word++) words[word] = padded.readUInt32LE(word * 4);
    const last = i === blocks - 1;
    const flags = (i === 0 ? CHUNK_START : 0) | (last ? CHUNK_END | root : 0);
    value = compress(value, words, counter, part.length, flags);
  }
  return value;
}

/** §2.2: seven rounds over chaining value, constants, counter, length and flags; the halves are folded together. */
function compress(value: Words, block: Words, counter: number, length: number, flags: number): Words {
  const state = new Uint32Array(16);
  state.set(value);
  state.set(IV.slice(0, 4), 8);
  state.set([counter >>> 0, Math.floor(counter / 2 ** 32), length, flags], 12);
  for (const order of SCHEDULE) {
    let word = 0;
    for (const [a, b, c, d] of MIXES) {
      half(state, a, b, c, d, block[order[word++] ?? 0] ?? 0, 16, 12);
      half(state, a, b, c, d, block[order[word++] ?? 0] ?? 0, 8, 7);
    }
  }
  for (let i = 0; i < 8; i++) state[i] = (state[i] ?? 0) ^ (state[i + 8] ?? 0);
  return state.subarray(0, 8);
}

/** One half of the quarter round; Uint32Array wraps the sums. */
function half(s: Words, a: number, b: number, c: number, d: number, m: number, turn1: number, turn2: number): void {
  s[a] = (s[a] ?? 0) + (s[b] ?? 0) + m;
  s[d] = rotate((s[d] ?? 0) ^ (s[a] ?? 0), turn1);
  s[c] = (s[c] ?? 0) + (s[d] ?? 0);
  s[b] = rotate((s[b] ?? 0) ^ (s[c] ?? 0), turn2);
}

const rotate = (word: number, right: number): number => (word >>> right) | (word << (32 - right));

import { randomFillSync } from 'node:crypto';

/** Chance comes in as a parameter, so that a seed reproduces a run. */
export interface Random {
  /** Uniform in [0, 1). */
  unit(): number;
  /** `length` bytes; of cryptographic quality in the system's adapter. */
  bytes(length: number): Uint8Array;
}

/** The system is asked for so many bytes at once: a call takes 5 µs whatever it fills, and every id needs one. */
const POOL_BYTES = 4096;
const LARGEST_FROM_POOL = 64;
const pool = new Uint8Array(POOL_BYTES);
let taken = POOL_BYTES;

function systemBytes(length: number): Uint8Array {
  if (length > LARGEST_FROM_POOL) return randomFillSync(new Uint8Array(length));
  if (taken + length > POOL_BYTES) {
    randomFillSync(pool);
    taken = 0;
  }
  const bytes = pool.slice(taken, taken + length);
  // What was handed out may be a key: it does not stay behind.
  pool.fill(0, taken, taken + length);
  taken += length;
  return bytes;
}

export const systemRandom: Random = {
  unit: () => Math.random(),
  bytes: systemBytes,
};

/** A generator that repeats itself for a seed (mulberry32). For tests and the simulator, never for keys. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  return { unit, bytes: (length) => Uint8Array.from({ length }, () => Math.floor(unit() * 256)) };
}

/** A UUIDv7 (RFC 9562 §5.7): 48 bits of time, then chance, so that ids sort by creation. */
export function uuidv7(now_ms: number, random: Random): string {
  const bytes = random.bytes(16);
  for (let i = 0; i < 6; i++) bytes[i] = Math.floor(now_ms / 2 ** (8 * (5 - i))) & 0xff;
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x70;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = Buffer.from(bytes).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

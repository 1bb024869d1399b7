import { bucketOf } from './block.ts';
import type { ByteSink } from './byte-sink.ts';

/** FNV-1a, byte by byte. */
export const NO_HASH = 0x811c9dc5 | 0;

export function hashOf(hash: number, byte: number): number {
  return Math.imul(hash ^ byte, 0x01000193);
}

/**
 * The different terms of a block, numbered from 0 in the order in which they came, as UTF-8 in one array. A `Map` of
 * strings would make a string of every word of every text only to look it up: that took two thirds of the time of
 * indexing.
 */
export class TermTable {
  /** Number + 1 by hash; 0: free. Of a power of two, at most half full. */
  #slots = new Int32Array(4_096);
  #hashes = new Int32Array(2_048);
  /** Where each term begins; the next one's beginning is its end. */
  #starts = new Int32Array(2_049);
  #bytes = Buffer.allocUnsafe(32_768);
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** The number of the term that stands there as UTF-8, and whose `hashOf` this is. */
  ofBytes(source: Uint8Array, start: number, end: number, hash: number): number {
    const mixed = hash ^ (hash >>> 15);
    const length = end - start;
    const mask = this.#slots.length - 1;
    let slot = mixed & mask;
    for (let entry = this.#slots[slot] ?? 0; entry !== 0; entry = this.#slots[slot] ?? 0) {
      const id = entry - 1;
      if (this.#hashes[id] === mixed && this.#isSame(id, source, start, length)) return id;
      slot = (slot + 1) & mask;
    }
    const at = this.#room(length);
    for (let i = 0; i < length; i++) this.#bytes[at + i] = source[start + i] ?? 0;
    return this.#add(slot, mixed, length);
  }

  ofTerm(term: string): number {
    const bytes = Buffer.from(term);
    let hash = NO_HASH;
    for (const byte of bytes) hash = hashOf(hash, byte);
    return this.ofBytes(bytes, 0, bytes.length, hash);
  }

  lengthOf(id: number): number {
    return (this.#starts[id + 1] ?? 0) - (this.#starts[id] ?? 0);
  }

  /** Writes a term as UTF-8. */
  writeTo(sink: ByteSink, id: number): void {
    sink.part(this.#bytes, this.#starts[id] ?? 0, this.#starts[id + 1] ?? 0);
  }

  bucketOf(id: number): number {
    const start = this.#starts[id] ?? 0;
    return bucketOf(this.#bytes[start] ?? 0, this.#bytes[start + 1]);
  }

  clear(): void {
    this.#slots.fill(0);
    this.#count = 0;
  }

  #isSame(id: number, source: Uint8Array, start: number, length: number): boolean {
    const from = this.#starts[id] ?? 0;
    if ((this.#starts[id + 1] ?? 0) - from !== length) return false;
    for (let i = 0; i < length; i++) if (this.#bytes[from + i] !== source[start + i]) return false;
    return true;
  }

  /** Where the next term begins, with room for it. */
  #room(length: number): number {
    const at = this.#starts[this.#count] ?? 0;
    if (at + length > this.#bytes.length) {
      const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, at + length));
      this.#bytes.copy(larger, 0, 0, at);
      this.#bytes = larger;
    }
    return at;
  }

  /** Takes in the term whose bytes were written at the end. */
  #add(slot: number, hash: number, length: number): number {
    const id = this.#count++;
    this.#slots[slot] = id + 1;
    this.#hashes[id] = hash;
    this.#starts[id + 1] = (this.#starts[id] ?? 0) + length;
    if (this.#count === this.#hashes.length) this.#grow();
    return id;
  }

  #grow(): void {
    const hashes = new Int32Array(this.#hashes.length * 2);
    hashes.set(this.#hashes);
    const starts = new Int32Array(hashes.length + 1);
    starts.set(this.#starts);
    const slots = new Int32Array(hashes.length * 2);
    for (let id = 0; id < this.#count; id++) {
      let slot = (hashes[id] ?? 0) & (slots.length - 1);
      while (slots[slot] !== 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = id + 1;
    }
    [this.#hashes, this.#starts, this.#slots] = [hashes, starts, slots];
  }
}

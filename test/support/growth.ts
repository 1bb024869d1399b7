/** Transcripts that grow as an agent writes them: bytes at a time, with partial last lines and cut characters. */
import { appendFileSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Random } from '../../src/platform/random.ts';
import type { Written } from './conversations.ts';

interface Pending {
  file: string;
  bytes: Buffer;
}

/** Writes lines below a folder, in their order, in portions that end anywhere. */
export class Growth {
  readonly #folder: string;
  readonly #random: Random;
  readonly #pending: Pending[];
  readonly total_bytes: number;
  written_bytes = 0;
  /** Files of which something is written, as the lines name them. */
  readonly begun = new Set<string>();
  #newest_birth_ms = 0;

  constructor(folder: string, lines: readonly Written[], random: Random) {
    this.#folder = folder;
    this.#random = random;
    this.#pending = lines.map(({ file, text }) => ({ file, bytes: Buffer.from(text) })).reverse();
    this.total_bytes = this.#pending.reduce((sum, { bytes }) => sum + bytes.length, 0);
  }

  get done(): boolean {
    return this.#pending.length === 0;
  }

  /** Appends about `bytes` more; one portion in two ends within a line. */
  write(bytes: number): void {
    let left = bytes;
    while (left > 0) {
      const next = this.#pending.pop();
      if (!next) return;
      const cut = next.bytes.length > left && this.#random.unit() < 0.5 ? left : next.bytes.length;
      const file = join(this.#folder, next.file);
      if (!existsSync(file)) this.#newest_birth_ms = createAfter(file, this.#newest_birth_ms);
      this.begun.add(next.file);
      appendFileSync(file, next.bytes.subarray(0, cut));
      this.written_bytes += cut;
      if (cut < next.bytes.length) this.#pending.push({ ...next, bytes: next.bytes.subarray(cut) });
      left -= cut;
    }
  }

  writeAll(): void {
    this.write(Infinity);
  }
}

/**
 * Creates a file whose birth is a later millisecond than another's, and returns it: who had a copied turn first is told
 * by births, and a file system's clock ticks only every few milliseconds.
 */
export function createAfter(file: string, birth_ms: number): number {
  mkdirSync(dirname(file), { recursive: true });
  const tick = new Int32Array(new SharedArrayBuffer(4));
  for (;;) {
    writeFileSync(file, '');
    const born_ms = Math.floor(statSync(file).birthtimeMs);
    if (born_ms > birth_ms) return born_ms;
    rmSync(file);
    Atomics.wait(tick, 0, 0, 2);
  }
}

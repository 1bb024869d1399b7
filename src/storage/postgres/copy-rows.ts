import { invariant } from '../../platform/errors.ts';

/** Chunks grow to this, so that a few rows need little. */
const CHUNK_BYTES = 256 * 1024;
const FIRST_CHUNK_BYTES = 8 * 1024;
/** Together 8 MiB: about what one transaction of a backfill takes. */
const MOST_SPARE = 32;
/** UTF-8 bytes of one UTF-16 unit, at most. */
const MOST_BYTES = 3;
const HEADER = Buffer.from('PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0', 'latin1');

/**
 * Buffers that were sent, for the rows that come next. New ones for each transaction would be megabytes a second outside of
 * V8's heap, for which it collects garbage that is not there.
 */
export class CopyChunks {
  readonly #spare: Buffer[] = [];

  /** One of the size, or a larger one. */
  take(bytes: number): Buffer {
    return (bytes <= CHUNK_BYTES ? this.#spare.pop() : undefined) ?? Buffer.allocUnsafeSlow(bytes);
  }

  /** What `CopyRows.finish` gave, once PostgreSQL has taken all of it: it is written over. */
  giveBack(chunks: readonly Buffer[]): void {
    for (const { buffer } of chunks)
      if (buffer.byteLength === CHUNK_BYTES && this.#spare.length < MOST_SPARE) this.#spare.push(Buffer.from(buffer));
  }
}

/**
 * Rows in the binary form of COPY (PostgreSQL manual, "COPY", Binary Format), written field by field in the order of the
 * columns. Nothing is escaped, so a text costs one copy.
 */
export class CopyRows {
  readonly #chunks: CopyChunks;
  readonly #full: Buffer[] = [];
  #chunk: Buffer;
  #at: number;
  #rows = 0;

  constructor(chunks = new CopyChunks()) {
    this.#chunks = chunks;
    this.#chunk = chunks.take(FIRST_CHUNK_BYTES);
    this.#at = HEADER.copy(this.#chunk);
  }

  get rows(): number {
    return this.#rows;
  }

  /** Begins a row of that many fields. */
  row(fields: number): void {
    this.#reserve(2);
    this.#at = this.#chunk.writeInt16BE(fields, this.#at);
    this.#rows++;
  }

  int2(value: number): void {
    this.#reserve(6);
    this.#at = this.#chunk.writeInt16BE(value, this.#chunk.writeInt32BE(2, this.#at));
  }

  int4(value: number): void {
    this.#reserve(8);
    this.#at = this.#chunk.writeInt32BE(value, this.#chunk.writeInt32BE(4, this.#at));
  }

  /** A whole number below 2^53 on either side of 0, or a bigint. */
  int8(value: number | bigint | null): void {
    if (value === null) return this.#null();
    this.#reserve(12);
    this.#at = this.#chunk.writeInt32BE(8, this.#at);
    if (typeof value === 'bigint') {
      this.#at = this.#chunk.writeBigInt64BE(value, this.#at);
      return;
    }
    const high = Math.floor(value / 2 ** 32);
    this.#at = this.#chunk.writeUInt32BE(value - high * 2 ** 32, this.#chunk.writeInt32BE(high, this.#at));
  }

  bool(value: boolean): void {
    this.#reserve(5);
    this.#at = this.#chunk.writeUInt8(Number(value), this.#chunk.writeInt32BE(1, this.#at));
  }

  /** Text without NUL, which PostgreSQL has no place for. */
  text(value: string | null): void {
    if (value === null) return this.#null();
    this.#reserve(4 + value.length * MOST_BYTES);
    const written = this.#chunk.write(value, this.#at + 4, 'utf8');
    this.#chunk.writeInt32BE(written, this.#at);
    this.#at += 4 + written;
  }

  /** Anything in the binary form of its type. */
  bytes(value: Uint8Array): void {
    this.#reserve(4 + value.length);
    this.#at = this.#chunk.writeInt32BE(value.length, this.#at);
    this.#chunk.set(value, this.#at);
    this.#at += value.length;
  }

  int4Array(values: ArrayLike<number>): void {
    const { length } = values;
    this.#reserve(24 + length * 8);
    // One dimension, no nulls, element type int4, lower bound 1.
    for (const word of [20 + length * 8, 1, 0, 23, length, 1]) this.#at = this.#chunk.writeInt32BE(word, this.#at);
    for (let i = 0; i < length; i++) {
      this.#at = this.#chunk.writeInt32BE(4, this.#at);
      this.#at = this.#chunk.writeInt32BE(values[i] ?? 0, this.#at);
    }
  }

  /** Everything written, with the trailer. Nothing may be written afterwards. */
  finish(): Buffer[] {
    this.#reserve(2);
    this.#at = this.#chunk.writeInt16BE(-1, this.#at);
    this.#full.push(this.#chunk.subarray(0, this.#at));
    return this.#full;
  }

  #null(): void {
    this.#reserve(4);
    this.#at = this.#chunk.writeInt32BE(-1, this.#at);
  }

  #reserve(bytes: number): void {
    invariant(bytes < 2 ** 30, 'a field fits into a message of PostgreSQL');
    if (this.#at + bytes <= this.#chunk.length) return;
    this.#full.push(this.#chunk.subarray(0, this.#at));
    this.#chunk = this.#chunks.take(Math.max(Math.min(CHUNK_BYTES, this.#chunk.length * 4), bytes));
    this.#at = 0;
  }
}

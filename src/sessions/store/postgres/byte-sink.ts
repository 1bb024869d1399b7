/** Of a number below 2^31. */
const MOST_VARINT_BYTES = 5;

/** Bytes that are written one after the other; grows as needed. */
export class ByteSink {
  #bytes: Buffer;
  #at = 0;

  constructor(expected = 1_024) {
    this.#bytes = Buffer.allocUnsafe(Math.max(64, expected));
  }

  get length(): number {
    return this.#at;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#at++] = value;
  }

  /** A whole number from 0 below 2^53: 7 bits a byte, lowest first. */
  varint(value: number): void {
    this.#reserve(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#at++] = (rest & 0x7f) | 0x80;
      rest = rest < 0x8000_0000 ? rest >>> 7 : Math.floor(rest / 0x80);
    }
    this.#bytes[this.#at++] = rest;
  }

  uint32(value: number): void {
    this.#reserve(4);
    this.#at = this.#bytes.writeUInt32BE(value, this.#at);
  }

  uint64(value: bigint): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeBigUInt64BE(value, this.#at);
  }

  double(value: number): void {
    this.#reserve(8);
    this.#at = this.#bytes.writeDoubleBE(value, this.#at);
  }

  bytes(value: Uint8Array): void {
    this.#reserve(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** Some bytes of an array: few, as a call out of JavaScript would cost more. */
  part(of: Uint8Array, from: number, to: number): void {
    this.#reserve(to - from);
    const target = this.#bytes;
    let at = this.#at;
    for (let i = from; i < to; i++) target[at++] = of[i] ?? 0;
    this.#at = at;
  }

  zeros(count: number): void {
    this.#reserve(count);
    for (let i = 0; i < count; i++) this.#bytes[this.#at++] = 0;
  }

  /** Ascending numbers below 2^31 as their differences, with the number of bytes that these take before them. */
  differences(values: Int32Array, from: number, to: number): void {
    this.#reserve((to - from + 1) * MOST_VARINT_BYTES);
    const target = this.#bytes;
    // One byte for their number is enough as a rule.
    const begin = this.#at + 1;
    let at = begin;
    for (let i = from, last = 0; i < to; i++) {
      const value = values[i] ?? 0;
      let rest = value - last;
      for (; rest >= 0x80; rest >>>= 7) target[at++] = (rest & 0x7f) | 0x80;
      target[at++] = rest;
      last = value;
    }
    const bytes = at - begin;
    if (bytes >= 0x80) target.copyWithin(this.#at + sizeOf(bytes), begin, at);
    this.varint(bytes);
    this.#at += bytes;
  }

  clear(): void {
    this.#at = 0;
  }

  /** What was written; valid until more is. */
  done(): Buffer {
    return this.#bytes.subarray(0, this.#at);
  }

  #reserve(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#at + bytes));
    this.#bytes.copy(larger, 0, 0, this.#at);
    this.#bytes = larger;
  }
}

function sizeOf(value: number): number {
  if (value < 0x80) return 1;
  if (value < 0x4000) return 2;
  if (value < 0x20_0000) return 3;
  return value < 0x1000_0000 ? 4 : 5;
}

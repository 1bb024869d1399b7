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

  /** UTF-8 with the number of its bytes before it. */
  prefixedText(value: string): void {
    const most = value.length * 3;
    this.#reserve(8 + most);
    if (most < 0x80) {
      // One byte holds the number, so that the text can be written before it is known.
      const at = this.#at++;
      this.text(value);
      this.#bytes[at] = this.#at - at - 1;
      return;
    }
    this.varint(Buffer.byteLength(value));
    this.text(value);
  }

  /** UTF-8. Most terms are short and of ASCII: for them a call out of JavaScript costs more than the work. */
  text(value: string): void {
    const { length } = value;
    this.#reserve(length * 3);
    const start = this.#at;
    for (let i = 0; i < length; i++) {
      const unit = value.charCodeAt(i);
      if (unit >= 0x80) {
        this.#at = start + this.#bytes.write(value, start, 'utf8');
        return;
      }
      this.#bytes[this.#at++] = unit;
    }
  }

  /** Takes back what was written from there on. */
  cut(length: number): void {
    this.#at = length;
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

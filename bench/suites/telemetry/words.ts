import type { Random } from '../../../src/platform/random.ts';

/** Words as they stand in programs and in talk about them: their entropy decides what reading and compressing cost. */
const WORDS = (
  'the a of to and in is it for that this with as on be are if not we can from by at or an will so but when then into ' +
  'function const return import export async await class interface type string number boolean null undefined throw ' +
  'error result value test expect describe order cart price item user session token request response handler router ' +
  'query row table index commit branch merge build deploy config option default limit offset cursor batch retry queue ' +
  'read write file path folder line column byte buffer stream parse format render state event listener timeout signal'
).split(' ');

/** Draws what a seeded corpus is made of. */
export class Draw {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  chance(share: number): boolean {
    return this.#random.unit() < share;
  }

  integer(from: number, to: number): number {
    return from + Math.floor(this.#random.unit() * (to - from + 1));
  }

  one<T>(choices: readonly [T, ...T[]]): T {
    return choices[this.integer(0, choices.length - 1)] ?? choices[0];
  }

  /** A log-normal count, as sizes of texts and lengths of conversations are: half are below `middle`, a few far above. */
  skewed(middle: number, smallest: number, largest: number): number {
    const normal = Math.sqrt(-2 * Math.log(1 - this.#random.unit())) * Math.cos(2 * Math.PI * this.#random.unit());
    return Math.min(largest, Math.max(smallest, Math.round(middle * Math.exp(normal))));
  }

  /** Characters of a text. */
  size(middle: number): number {
    return this.skewed(middle, 8, 30_000);
  }

  hex(digits: number): string {
    return Buffer.from(this.#random.bytes(Math.ceil(digits / 2)))
      .toString('hex')
      .slice(0, digits);
  }

  uuid(): string {
    const hex = this.hex(32);
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  }

  /** About `length` characters of prose. */
  prose(length: number): string {
    const words: string[] = [];
    for (let written = 0; written < length;) {
      const word = WORDS[this.integer(0, WORDS.length - 1)] ?? 'word';
      words.push(this.chance(0.08) ? `${word}.` : word);
      written += word.length + 1;
    }
    return words.join(' ');
  }

  /** About `length` characters that look like a file or a tool's output: short lines, indents, digits. */
  code(length: number): string {
    const lines: string[] = [];
    for (let written = 0; written < length;) {
      const line = `${' '.repeat(2 * this.integer(0, 4))}${this.prose(this.integer(10, 60))} = ${this.integer(0, 9999)};`;
      lines.push(line);
      written += line.length + 1;
    }
    return lines.join('\n');
  }
}

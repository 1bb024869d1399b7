import type { Random } from '../../../src/platform/random.ts';
import { Draw } from '../telemetry/words.ts';

/** Different words of a corpus, names in code apart. */
const VOCABULARY = 100_000;

/** Ranks of words, the most frequent first, as a person would call them. */
export const RANKS = {
  frequent: [4, 60],
  middle: [400, 4_000],
  rare: [30_000, VOCABULARY - 1],
} as const;

const ONSETS = 'b br c ch cl d dr f fl g gr h j k l m n p pl pr qu r s sh sk st t tr v w z'.split(' ');
const VOWELS = 'a e i o u ea ai ou'.split(' ');
const CODAS = ['', 'n', 'r', 's', 't', 'l', 'nd', 'ck', 'm', 'x'];

/**
 * Texts whose words come as often as words do: the n-th most frequent one stands for 1/n of the first one's times (Zipf).
 * Every twentieth is a name in code, made of two or three words.
 */
export class ZipfDraw extends Draw {
  readonly #random: Random;

  constructor(random: Random) {
    super(random);
    this.#random = random;
  }

  override prose(length: number): string {
    let text = '';
    while (text.length < length) {
      const word = this.chance(0.05) ? this.codeName() : wordOf(this.#rank());
      text += text === '' ? word : this.chance(0.08) ? `. ${word}` : ` ${word}`;
    }
    return text;
  }

  /** `parseUserId` or `parse_user_id`. */
  codeName(): string {
    const words = Array.from({ length: this.integer(2, 3) }, () => wordOf(Math.floor(2_000 ** this.#random.unit())));
    if (this.chance(0.3)) return words.join('_');
    const [first = '', ...rest] = words;
    return first + rest.map((word) => (word[0] ?? '').toUpperCase() + word.slice(1)).join('');
  }

  /** One whose place in the order of frequency lies between two. */
  wordOfRank([from, to]: readonly [number, number]): string {
    return wordOf(this.integer(from, to));
  }

  #rank(): number {
    return Math.floor(VOCABULARY ** this.#random.unit());
  }
}

const words: string[] = [];

/** The same word for the same rank, another one for another; frequent ones are short, as they are everywhere. */
export function wordOf(rank: number): string {
  return (words[rank] ??= spelled(rank));
}

function spelled(rank: number): string {
  let word = '';
  let rest = rank;
  do {
    const syllables = ONSETS.length * VOWELS.length;
    const at = rest % syllables;
    word += (ONSETS[at % ONSETS.length] ?? '') + (VOWELS[Math.floor(at / ONSETS.length)] ?? '');
    rest = Math.floor(rest / syllables);
  } while (rest > 0);
  return word + (CODAS[rank % CODAS.length] ?? '');
}

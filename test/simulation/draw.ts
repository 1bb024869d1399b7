import { seededRandom, type Random } from '../../src/platform/random.ts';

/** Chance with the words that a scenario needs. One for each part of a world, so that parts do not disturb each other. */
export class Draw {
  readonly random: Random;

  constructor(seed: number, part: string) {
    // FNV-1a over the part's name keeps the streams of one seed apart.
    let hash = 0x811c9dc5 ^ seed;
    for (const character of part) hash = Math.imul(hash ^ character.charCodeAt(0), 0x01000193);
    this.random = seededRandom(hash >>> 0);
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.random.unit() < probability;
  }

  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + Math.floor(this.random.unit() * (most - least + 1));
  }

  one<T>(items: readonly T[]): T {
    const item = items[Math.floor(this.random.unit() * items.length)];
    if (item === undefined) throw new Error('nothing to draw from');
    return item;
  }
}

import type { SegmentHash } from '../store/transcript.ts';
import { hashesOf, UNKNOWN_RAW, type LinkedSegment } from './session-link.ts';

/**
 * What must be masked and sent so that a store has what its source has, segment by segment. Two sides are compared:
 * `known`, which masked form a raw segment came to under the rules in force, and what is `there`, at the store.
 */
export class Difference {
  readonly #known: Map<number, LinkedSegment>;
  #there: Map<number, string>;

  /** `known` must hold for the masker in use: none of it after the rules changed. */
  constructor(known: readonly LinkedSegment[], there: readonly SegmentHash[]) {
    this.#known = new Map(known.filter(({ raw }) => raw !== UNKNOWN_RAW).map((segment) => [segment.index, segment]));
    this.#there = new Map(there);
  }

  /** The linked form of a raw segment that the store has already: it is neither masked nor sent. Else null. */
  unchanged(index: number, raw: string): LinkedSegment | null {
    const known = this.#known.get(index);
    return known?.raw === raw && this.#there.get(index) === known.masked ? known : null;
  }

  /** Notes what a raw segment came to. True when the store has something else, so that it must be sent. */
  masked(segment: LinkedSegment): boolean {
    this.#known.set(segment.index, segment);
    return this.#there.get(segment.index) !== segment.masked;
  }

  /** The store has these now. */
  stored(list: readonly SegmentHash[]): void {
    this.#there = new Map(list);
  }

  /** What the store will have when `sent` are added to what it has: the list of a put that is not the last. */
  withSent(sent: readonly LinkedSegment[]): LinkedSegment[] {
    const after = new Map(this.#there);
    for (const [index, hash] of hashesOf(sent)) after.set(index, hash);
    return [...after].sort(([a], [b]) => a - b).map(([index, masked]) => this.#linked(index, masked));
  }

  #linked(index: number, masked: string): LinkedSegment {
    const known = this.#known.get(index);
    return known?.masked === masked ? known : { index, raw: UNKNOWN_RAW, masked, redactions: {} };
  }
}

/**
 * Causal stability of tombstones. A stamp is *past* when no member can still write an operation with a smaller one: each
 * member's next stamp is greater than all it has, so the smallest of "the greatest stamp that member M has" is past. What
 * is older than it was written before the reports; a purge is safe once
 *  1. everybody has everything that had been written when the reports were made (so all tombstones below the stamp), and
 *  2. everybody has everything that had been written when the last member got there (so all changes to lives that their
 *     writers did not know to be dead).
 */
import type { Stamp } from '../clock/stamp.ts';
import { isWithin, joinVectors, meetVectors, type MemberId, type VersionVector } from '../origin.ts';

export type StabilityState = 'idle' | 'spreading' | 'settling';
type StabilityEvent = 'reported' | 'everybody_has';

const table: Record<StabilityState, Record<StabilityEvent, StabilityState>> = {
  idle: { reported: 'spreading', everybody_has: 'idle' },
  spreading: { reported: 'spreading', everybody_has: 'settling' },
  settling: { reported: 'settling', everybody_has: 'idle' },
};

export class Stability {
  #state: StabilityState = 'idle';
  #floor: Stamp = '';
  #needed: VersionVector = {};

  get state(): StabilityState {
    return this.#state;
  }

  /**
   * Takes what all members have, this one included, as they say, and how much of it they have for certain (`agreed`): what they
   * say counts for what must still arrive, what is certain for what has. Returns the stamp up to which tombstones may be purged, when it is
   * time, and what a member must have before it does: one that is restored has all of it again only later. `stampAt` gives the stamp of an operation in the log; '' when it is no longer there.
   */
  report(
    members: ReadonlyMap<MemberId, VersionVector>,
    agreed: ReadonlyMap<MemberId, VersionVector>,
    stampAt: (origin: string, sequence: number) => Stamp,
  ): { floor: Stamp; needed: VersionVector } | null {
    const vectors = [...agreed.values()];
    const all = [...members.values()].reduce(joinVectors, {});
    if (this.#state === 'idle') {
      this.#floor = pastStamp(vectors, stampAt);
      this.#needed = all;
      if (this.#floor !== '') this.#state = table.idle.reported;
      return null;
    }
    if (!isWithin(this.#needed, meetVectors(vectors))) return null;
    const settled = this.#state === 'settling';
    const needed = this.#needed;
    this.#state = table[this.#state].everybody_has;
    this.#needed = all;
    return settled ? { floor: this.#floor, needed } : null;
  }
}

function pastStamp(vectors: readonly VersionVector[], stampAt: (origin: string, sequence: number) => Stamp): Stamp {
  const newest = vectors.map((vector) =>
    Object.entries(vector).reduce((latest, [origin, sequence]) => {
      const stamp = stampAt(origin, sequence);
      return stamp > latest ? stamp : latest;
    }, ''),
  );
  return newest.reduce((least, stamp) => (stamp < least ? stamp : least), newest[0] ?? '');
}

import type { Row } from '../merge/row.ts';
import { isWithin, type VersionVector } from '../origin.ts';
import type { Work } from './work.ts';

/**
 * Floors that came with snapshots, until this member has all that their givers had, which is more than the purge asks for. Not sooner
 * may it forget: what it still gets from logs may change what the tombstones that go stand for.
 */
export class SnapshotFloors {
  #waiting: { rows: Row[]; vector: VersionVector }[] = [];

  hold(rows: Row[], vector: VersionVector): void {
    if (rows.length > 0) this.#waiting.push({ rows, vector });
  }

  /** In a transaction that moves the vector. One that is undone brings the floor with the next snapshot or the purge itself. */
  take(work: Work): void {
    if (this.#waiting.length === 0) return;
    const now = work.log.vector();
    const due = this.#waiting.filter(({ vector }) => isWithin(vector, now));
    this.#waiting = this.#waiting.filter((one) => !due.includes(one));
    work.rows.join(due.flatMap(({ rows }) => rows));
  }
}

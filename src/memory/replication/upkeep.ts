/** What each member does for itself from time to time. */
import type { ReplicationContext } from './context.ts';
import { meetVectors } from '../origin.ts';

/** Rows that are compared with their checksums each time: some milliseconds. */
const CHECKED_ROWS = 2000;

export interface UpkeepResult {
  purged: number;
  removed: number;
  /** Parked operations that went in at last. */
  unparked: number;
}

/**
 * Tries parked operations again; forgets what deleted memories said; purges tombstones that every member has, and forgets operations that every member has and
 * that are old (R9). While one member has not been heard of since our start, nothing is purged or forgotten.
 */
export async function upkeep({ replica, members, clock, settings }: ReplicationContext): Promise<UpkeepResult> {
  replica.checkRows(CHECKED_ROWS);
  const parked = await replica.parked();
  const retried = parked.length > 0 ? await replica.retryParked() : [];
  const unparked = retried.filter(({ stopped }) => stopped === null).length;
  const vectors = members.vectors();
  if (!vectors) return { purged: 0, removed: 0, unparked };
  const stable = meetVectors([...vectors.values()]);
  // Before the purge: what was said of a row goes by its tombstone.
  await replica.forgetTexts(stable);
  const agreed = members.agreed();
  const { purged } = agreed ? await replica.stabilise(vectors, agreed) : { purged: 0 };
  const before_ms = clock.now_ms() - settings.keep_operations_ms;
  let removed = 0;
  for (let more = true; more;) {
    const step = await replica.retain(stable, before_ms);
    removed += step.removed;
    more = step.more && step.removed > 0;
  }
  return { purged, removed, unparked };
}

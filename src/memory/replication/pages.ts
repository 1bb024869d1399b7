/** What a member lacks, as pages: the same for a push and for the answer to a pull. */
import type { OriginId, VersionVector } from '../origin.ts';
import type { OperationPage, Replica } from '../replica.ts';
import { WIRE_LIMITS } from './limits.ts';

export interface Lacking {
  pages: OperationPage[];
  /** An origin whose log no longer reaches back to where the peer stands. */
  log_too_short: OriginId | null;
}

/**
 * Origins of which we have more than they say (R3), ours first: somebody may be waiting for those. What they number
 * themselves is theirs alone; if we know more of it, they will notice and begin a new incarnation.
 */
export function originsLacking(
  mine: VersionVector,
  theirs: VersionVector,
  who: { ours: OriginId; their_origin: OriginId },
): OriginId[] {
  return Object.keys(mine)
    .filter((origin) => origin !== who.their_origin && (mine[origin] ?? 0) > (theirs[origin] ?? 0))
    .sort((a, b) => Number(b === who.ours) - Number(a === who.ours) || (a < b ? -1 : 1));
}

/** Reads the next pages of these origins, within the bounds of one message. */
export async function readLacking(
  replica: Pick<Replica, 'read'>,
  origins: readonly OriginId[],
  theirs: VersionVector,
): Promise<Lacking> {
  const pages: OperationPage[] = [];
  let log_too_short: OriginId | null = null;
  let items: number = WIRE_LIMITS.max_items;
  let bytes: number = WIRE_LIMITS.max_item_bytes;
  for (const origin of origins) {
    if (items <= 0 || bytes <= 0) break;
    const page = await replica.read(origin, theirs[origin] ?? 0, { max_items: items, max_bytes: bytes });
    if (page === null) log_too_short ??= origin;
    if (!page || page.operations.length === 0) continue;
    const size = page.operations.reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    // One text may be larger than what is left: it goes with the next message, which it then has for itself.
    if (pages.length > 0 && size > bytes) continue;
    pages.push({ origin, first: page.first, follows: page.follows ?? '', operations: page.operations });
    items -= page.operations.length;
    bytes -= size;
  }
  return { pages, log_too_short };
}

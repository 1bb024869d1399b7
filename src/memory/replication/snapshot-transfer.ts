/** All rows instead of operations, for a peer that stands before the beginning of the log. */
import { uuidv7 } from '../../platform/random.ts';
import { joinVectors } from '../origin.ts';
import type { SnapshotPage } from '../replica.ts';
import type { ReplicationContext } from './context.ts';
import { ExchangeError, type Conversation } from './conversation.ts';

/** Gives a peer all our rows and then the vector that we had before the first of them. */
export async function giveSnapshot(
  { replica, clock, random }: ReplicationContext,
  peer: Conversation,
  signal: AbortSignal,
): Promise<void> {
  const transfer = uuidv7(clock.now_ms(), random);
  const vector = replica.vector();
  let after: string | null = '';
  for (let page = 0; after !== null; page++) {
    const began = replica.vector();
    const { rows, next }: SnapshotPage = await replica.snapshot(after);
    const part = { transfer, page, rows, of: { after, next, vector: began }, adopt: next === null ? vector : null };
    const wanted = await peer.seed(part, signal);
    // The peer was restarted in the middle: what it had taken is there, but it cannot know that nothing is missing.
    if (wanted !== (next === null ? null : page + 1))
      throw new ExchangeError('memory.seed', 'The peer lost count of the snapshot; it begins anew', false);
    after = next;
  }
}

/** Fetches all rows of a peer, then counts everything as had that it had before the first of them. */
export async function fetchSnapshot(
  { replica, ahead }: ReplicationContext,
  peer: Conversation,
  signal: AbortSignal,
): Promise<void> {
  const first = await peer.snapshot('', signal);
  ahead.vector = joinVectors(ahead.vector, first.vector);
  await replica.applySnapshot(first.rows, { ...first, after: '' });
  for (let after = first.next; after !== null;) {
    const part = await peer.snapshot(after, signal);
    ahead.vector = joinVectors(ahead.vector, part.vector);
    await replica.applySnapshot(part.rows, { ...part, after });
    after = part.next;
  }
  await replica.adopt(first.vector);
}

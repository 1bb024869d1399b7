/**
 * What a member knows about its way to a peer, as a table: a missing cell does not compile, an illegal step throws.
 * README.md says what each state and event means.
 *
 * Invariants, each with the test that enforces it (S = test/simulation/memory, whatever the seed):
 *  R1  An acknowledged write of W members is on W disks before its receipt says so.       S `set-full`, quorum.test.ts
 *  R2  What a peer has is only what it said itself, for the incarnation that said it; of
 *      our own operations, only what it showed to be ours.                                  quorum.test.ts
 *  R3  Nothing is sent to a peer that its last vector covers, nor of its own origin.        pages.test.ts
 *  R4  A parked operation holds its origin at that peer and no other.                       peer-link.test.ts
 *  R5  Every exchange either moves a vector, or is followed by a wait.                      S `no spinning`
 *  R6  Sequences of an incarnation that a peer knows further, or otherwise, are never
 *      continued, and nobody is counted for another operation of their number.              S `twin`, quorum.test.ts,
 *                                                                                           peer-link.test.ts
 *  R7  Members that hear each other end with equal vectors and equal bytes.                 S `convergence`
 *  R8  Equal vectors with different roots are seen at the next reply and repaired by
 *      operations.                                                                          reconcile.test.ts
 *  R9  A purge or a removal of old operations waits for every member that may need them.    peer-link.test.ts
 *  R10 Nobody is heard who is not a paired member, and only as himself.                     quorum.test.ts
 */
import { InvariantError } from '../../platform/errors.ts';

export type PeerState = 'unmet' | 'following' | 'seeding' | 'unreachable' | 'refused' | 'removed';
export type PeerEvent = 'answered' | 'unreached' | 'refused' | 'log_too_short' | 'seeded' | 'due' | 'removed';

/** `null` = cannot happen: the step throws. */
const peerTable: Record<PeerState, Record<PeerEvent, PeerState | null>> = {
  unmet: {
    answered: 'following',
    unreached: 'unreachable',
    refused: 'refused',
    log_too_short: null,
    seeded: null,
    due: 'unmet',
    removed: 'removed',
  },
  following: {
    answered: 'following',
    unreached: 'unreachable',
    refused: 'refused',
    log_too_short: 'seeding',
    seeded: null,
    due: 'following',
    removed: 'removed',
  },
  seeding: {
    answered: 'seeding',
    unreached: 'unreachable',
    refused: 'refused',
    log_too_short: 'seeding',
    seeded: 'following',
    due: 'seeding',
    removed: 'removed',
  },
  // After a silence the peer may be another incarnation with another vector: it is greeted again.
  unreachable: {
    answered: 'following',
    unreached: 'unreachable',
    refused: 'refused',
    log_too_short: null,
    seeded: null,
    due: 'unmet',
    removed: 'removed',
  },
  refused: {
    answered: 'following',
    unreached: 'unreachable',
    refused: 'refused',
    log_too_short: null,
    seeded: null,
    due: 'unmet',
    removed: 'removed',
  },
  // An answer may come in after the peer was removed; it changes nothing.
  removed: {
    answered: 'removed',
    unreached: 'removed',
    refused: 'removed',
    log_too_short: 'removed',
    seeded: 'removed',
    due: 'removed',
    removed: 'removed',
  },
};

/** @throws InvariantError for a step the table does not know. */
export function nextPeerState(state: PeerState, event: PeerEvent): PeerState {
  const next = peerTable[state][event];
  if (next === null) throw new InvariantError(`peer: ${event} in state ${state}`);
  return next;
}

/**
 * A pending action: what was asked, who voted, how it was decided; each part may arrive first. Approved goes before
 * rejected whatever the stamps say, because what an approval did may not be undone; nothing re-opens a decision. One that was
 * erased (`cleared`) holds nothing any more, whatever arrives; what its approval had made by then is a memory of its own.
 */
import { laterStamp, type Stamp } from '../clock/stamp.ts';
import { canonicalJson, type JsonObject } from '../json.ts';
import { define, earlierOf } from './register.ts';

export interface Asked {
  readonly stamp: Stamp;
  /** `PendingFields` and the author as `by`. */
  readonly value: JsonObject;
}

export interface Decision {
  readonly stamp: Stamp;
  readonly approved: boolean;
  readonly decider: string;
}

export interface PendingState {
  readonly asked: Asked | null;
  /** First vote of each agent, by its id in lower case. */
  readonly votes: Readonly<Record<string, Vote>>;
  readonly decision: Decision | null;
  /** Greatest stamp of an erasure; left out when there was none. */
  readonly cleared?: Stamp;
}

export interface Vote {
  readonly stamp: Stamp;
  readonly agent_id: string;
}

export const NOT_ASKED: PendingState = { asked: null, votes: {}, decision: null };

export function clearedAt(cleared: Stamp): PendingState {
  return { ...NOT_ASKED, cleared };
}

/** Commutative, associative, idempotent. */
export function joinPending(a: PendingState, b: PendingState): PendingState {
  const cleared = laterStamp(a.cleared ?? '', b.cleared ?? '');
  if (cleared !== '') return clearedAt(cleared);
  return {
    asked: earlierOf(a.asked, b.asked, ({ value }) => canonicalJson(value)),
    votes: joinVotes(a.votes, b.votes),
    decision: joinDecision(a.decision, b.decision),
  };
}

function joinVotes(a: PendingState['votes'], b: PendingState['votes']): PendingState['votes'] {
  const votes = { ...a };
  for (const [voter, vote] of Object.entries(b)) {
    const ours = Object.hasOwn(votes, voter) ? (votes[voter] ?? null) : null;
    const first = earlierOf(ours, vote, ({ agent_id }) => agent_id);
    if (first) define(votes, voter, first);
  }
  return votes;
}

function joinDecision(a: Decision | null, b: Decision | null): Decision | null {
  if (!a || !b) return a ?? b;
  if (a.approved !== b.approved) return a.approved ? a : b;
  return earlierOf(a, b, ({ decider }) => decider);
}

export function voteOf(agent_id: string, stamp: Stamp): PendingState['votes'] {
  const votes: Record<string, Vote> = {};
  define(votes, agent_id.toLowerCase(), { stamp, agent_id });
  return votes;
}

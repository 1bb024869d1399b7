import { curationDigest } from './curation.ts';
import { fileMark, isUnchanged, type FileMark } from './file.ts';
import { continuationOf, sourceIdentity, type Continuation, type SourceIdentity } from './identity.ts';
import type { AgentsviewDatabase } from './open.ts';
import { listsRecentSessions } from './sessions.ts';

/** What a finished round leaves for the next: JSON without any content; part of the source's checkpoint. */
export interface RoundState {
  file: FileMark;
  identity: SourceIdentity;
  curation: string;
  /** When the last round began; the next asks for what moved since. */
  listed_ms: number;
  /** When the last round began that listed every session; equal to `listed_ms` when that was the last one. */
  listed_all_ms: number;
}

/** What one round has to look at. */
export interface RoundPlan {
  continuation: Continuation;
  /** `recent`: `recentSessions` since `known.listed_ms`; `all`: `allSessions`. */
  listing: 'recent' | 'all';
  /** Keep it once everything listed is taken in; not before, or what was missed is never looked at again. */
  next: RoundState;
}

/** A recent listing is a hint (rule A9), so all marks are compared this often whatever moved. */
export const LIST_ALL_EVERY_MS = 10 * 60_000;

/**
 * True when there is nothing to do: nobody wrote since the last round, and that round listed everything, or did so
 * shortly before. Costs two `stat` calls at any size and opens nothing.
 * @throws UnreachableError `agentsview.missing`, `agentsview.unreadable`
 */
export function isQuiet(path: string, known: RoundState, now_ms: number): boolean {
  const listed_all = known.listed_all_ms === known.listed_ms;
  return isUnchanged(known.file, fileMark(path, now_ms)) && (listed_all || isYoung(known, now_ms));
}

/**
 * Compares the open database with the last round. Everything is listed when there is no last round or another database
 * (rule A3), when a star or pin moved, when the journal of deletions went on, when the file has no marker to list by, and when the last full listing is old.
 */
export function planRound(database: AgentsviewDatabase, known: RoundState | null, now_ms: number): RoundPlan {
  // Before anything is read: a commit in between then shows as a change at the next round.
  const file = fileMark(database.path, now_ms);
  const identity = sourceIdentity(database);
  const continuation = continuationOf(known?.identity ?? null, identity);
  const curation = curationDigest(database);
  const recent =
    known !== null &&
    continuation.kind === 'same' &&
    curation === known.curation &&
    identity.deletion_revision === known.identity.deletion_revision &&
    listsRecentSessions(database) &&
    isYoung(known, now_ms);
  return {
    continuation,
    listing: recent ? 'recent' : 'all',
    next: { file, identity, curation, listed_ms: now_ms, listed_all_ms: recent ? known.listed_all_ms : now_ms },
  };
}

/** A clock that was set back makes a listing of the future: it counts as old (design §5 rule 10). */
function isYoung(known: RoundState, now_ms: number): boolean {
  const age_ms = now_ms - known.listed_all_ms;
  return age_ms < LIST_ALL_EVERY_MS && now_ms >= known.listed_ms;
}

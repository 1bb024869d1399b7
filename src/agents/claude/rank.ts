import { hash } from 'node:crypto';
import type { TranscriptFile } from '../source.ts';
import type { ChainLine } from './line.ts';

/**
 * What the lines so far say about whether this file is the original or a copy (§2.8). Kept in the checkpoint, so that
 * the rank of a line depends on the bytes before it and on nothing else.
 */
export interface OwnershipEvidence {
  /** A line of the uuid chain was seen. */
  chain_begun: boolean;
  /** A line without `uuid` was seen after that: forks never copy those, so the chain up to here grew in this file. */
  grew_here: boolean;
}

export function noEvidence(): OwnershipEvidence {
  return { chain_begun: false, grew_here: false };
}

export function noteChainLine(evidence: OwnershipEvidence): void {
  evidence.chain_begun = true;
}

/** A line without uuid at the head proves nothing: a fork may write one before it copies the chain. */
export function noteBookkeepingLine(evidence: OwnershipEvidence): void {
  if (evidence.chain_begun) evidence.grew_here = true;
}

/**
 * `owner_rank` of an event of `line`: strings whose order is the order of the evidence of §2.8, best first. Side
 * questions and subagents repeat messages of the main conversation, so a sidechain copy never beats one outside.
 */
export function ownerRank(file: TranscriptFile, line: ChainLine, evidence: OwnershipEvidence): string {
  const kept_older_session = line.session_id !== null && line.session_id !== file.session_id;
  const digits = [line.sidechain, !kept_older_session, line.background, !evidence.grew_here];
  const flags = digits.map((worse) => (worse ? '1' : '0')).join('');
  return flags + rankOfFile(file);
}

const ranks_of_files = new WeakMap<TranscriptFile, string>();

/** What all lines of a file have in common, computed once: every line asks for it. */
function rankOfFile(file: TranscriptFile): string {
  let rank = ranks_of_files.get(file);
  if (rank === undefined) {
    const birth = String(Math.max(0, Math.trunc(file.birth_ms))).padStart(15, '0');
    // The last tie-break is a hash, because ranks travel and native ids do not (telemetry specification §3.2).
    const place = hash('sha256', `${file.session_id}:${file.subagent_id ?? ''}`).slice(0, 16);
    rank = `:${birth}:${place}`;
    ranks_of_files.set(file, rank);
  }
  return rank;
}

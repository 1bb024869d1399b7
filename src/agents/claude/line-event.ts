import type { AgentEvent, EventKind } from '../event.ts';
import type { TranscriptFile } from '../source.ts';
import type { ChainLine } from './line.ts';
import { ownerRank, type OwnershipEvidence } from './rank.ts';

/** What an event takes from its line; the rest is the event's own. */
export type LineFacts = Pick<
  AgentEvent,
  'session_id' | 'subagent_id' | 'owner_rank' | 'ts_ms' | 'ts_exact' | 'cwd' | 'git_branch' | 'agent_version'
>;

/**
 * Facts of `line` in `file`. A line that kept another session's id was copied from there and belongs to it (§2.8).
 * `fallback_ms` is the time of a line without one: that of the line before.
 */
export function lineFacts(
  file: TranscriptFile,
  line: ChainLine,
  evidence: OwnershipEvidence,
  fallback_ms: number,
): LineFacts {
  return {
    session_id: line.session_id ?? file.session_id,
    subagent_id: file.subagent_id ?? (line.sidechain ? line.agent_id : null),
    owner_rank: ownerRank(file, line, evidence),
    ts_ms: line.ts_ms ?? fallback_ms,
    ts_exact: line.ts_ms !== null,
    cwd: line.cwd,
    git_branch: line.git_branch,
    agent_version: line.agent_version,
  };
}

/** An event with everything absent that `own` does not set. */
export function eventOf(
  kind: EventKind,
  identity: string,
  facts_of_line: LineFacts,
  own: Partial<Omit<AgentEvent, 'kind' | 'identity' | keyof LineFacts>>,
): AgentEvent {
  return {
    agent: 'claude',
    kind,
    source: 'tail',
    identity,
    ...facts_of_line,
    model: null,
    tool: null,
    tool_call_id: null,
    usage: null,
    outcome: null,
    paths: [],
    facts: {},
    content: null,
    ...own,
  };
}

/**
 * Identity of what a line says by itself. Copies keep the `uuid`; lines without one are never copied, so session and
 * time name them.
 */
export function lineIdentity(what: string, line: ChainLine, facts: LineFacts): string {
  return `claude:${what}:${line.uuid ?? `${facts.session_id}@${facts.ts_ms}`}`;
}

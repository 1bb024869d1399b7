/**
 * Links as facts with a time in which they hold: what is said of one memory in the order of time, and what can be reached from
 * it. Nothing is stored for this: a link holds from `valid_from`, else from when it was made, until `valid_until`.
 */
import { invalid } from '../fields.ts';
import type { MemoryAccess } from '../memory-access.ts';
import type { Memory, MemoryLink } from '../memory.ts';
import { parseTime } from '../clock/stamp.ts';

/** What is read of a memory; HTTP and MCP have it from the access to one. */
export type FactReads = Pick<MemoryAccess, 'linksFrom' | 'getMany'>;

/** A link from a memory, with what it leads to. Names as the original writes them. */
export interface Fact {
  target_id: string;
  relation: string;
  valid_from: string;
  valid_until: string | null;
  observed_by: string | null;
  title: string;
  target_namespace: string;
}

export interface FoundFact extends Fact {
  /** Links from the source to here. */
  depth: number;
  /** Ids from the source to here, joined by `->`. */
  path: string;
}

export interface TimelineQuery {
  source_id: string;
  /** Bounds of `valid_from`, both included. */
  since?: string;
  until?: string;
  limit?: number;
}

export interface GraphQuery {
  source_id: string;
  /** 1 to 5; default 1. */
  max_depth?: number;
  /** Only links that hold at this time, on the whole way. */
  valid_at?: string;
  /** Only links that one of these observed; none for an empty list. */
  allowed_agents?: readonly string[];
  limit?: number;
}

const DEFAULT_LIMIT = 200;
const MOST = 1000;
const DEEPEST = 5;

/** Oldest first. @throws InvalidInputError `memory.invalid` */
export async function timelineOf(reads: FactReads, query: TimelineQuery): Promise<Fact[]> {
  const [since_ms, until_ms] = [boundOf('since', query.since) ?? -Infinity, boundOf('until', query.until) ?? Infinity];
  const links = (await reads.linksFrom([query.source_id]))
    .map((link) => ({ link, from_ms: heldFrom(link) }))
    .filter(({ from_ms }) => from_ms >= since_ms && from_ms <= until_ms)
    .sort((a, b) => a.from_ms - b.from_ms)
    .slice(0, limitOf(query.limit))
    .map(({ link }) => link);
  const targets = await targetsOf(reads, links);
  return links.flatMap((link) => factOf(link, targets) ?? []);
}

/**
 * What the links from a memory lead to, nearest first. A memory that was reached is not gone through a second time, so a
 * circle ends. @throws InvalidInputError `memory.invalid`
 */
export async function reachedFrom(reads: FactReads, query: GraphQuery): Promise<FoundFact[]> {
  const max_depth = depthOf(query.max_depth);
  const holds = conditionOf(query);
  const limit = limitOf(query.limit);
  const found: FoundFact[] = [];
  const paths = new Map([[query.source_id, query.source_id]]);
  let frontier = [query.source_id];
  for (let depth = 1; depth <= max_depth && frontier.length > 0 && found.length < limit; depth++) {
    const links = (await reads.linksFrom(frontier)).filter((link) => holds(link) && !paths.has(link.target_id));
    const targets = await targetsOf(reads, links);
    const reached = new Map<string, string>();
    for (const link of links) {
      const fact = factOf(link, targets);
      if (!fact || found.length >= limit) continue;
      const path = `${paths.get(link.source_id) ?? ''}->${link.target_id}`;
      found.push({ ...fact, depth, path });
      if (!reached.has(link.target_id)) reached.set(link.target_id, path);
    }
    for (const [id, path] of reached) paths.set(id, path);
    frontier = [...reached.keys()];
  }
  return found;
}

function conditionOf({ valid_at, allowed_agents }: GraphQuery): (link: MemoryLink) => boolean {
  const at_ms = boundOf('valid_at', valid_at);
  const agents = allowed_agents && new Set(allowed_agents);
  return (link) => {
    if (agents && !agents.has(observerOf(link))) return false;
    if (at_ms === null) return true;
    const until_ms = link.valid_until === undefined ? null : parseTime(link.valid_until);
    return heldFrom(link) <= at_ms && (until_ms === null || until_ms > at_ms);
  };
}

/** What a link of a node of ai-memory says may be no time; then it counts from when it was made. */
function heldFrom({ valid_from, created_at, written }: MemoryLink): number {
  return (
    (valid_from === undefined ? null : parseTime(valid_from)) ?? parseTime(created_at) ?? parseTime(written.at) ?? 0
  );
}

function observerOf({ observed_by, written }: MemoryLink): string {
  return observed_by ?? written.agent_id;
}

async function targetsOf(reads: FactReads, links: readonly MemoryLink[]): Promise<Map<string, Memory>> {
  const memories = await reads.getMany([...new Set(links.map(({ target_id }) => target_id))]);
  return new Map(memories.map((memory) => [memory.id, memory]));
}

/** Null: what it leads to has expired. */
function factOf(link: MemoryLink, targets: ReadonlyMap<string, Memory>): Fact | null {
  const target = targets.get(link.target_id);
  if (!target) return null;
  return {
    target_id: link.target_id,
    relation: link.relation,
    valid_from: link.valid_from ?? link.created_at,
    valid_until: link.valid_until ?? null,
    observed_by: observerOf(link),
    title: target.title,
    target_namespace: target.namespace,
  };
}

function boundOf(field: string, value: string | undefined): number | null {
  if (value === undefined || value.trim() === '') return null;
  const ms = parseTime(value);
  if (ms === null) throw invalid(field, 'is not a time in RFC 3339');
  return ms;
}

function depthOf(value = 1): number {
  if (!Number.isInteger(value) || value < 1 || value > DEEPEST)
    throw invalid('max_depth', `is not a whole number from 1 to ${DEEPEST}`);
  return value;
}

function limitOf(value = DEFAULT_LIMIT): number {
  if (!Number.isInteger(value) || value < 1) throw invalid('limit', `is not a whole number from 1 to ${MOST}`);
  return Math.min(value, MOST);
}

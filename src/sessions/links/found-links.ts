import type { GitLink } from '../store/session-store.ts';
import { isSameCommit, MIN_SHA_DIGITS } from './sha.ts';

export type Confidence = GitLink['confidence'];

/** More than a message's calls make; a listing may mention any number. */
const MAX_LINKS = 1_000;
const MAX_MENTIONS = 50;
const RANK: Record<Confidence, number> = { high: 2, medium: 1, low: 0 };

/** The links of one message, each once: with its longest id, its best confidence and what any of its finds knew. */
export class FoundLinks {
  /** By what equal links share; ids of different lengths share their first digits. */
  private readonly groups = new Map<string, GitLink[]>();
  private readonly links: GitLink[] = [];
  private mentions = 0;

  add(link: GitLink): void {
    const group = groupOf(link);
    const known = this.groups.get(group)?.find((other) => isSame(other, link));
    if (known !== undefined) return join(known, link);
    if (this.links.length >= MAX_LINKS || (link.confidence === 'low' && this.mentions >= MAX_MENTIONS)) return;
    if (link.confidence === 'low') this.mentions++;
    const copy = { ...link };
    this.links.push(copy);
    this.groups.set(group, [...(this.groups.get(group) ?? []), copy]);
  }

  /** In the order in which they were found. */
  all(): GitLink[] {
    return this.links;
  }
}

function groupOf({ kind, sha, url, repository, branch }: GitLink): string {
  if (url !== null) return `${kind} ${url}`;
  return sha === null ? `${kind} ${repository ?? ''} ${branch ?? ''}` : `${kind} ${sha.slice(0, MIN_SHA_DIGITS)}`;
}

function isSame(one: GitLink, other: GitLink): boolean {
  if (one.repository !== null && other.repository !== null && one.repository !== other.repository) return false;
  if (one.kind === 'push' && one.branch !== other.branch) return false;
  return one.sha === null || other.sha === null ? one.sha === other.sha : isSameCommit(one.sha, other.sha);
}

function join(known: GitLink, link: GitLink): void {
  if ((link.sha?.length ?? 0) > (known.sha?.length ?? 0)) known.sha = link.sha;
  if (RANK[link.confidence] > RANK[known.confidence]) known.confidence = link.confidence;
  known.repository ??= link.repository;
  known.branch ??= link.branch;
}

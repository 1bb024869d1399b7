import { dirname, resolve } from 'node:path';
import { workspaceOf } from '../../agents/workspace.ts';
import type { GitLink, Reader, SessionStore, SessionSummary } from '../store/session-store.ts';
import { blamedLine, type BlamedLine, type FileLine } from './blamed-line.ts';
import type { Confidence } from './found-links.ts';
import type { Git } from './git.ts';
import { findPullRequests, pullRequestOf } from './pull-request.ts';
import { isSameCommit } from './sha.ts';

/** A session that may have written a line, and why it is thought so. */
export interface BlamedSession {
  session: SessionSummary;
  /**
   * `commit`: it made the line's commit. `pull_request`: it made the request that a squash or merge brought the line with.
   * `rebased_commit`: it made a commit of the same author time and subject, which a rebase or an amend replaced.
   * `edit`: it edited the file in the 24 hours before the commit.
   */
  how: 'commit' | 'pull_request' | 'rebased_commit' | 'edit';
  confidence: Confidence;
  link: GitLink | null;
  /** The message; null: unknown. */
  ordinal: number | null;
}

export interface BlameAnswer {
  line: BlamedLine;
  /** `host/owner/repository`; null: the work tree has no remote. */
  repository: string | null;
  /** The likeliest first; each session once. */
  sessions: BlamedSession[];
  /** Why there are no sessions; null when there are some. */
  explanation: string | null;
}

export type BlameStore = Pick<SessionStore, 'linked' | 'links' | 'editing'>;

export interface BlameParts {
  git: Git;
  store: BlameStore;
  reader: Reader;
  /** `host/owner/repository` of a folder; by default from its configuration of git, as sessions have theirs. */
  repositoryOf?: (folder: string) => string | null;
}

const LIMIT = 20;
const EDITS = 200;
/** Sessions and commits that are compared with a replaced commit. */
const MAX_CANDIDATES = 10;
const MAX_COMMITS = 200;
const EDIT_WINDOW_MS = 24 * 60 * 60 * 1_000;
/** Git counts whole seconds. */
const SECOND_MS = 1_000;
/** Shorter ids of other repositories may be the same by chance. */
const UNMISTAKABLE_DIGITS = 12;
const RANK: Record<Confidence, number> = { high: 2, medium: 1, low: 0 };

/**
 * The sessions behind a line of a file in a work tree. Each way of finding them is tried only while the ones before gave
 * nothing but mentions: commit, pull request, replaced commit, edits.
 * @throws what `blamedLine` and the store throw
 */
export async function blame(target: FileLine, cwd: string, parts: BlameParts): Promise<BlameAnswer> {
  const line = await blamedLine(target, cwd, parts.git);
  const folder = dirname(resolve(cwd, target.file));
  const repository = (parts.repositoryOf ?? remoteOf)(folder);
  const place: Place = { line, repository, folder, parts };
  const found: BlamedSession[] = [];
  for (const search of [byCommit, byPullRequest, byEdit]) {
    found.push(...(await search(place)));
    if (found.some(({ confidence }) => confidence !== 'low')) break;
  }
  const sessions = oncePerSession(found);
  return { line, repository, sessions, explanation: sessions.length > 0 ? null : explanationOf(line) };
}

interface Place {
  line: BlamedLine;
  repository: string | null;
  folder: string;
  parts: BlameParts;
}

function remoteOf(folder: string): string | null {
  const { kind, identity } = workspaceOf(folder);
  return kind === 'remote' ? identity : null;
}

/** Not narrowed to the repository: a session may commit in another one than its own, and a whole id is unmistakable. */
async function byCommit({ line, repository, parts }: Place): Promise<BlamedSession[]> {
  const found: BlamedSession[] = [];
  for (const { link: told, session } of await parts.store.linked(parts.reader, { sha: line.sha }, LIMIT)) {
    if (told.kind === 'pull_request') continue;
    const link = told.kind === 'push' ? ((await commitOf(session.key, line, parts)) ?? told) : told;
    const elsewhere = link.repository !== null && repository !== null && !isSame(link.repository, repository);
    const chance = elsewhere && (link.sha?.length ?? 0) < UNMISTAKABLE_DIGITS;
    // Whoever pushed a commit need not have made it.
    const confidence = chance ? 'low' : link.kind === 'push' ? atMostMedium(link.confidence) : link.confidence;
    found.push({ session, link, how: 'commit', confidence, ordinal: placeOf(link) });
  }
  return found;
}

/** What a person set by hand stands at no message. */
function placeOf({ ordinal, asserted_at_ms }: GitLink): number | null {
  return asserted_at_ms === undefined ? ordinal : null;
}

/** Stores tell one link a session: of one that committed and pushed, it may be the push. */
async function commitOf(key: string, { sha }: BlamedLine, { store, reader }: BlameParts): Promise<GitLink | undefined> {
  const links = await store.links(reader, key);
  return links.find((link) => link.kind === 'commit' && link.sha !== null && isSameCommit(link.sha, sha));
}

/** A squash or merge commit names the request it came from; its sessions made what was squashed. */
async function byPullRequest({ line, repository, folder, parts }: Place): Promise<BlamedSession[]> {
  const outcome = await parts.git(['log', '-1', '--no-show-signature', '--format=%B', line.sha, '--'], folder);
  const message = outcome.exit_code === 0 ? outcome.stdout : line.subject;
  const found: BlamedSession[] = [];
  for (const url of requestsNamedIn(message, repository)) {
    for (const { link, session } of await parts.store.linked(parts.reader, { url }, LIMIT)) {
      const confidence = atMostMedium(link.confidence);
      found.push({ session, link, how: 'pull_request', confidence, ordinal: placeOf(link) });
    }
  }
  return found;
}

/**
 * The addresses of the requests that a commit's message says it came from: `Title (#12)`, `Merge pull request #12`,
 * `Merged PR 12`, `(pull request #12)`, `See merge request group/project!12`, or an address.
 */
export function requestsNamedIn(message: string, repository: string | null): string[] {
  const text = message.slice(0, 64 * 1024);
  const subject = text.split('\n', 1)[0] ?? '';
  const urls = new Set<string>();
  if (repository !== null) {
    const host = repository.slice(0, repository.indexOf('/'));
    const number =
      /\((?:pull request )?#([1-9]\d{0,9})\)\s{0,10}$/.exec(subject)?.[1] ??
      /^(?:Merge pull request #|Merged PR )([1-9]\d{0,9})\b/.exec(subject)?.[1];
    const merge = /^See merge request (?:([^\s!]{1,500}))?!([1-9]\d{0,9})/m.exec(text);
    const requests = [
      number === undefined ? null : pullRequestOf(repository, Number(number)),
      merge === null ? null : pullRequestOf(merge[1] ? `${host}/${merge[1]}` : repository, Number(merge[2]), '!'),
    ];
    for (const request of requests) if (request !== null) urls.add(request.url);
  }
  for (const { url } of findPullRequests(text).slice(0, 5)) urls.add(url);
  return [...urls];
}

async function byEdit(place: Place): Promise<BlamedSession[]> {
  const edits = await editsBefore(place);
  const replaced = await replacedCommits(place, edits);
  if (replaced.length > 0) return replaced;
  const keys = new Set(edits.map(({ session }) => session.key));
  return edits.map(({ session, ordinal, certain }) => ({
    ...{ session, ordinal, link: null, how: 'edit' },
    confidence: certain && keys.size === 1 ? 'medium' : 'low',
  }));
}

interface Edit {
  session: SessionSummary;
  ordinal: number;
  at_ms: number;
  /** The session's project is the repository, not only a label. */
  certain: boolean;
}

/** Edits of the file in the day before the commit was written or replaced, the newest first. */
async function editsBefore({ line, repository, parts }: Place): Promise<Edit[]> {
  const until_ms = Math.max(line.author_ms, line.committed_ms) + SECOND_MS;
  const edits = await parts.store.editing(
    parts.reader,
    line.path,
    { until_ms, subagents: true, automated: true },
    EDITS,
  );
  const times = [line.author_ms, line.committed_ms];
  return edits
    .flatMap(({ session, ordinal, at_ms }): Edit[] => {
      const at = at_ms ?? session.ended_at_ms;
      const near = at !== null && times.some((time) => at >= time - EDIT_WINDOW_MS && at < time + SECOND_MS);
      const certain = repository !== null && isSame(session.project, repository);
      // A label or a hash cannot be compared; the name of another repository can.
      if (!near || (!certain && isRepository(session.project))) return [];
      return [{ session, ordinal, at_ms: at, certain }];
    })
    .sort((one, other) => Number(other.certain) - Number(one.certain) || other.at_ms - one.at_ms);
}

/** Commits of those sessions that a rebase or an amend replaced by the line's: author time and subject stay the same. */
async function replacedCommits({ line, folder, parts }: Place, edits: readonly Edit[]): Promise<BlamedSession[]> {
  const sessions = new Map(edits.map(({ session }) => [session.key, session]));
  const links: GitLink[] = [];
  for (const key of [...sessions.keys()].slice(0, MAX_CANDIDATES)) {
    const made = (await parts.store.links(parts.reader, key)).filter(
      ({ kind, sha }) => kind === 'commit' && sha !== null,
    );
    links.push(...made);
  }
  const shas = [...new Set(links.map(({ sha }) => sha ?? ''))].slice(0, MAX_COMMITS);
  if (shas.length === 0) return [];
  const same = await sameCommits(shas, line, folder, parts.git);
  return links.flatMap((link): BlamedSession[] => {
    const session = sessions.get(link.key);
    if (session === undefined || !same.some((sha) => sha.startsWith(link.sha ?? ''))) return [];
    return [{ session, link, how: 'rebased_commit', confidence: atMostMedium(link.confidence), ordinal: link.ordinal }];
  });
}

/** Those of `shas` that this machine still has and that were written when the line's commit was, with its subject. */
async function sameCommits(shas: readonly string[], line: BlamedLine, folder: string, git: Git): Promise<string[]> {
  const format = '--format=%H%x00%at%x00%s';
  const { stdout } = await git(['log', '--no-walk', '--ignore-missing', format, ...shas, '--'], folder);
  return stdout.split('\n').flatMap((commit) => {
    const [sha = '', time, subject] = commit.split('\0');
    return Number(time) * 1_000 === line.author_ms && subject === line.subject ? [sha] : [];
  });
}

function oncePerSession(found: readonly BlamedSession[]): BlamedSession[] {
  const best = new Map<string, BlamedSession>();
  for (const candidate of found) {
    const known = best.get(candidate.session.key);
    if (known === undefined || RANK[candidate.confidence] > RANK[known.confidence]) {
      best.set(candidate.session.key, candidate);
    }
  }
  return [...best.values()].sort((one, other) => RANK[other.confidence] - RANK[one.confidence]);
}

function explanationOf({ sha }: BlamedLine): string {
  return (
    `No stored session made commit ${sha.slice(0, 12)} or its pull request, and none edited the file in the 24 hours ` +
    'before it. A person may have written the line, or an agent whose sessions are not kept here.'
  );
}

function atMostMedium(confidence: Confidence): Confidence {
  return confidence === 'high' ? 'medium' : confidence;
}

function isSame(one: string, other: string): boolean {
  return one.toLowerCase() === other.toLowerCase();
}

function isRepository(project: string): boolean {
  return project.split('/').length >= 3;
}

import { type CommitSummary, findFastForward, findShown, findSummaries, lengthener } from './commit-output.ts';
import { type LinkContext, repositoryAt } from './context.ts';
import type { Confidence } from './found-links.ts';
import type { Script, Step } from './steps.ts';

/** A commit that a shell call made or shows. */
export interface FoundCommit {
  sha: string;
  branch: string | null;
  repository: string | null;
  confidence: Confidence;
}

type Make = Step & { kind: 'make' };

/** Signs that a command left the newest commit as it was. */
const UNCHANGED =
  /^(?:fatal|error): |^CONFLICT |nothing to commit|nothing added to commit|no changes added to commit|^Already up[ -]to[ -]date|^Fast-forward$|^Current branch .{1,255} is up to date/m;
/** Switching says the names of branches. */
const BRANCH_NAMED = /^(?:Switched to (?:a new )?branch '([^'\n]{1,255})'|On branch (\S{1,255}))/gm;

/** The commits of one shell call, from what it ran and what that printed. */
export function commitsOf(
  script: Script,
  ran: boolean,
  output: string,
  lines: readonly string[],
  context: LinkContext,
): FoundCommit[] {
  const makes = script.steps.filter((step) => step.kind === 'make');
  const shown = findShown(lines);
  const longest = lengthener(shown);
  const summaries = findSummaries(lines, knownBranches(script, output, context));
  if (makes.length === 0) return mentioned(summaries, ran && script.reads_only, longest, context);
  const accepted = acceptedOf(summaries, makes, script.repeats);
  const repositories = new Set(makes.map((make) => repositoryAt(make.folder, context)));
  const shared = repositories.size === 1 ? ([...repositories][0] ?? null) : null;
  const summarized = accepted.map(({ sha, branch }, i): FoundCommit => {
    const own = makes.length === accepted.length ? makes[i] : undefined;
    const repository = own === undefined ? shared : repositoryAt(own.folder, context);
    return { sha: longest(sha), branch, repository, confidence: 'high' };
  });
  const branch = lastBranch(script, context);
  return [
    ...summarized,
    ...shownAfterMaking(script, shown, output).map(({ sha, confidence, make }) => ({
      ...{ sha, branch, confidence },
      repository: repositoryAt(make.folder, context),
    })),
    ...forwarded(makes, lines).map((sha): FoundCommit => ({ sha, branch, repository: shared, confidence: 'medium' })),
  ];
}

/** Summaries in a call that ran no git of its own: a script's, a finished background command's, or a file's text. */
function mentioned(
  summaries: readonly CommitSummary[],
  read: boolean,
  longest: (sha: string) => string,
  context: LinkContext,
): FoundCommit[] {
  return summaries
    .filter(({ detailed }) => detailed)
    .map(({ sha, branch }) => ({
      ...{ sha: longest(sha), branch, repository: context.repository },
      confidence: read ? 'low' : 'medium',
    }));
}

/**
 * All certain summaries; likely ones as far as commands are left that could have printed them, the last first, as hooks
 * print before git does.
 */
function acceptedOf(summaries: readonly CommitSummary[], makes: readonly Make[], repeats: boolean): CommitSummary[] {
  const certain = summaries.filter(({ certainty }) => certainty === 'certain').length;
  const unbounded = repeats || makes.some(({ verb }) => verb !== 'commit');
  const left = unbounded ? summaries.length : Math.max(0, makes.length - certain);
  const likely = summaries.filter(({ certainty }) => certainty === 'likely');
  const taken = new Set(left === 0 ? [] : likely.slice(-left));
  return summaries.filter((summary) => summary.certainty === 'certain' || taken.has(summary));
}

/**
 * What `git log -1`, `git rev-parse HEAD` and their like printed after a command that makes commits, which is how a
 * quiet commit becomes known.
 */
function shownAfterMaking(
  { steps, repeats }: Script,
  shown: readonly string[],
  output: string,
): { sha: string; confidence: Confidence; make: Make }[] {
  if (repeats) return [];
  const shows = steps.filter((step) => step.kind === 'show');
  const ids = idsOf(shows, shown);
  const found: { sha: string; confidence: Confidence; make: Make }[] = [];
  let make: Make | null = null;
  let place = 0;
  for (const step of steps) {
    if (step.kind === 'make') make = step;
    if (step.kind !== 'show') continue;
    const sha = ids[place++];
    if (make === null || sha === undefined || sha === null) continue;
    const unsure = UNCHANGED.test(output) && !(step.chained && make.verb === 'commit');
    const silent = make.quiet || make.verb !== 'commit';
    found.push({ sha, confidence: !unsure && (step.chained || silent) ? 'high' : 'medium', make });
  }
  return found;
}

/** The newest commit at the time of each show; null: which of the ids it printed cannot be told. */
function idsOf(shows: readonly (Step & { kind: 'show' })[], shown: readonly string[]): (string | null)[] {
  // A line may begin with a number that is no id; seven digits without a letter are rare among ids.
  const lettered = shown.filter((sha) => sha.length >= 40 || /[a-f]/.test(sha));
  const ids = lettered.length < shows.length && shown.length === shows.length ? shown : lettered;
  if (ids.length === shows.length && shows.every(({ single }) => single)) return [...ids];
  return shows.map((_, place) => (place === 0 ? (ids[0] ?? null) : null));
}

function forwarded(makes: readonly Make[], lines: readonly string[]): string[] {
  const sha = makes.some(({ verb }) => verb === 'merge') ? findFastForward(lines) : null;
  return sha === null ? [] : [sha];
}

function knownBranches({ git_words, steps }: Script, output: string, { branch }: LinkContext): Set<string> {
  const known = new Set(git_words);
  if (branch !== null) known.add(branch);
  if (steps.length > 0) {
    for (const [, switched, on] of output.matchAll(BRANCH_NAMED)) known.add(switched ?? on ?? '');
  }
  return known;
}

function lastBranch({ steps }: Script, context: LinkContext): string | null {
  return steps.findLast((step) => step.kind === 'switch')?.branch ?? context.branch;
}

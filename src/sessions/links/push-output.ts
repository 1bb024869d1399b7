import { normalizeRemote } from '../../agents/workspace.ts';

/** One branch that a push moved or made at its remote. */
export interface PushedBranch {
  /** `host/owner/repository` of the remote; null: a path, or an address that cannot be read. */
  repository: string | null;
  /** Name at the remote. */
  branch: string;
  /** What was pushed: a branch, `HEAD`, an id. */
  source: string;
  /** The id it stands at now; null: git printed none, as for new branches. */
  sha: string | null;
}

const TARGET = /^To (\S{1,2000})$/;
/** `   abc1234..def5678  main -> main`, ` + abc1234...def5678 …`, ` * [new branch]      topic -> topic`. */
const MOVED = /^ ?([ +*]) (\[[^\]]{1,40}\]|[0-9a-f]{4,64}\.{2,3}[0-9a-f]{7,64}) {1,80}(\S{1,255}) -> (\S{1,255})/;
/** The same of `push --porcelain`. */
const PORCELAIN = /^([ +*])\t([^\s:]{0,255}):(\S{1,255})\t(\[[^\]]{1,40}\]|[0-9a-f]{4,64}\.{2,3}[0-9a-f]{7,64})/;

/** More branches than one output can tell of. */
const MAX_PUSHED = 500;

/** The branches under the `To …` lines of pushes; rejected, deleted and unchanged ones and tags are none. */
export function findPushed(lines: readonly string[]): PushedBranch[] {
  const found: PushedBranch[] = [];
  let target: string | null = null;
  for (const line of lines) {
    if (found.length >= MAX_PUSHED) break;
    if (line.startsWith('To ')) target = TARGET.exec(line)?.[1] ?? null;
    // A fetch prints the same form under this.
    else if (line.startsWith('From ')) target = null;
    else if (target !== null) {
      const moved = movedIn(line);
      if (moved !== null) found.push({ repository: repositoryOf(target), ...moved });
    }
  }
  return found;
}

function movedIn(line: string): Omit<PushedBranch, 'repository'> | null {
  const human = MOVED.exec(line);
  const porcelain = human === null ? PORCELAIN.exec(line) : null;
  const [change, source, branch] =
    human !== null ? [human[2], human[3], human[4]] : [porcelain?.[4], porcelain?.[2], porcelain?.[3]];
  if (change === undefined || source === undefined || branch === undefined) return null;
  if (/tag/i.test(change) || branch.startsWith('refs/tags/')) return null;
  return {
    source: shortName(source),
    branch: shortName(branch),
    sha: /\.\.\.?([0-9a-f]{7,64})$/.exec(change)?.[1] ?? null,
  };
}

function shortName(reference: string): string {
  return reference.replace(/^refs\/heads\//, '');
}

function repositoryOf(target: string): string | null {
  const repository = normalizeRemote(target.replace(/\[REDACTED:[^[\]\s]{1,80}\]@/, ''));
  return repository === null || !repository.includes('/') ? null : repository;
}

import { MIN_SHA_DIGITS } from './sha.ts';

/** Reads what git prints of commits: the summary of `git commit` and its like, and the ids that `log` and `rev-parse` show. */

/** `[branch abc1234] subject`, as `git commit`, `cherry-pick`, `revert` and `rebase` print it for each commit they make. */
export interface CommitSummary {
  /** Null: the head was detached. */
  branch: string | null;
  /** All the digits that git printed. */
  sha: string;
  /** How sure it is that git wrote the line, as texts in brackets look alike. */
  certainty: 'certain' | 'likely' | 'unlikely';
  /** The lines that git prints under a summary follow. */
  detailed: boolean;
}

const SUMMARY = /^\[(.{1,300}?) ([0-9a-f]{7,64})\](?= |$)/;
/** What agents put before an output on its first line. */
const LEAD = /^(?:(?:std)?out(?:put)?: ?|<(?:bash-)?(?:stdout|output)>)/i;
const COLOUR = /\x1b\[[0-9;]{0,20}m/g;
const ROOT = /^(\S{1,255}) \((.{1,60})\)$/;
/** Lines that git prints under a summary: author and date of others' commits, then the counts, in any language. */
const DETAIL = /^ (?:\S{1,20}: |\d{1,9} \S|(?:create|delete|rename|copy|rewrite|mode)\b)/;
const MARKER = /<[^<>\s]{1,80}>|\[REDACTED:[^[\]\s]{1,80}\]/g;
/** What `git check-ref-format` forbids in a branch's name. */
const NO_BRANCH = /[\s~^:?*[\\]|\.\.|@\{|^[-/.]|[/.]$|\.lock$/;
/** Words before an id in a text about commits. */
const CITING = new Set(
  'see cf cf. ref refs fix fixes fixed close closes closed resolve resolves commit commits revert reverts reverted of from in since via at by was per also hash sha id rev revision build version pid'.split(
    ' ',
  ),
);
const USUAL_BRANCHES = new Set(['main', 'master', 'develop', 'dev', 'trunk']);
const SHOWN = /^(?:\* )?(?:commit )?([0-9a-f]{7,64})(?=\s|$)/;

/** Lines without colours and what agents put before an output. */
export function linesOf(output: string): string[] {
  const plain = output.includes('\x1b') ? output.replace(COLOUR, '') : output;
  const lines = plain.split(/\r\n|\n|\r/);
  for (let i = 0; i < lines.length; i++) {
    const first = lines[i]?.charCodeAt(0);
    // O, o, S, s, <: few lines begin so.
    if (first === 79 || first === 111 || first === 83 || first === 115 || first === 60) {
      lines[i] = (lines[i] ?? '').replace(LEAD, '');
    }
  }
  return lines;
}

/** All lines that have the form of a summary. `known` are names that may be branches: from the commands, the session. */
export function findSummaries(lines: readonly string[], known: ReadonlySet<string>): CommitSummary[] {
  const found: CommitSummary[] = [];
  for (const [line, text] of lines.entries()) {
    if (!text.startsWith('[')) continue;
    const match = SUMMARY.exec(text);
    if (match === null) continue;
    const head = headOf(match[1] ?? '');
    if (head === null) continue;
    const detailed = DETAIL.test(lines[line + 1] ?? '');
    const certainty = detailed || head.unmistakable || isKnown(head.branch, known) ? 'certain' : doubted(head.branch);
    found.push({ branch: head.branch, sha: match[2] ?? '', certainty, detailed });
  }
  return found;
}

/** The ids among `shown` by their beginnings: the longest that continues `sha`, else `sha` itself. */
export function lengthener(shown: readonly string[]): (sha: string) => string {
  const longest = new Map<string, string>();
  for (const id of shown) {
    const beginning = id.slice(0, MIN_SHA_DIGITS);
    if (id.length > (longest.get(beginning)?.length ?? 0)) longest.set(beginning, id);
  }
  return (sha) => {
    const id = longest.get(sha.slice(0, MIN_SHA_DIGITS));
    return id?.startsWith(sha) === true ? id : sha;
  };
}

/** The ids at the begin of lines, in their order, in the forms of `log`, `show`, `reflog` and `rev-parse`. */
export function findShown(lines: readonly string[]): string[] {
  const found: string[] = [];
  for (const line of lines) {
    const sha = SHOWN.exec(line)?.[1];
    if (sha !== undefined) found.push(sha);
  }
  return found;
}

/** Where a merge that made no commit moved the branch to. */
export function findFastForward(lines: readonly string[]): string | null {
  const at = lines.findIndex((line) => line.startsWith('Updating '));
  return at < 0 ? null : (/^Updating [0-9a-f]{4,64}\.\.([0-9a-f]{7,64})$/.exec(lines[at] ?? '')?.[1] ?? null);
}

function doubted(branch: string | null): 'likely' | 'unlikely' {
  return branch !== null && CITING.has(branch.toLowerCase()) ? 'unlikely' : 'likely';
}

function isKnown(branch: string | null, known: ReadonlySet<string>): boolean {
  return branch !== null && (known.has(branch) || USUAL_BRANCHES.has(branch));
}

/** Null: git prints no such thing before an id. */
function headOf(text: string): { branch: string | null; unmistakable: boolean } | null {
  // In the language of git; the word HEAD is the same in most.
  const detached = /(?:^| )HEAD(?: |$)/.test(text) && text.split(' ').length <= 4;
  if (detached) return { branch: null, unmistakable: /^detached HEAD/.test(text) };
  const root = ROOT.exec(text);
  const branch = root?.[1] ?? text;
  if (NO_BRANCH.test(branch.replace(MARKER, 'x'))) return null;
  return { branch, unmistakable: /root-commit/i.test(root?.[2] ?? '') };
}

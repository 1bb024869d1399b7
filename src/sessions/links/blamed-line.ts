import { basename, dirname, resolve } from 'node:path';
import { SynclineError, UsageError } from '../../platform/errors.ts';
import type { Git, GitOutcome } from './git.ts';

/** A line of a file, as a person names it. */
export interface FileLine {
  file: string;
  /** From 1. */
  line: number;
}

/** The commit that last changed a line. */
export interface BlamedLine {
  /** Whole. */
  sha: string;
  /** Path and line in that commit, below the repository's root, with `/`: the file may have been renamed since. */
  path: string;
  line: number;
  author_ms: number;
  /** Later than `author_ms` after an amend, a rebase or a squash. */
  committed_ms: number;
  subject: string;
  text: string;
}

const FILE_LINE = /^(.{1,4096}?)(?::|#L)([1-9]\d{0,8})(?::\d{1,9})?$/;

/** `FILE:LINE`, also `FILE:LINE:COLUMN` and `FILE#LLINE`. @throws UsageError `blame.target` */
export function parseFileLine(text: string): FileLine {
  const match = FILE_LINE.exec(text);
  if (match === null) {
    throw new UsageError('blame.target', `${JSON.stringify(text)} does not name a line.`, {
      hint: 'Say FILE:LINE, such as src/index.ts:12.',
    });
  }
  return { file: match[1] ?? '', line: Number(match[2]) };
}

/**
 * Asks git who last changed a line of a file in a work tree; `cwd` is where a relative path starts.
 * @throws UsageError `blame.repository`, `blame.file`, `blame.line`; SynclineError `blame.uncommitted`, `blame.failed`, and
 * what `Git` throws
 */
export async function blamedLine({ file, line }: FileLine, cwd: string, git: Git): Promise<BlamedLine> {
  const path = resolve(cwd, file);
  const range = `${line},${line}`;
  const outcome = await git(
    ['blame', '--porcelain', '--no-textconv', '-L', range, '--', basename(path)],
    dirname(path),
  );
  if (outcome.exit_code !== 0) throw refusalOf(outcome, { file, line });
  const blamed = parseBlame(outcome.stdout);
  if (blamed === null) {
    throw new SynclineError('blame.failed', 'git blame printed something that cannot be read.');
  }
  if (/^0+$/.test(blamed.sha)) throw uncommitted({ file, line });
  return blamed;
}

/** The one line of `git blame --porcelain -L n,n`; null: something else. */
export function parseBlame(output: string): BlamedLine | null {
  const [first = '', ...lines] = output.split('\n');
  const header = /^([0-9a-f]{40}|[0-9a-f]{64}) (\d{1,9}) \d{1,9}/.exec(first);
  if (header === null) return null;
  const fields = new Map<string, string>();
  let text: string | null = null;
  for (const line of lines) {
    if (line.startsWith('\t')) {
      text = line.slice(1);
      break;
    }
    const blank = line.indexOf(' ');
    if (blank > 0) fields.set(line.slice(0, blank), line.slice(blank + 1));
  }
  const path = fields.get('filename');
  if (text === null || path === undefined) return null;
  return {
    sha: header[1] ?? '',
    path: unquoted(path),
    line: Number(header[2]),
    author_ms: 1_000 * Number(fields.get('author-time') ?? 0),
    committed_ms: 1_000 * Number(fields.get('committer-time') ?? 0),
    subject: fields.get('summary') ?? '',
    text,
  };
}

/** Git quotes names with quotes, backslashes and control characters as C does. */
function unquoted(path: string): string {
  if (!path.startsWith('"') || !path.endsWith('"')) return path;
  return path.slice(1, -1).replace(/\\(?:([0-7]{3})|(.))/g, (_all, octal: string | undefined, letter: string) => {
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    return letter === 't' ? '\t' : letter === 'n' ? '\n' : letter;
  });
}

function refusalOf({ stderr, exit_code }: GitOutcome, { file, line }: FileLine): SynclineError {
  const name = JSON.stringify(file);
  const only = /has only (\d{1,12}) lines?/.exec(stderr)?.[1];
  if (only !== undefined) {
    return new UsageError(
      'blame.line',
      `${name} has ${only} ${only === '1' ? 'line' : 'lines'}, there is no line ${line}.`,
    );
  }
  if (stderr.includes('dubious ownership')) {
    return new UsageError('blame.repository', `git refuses the repository of ${name}: it belongs to another user.`, {
      hint: 'If you trust it: git config --global --add safe.directory FOLDER.',
    });
  }
  if (/not a git repository|must be run in a work tree/.test(stderr)) {
    return new UsageError('blame.repository', `${name} is not in a work tree of git.`);
  }
  // In a repository without commits there is no HEAD yet.
  if (/no such ref: HEAD|bad revision 'HEAD'|ambiguous argument 'HEAD'/.test(stderr))
    return uncommitted({ file, line });
  if (/no such path|[Cc]annot (?:lstat|stat|change to|open)|outside repository|No such file/.test(stderr)) {
    return new UsageError('blame.file', `git knows no file ${name}.`, {
      hint: 'The path counts from the current folder, and the file must be committed.',
    });
  }
  return new SynclineError('blame.failed', `git blame ended with exit code ${exit_code}.`, {
    cause: stderr.slice(0, 500),
  });
}

function uncommitted({ file, line }: FileLine): SynclineError {
  return new SynclineError('blame.uncommitted', `Line ${line} of ${JSON.stringify(file)} is not committed yet.`, {
    hint: 'Commit it, or search for its text: syncline sessions search.',
  });
}

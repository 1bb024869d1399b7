import { type ShellCommand, splitShell } from './shell-command.ts';

/** What a script does that concerns commits, pushes and requests, in its order. */
export type Step =
  /** A command of git that makes commits. */
  | (At & { kind: 'make'; verb: string; quiet: boolean })
  /** One that prints the newest commit first; `single`: and nothing else. */
  | (At & { kind: 'show'; single: boolean })
  | (At & { kind: 'push'; makes_request: boolean })
  /** A branch is checked out. */
  | (At & { kind: 'switch'; branch: string })
  /** One that makes a pull or merge request. */
  | (At & { kind: 'create_request'; repository: string | null; branch: string | null })
  /** One that shows or changes a request; `named` is what it calls it. */
  | (At & { kind: 'touch_request'; repository: string | null; named: string; mark: '#' | '!' });

interface At {
  /** It runs only when the last command that makes commits succeeded. */
  chained: boolean;
  /** The last folder that was changed to, or git's `-C`; null: where the script started. */
  folder: string | null;
}

export interface Script {
  steps: Step[];
  /** Words of its git commands: branch names are among them. */
  git_words: Set<string>;
  /** It repeats commands, so how many results to expect is unknown. */
  repeats: boolean;
  /** It only shows files and texts. */
  reads_only: boolean;
}

const SHELLS = new Set(['bash', 'sh', 'zsh', 'dash', 'ksh', 'fish', 'pwsh', 'powershell', 'cmd']);
const SCRIPT_FLAG = /^(?:-[a-z]*c|-command|\/c)$/i;
/** Programs that run another, with those of their flags that take a word of their own. */
const WRAPPERS: Record<string, RegExp> = {
  sudo: /^-[ugpCDRThr]$/,
  doas: /^-[uC]$/,
  env: /^-[uCS]$/,
  time: /^-[of]$/,
  nohup: /^$/,
  command: /^$/,
  builtin: /^$/,
  exec: /^-a$/,
  nice: /^-n$/,
  ionice: /^-[cnp]$/,
  stdbuf: /^$/,
  timeout: /^-[ks]$/,
  xargs: /^-[adEIiLnPs]$/,
  winpty: /^$/,
};
const RESERVED = new Set(['then', 'do', 'else', 'elif', 'if', 'while', 'until', '!', '{', '}']);
const REPEATING = new Set(['for', 'while', 'until', 'xargs', 'parallel']);
const READERS = new Set(
  'cat head tail less more grep rg ag sed awk jq echo printf find fd ls wc sort uniq cut bat nl tee true cd pwd test ['.split(
    ' ',
  ),
);
const READING_VERBS = new Set(['log', 'show', 'diff', 'status', 'reflog', 'blame', 'branch', 'grep', 'rev-parse']);
/** `bash -c "bash -c …"` and shells that read a here-document. */
const MAX_NESTED_SCRIPTS = 4;
const MAX_STEPS = 10_000;

/** What the reader of a script knows so far. */
type Reading = Script & At;

/** What a script does; `folder` is where it starts, if the tool was told one. */
export function stepsOf(script: string, folder: string | null): Script {
  const reading: Reading = {
    ...{ steps: [], git_words: new Set(), repeats: false, reads_only: true },
    ...{ chained: true, folder },
  };
  readScript(script, reading, 0);
  const { steps, git_words, repeats, reads_only } = reading;
  return { steps, git_words, repeats, reads_only };
}

function readScript(script: string, reading: Reading, depth: number): void {
  for (const command of splitShell(script)) {
    if (reading.steps.length >= MAX_STEPS) return;
    if (REPEATING.has(command.words[0] ?? '')) reading.repeats = true;
    const { words, wrapped } = unwrapped(command.words);
    reading.repeats ||= wrapped.some((wrapper) => REPEATING.has(wrapper));
    const inner = depth < MAX_NESTED_SCRIPTS ? scriptIn(words, command) : null;
    if (inner !== null) readScript(inner, reading, depth + 1);
    else readCommand(words, command, reading);
  }
}

function readCommand(words: readonly string[], command: ShellCommand, reading: Reading): void {
  const program = programOf(words[0]);
  const args = words.slice(1);
  if (command.after !== '&&' && command.after !== '|') reading.chained = false;
  const at: At = { chained: reading.chained, folder: reading.folder };
  const push = (step: Step | null): void => {
    if (step !== null) reading.steps.push(step);
    if (step?.kind === 'make') reading.chained = true;
  };
  if (program === 'git') {
    const git = gitCommand(args);
    for (const word of git.args) reading.git_words.add(word);
    if (!READING_VERBS.has(git.verb)) reading.reads_only = false;
    return push(gitStep(git, { ...at, folder: git.folder ?? at.folder }, command.diverted));
  }
  if (program === 'cd' || program === 'pushd') reading.folder = args.find((word) => !word.startsWith('-')) ?? '~';
  if (program !== '' && !READERS.has(program)) reading.reads_only = false;
  push(requestStep(program, args, at));
}

/** The words behind reserved words, assignments and programs that run others. */
function unwrapped(words: readonly string[]): { words: readonly string[]; wrapped: string[] } {
  const wrapped: string[] = [];
  let at = 0;
  for (; at < words.length; at++) {
    const word = words[at] ?? '';
    if (RESERVED.has(word) || (at > 0 && /^[A-Za-z_]\w{0,100}=/.test(word))) {
      if (REPEATING.has(word)) wrapped.push(word);
      continue;
    }
    const name = programOf(word);
    const takesWord = Object.hasOwn(WRAPPERS, name) ? WRAPPERS[name] : undefined;
    if (takesWord === undefined) break;
    wrapped.push(name);
    while ((words[at + 1] ?? '').startsWith('-')) at += takesWord.test(words[at + 1] ?? '') ? 2 : 1;
    // The time limit.
    if (name === 'timeout') at++;
  }
  return { words: words.slice(at), wrapped };
}

/** `/usr/bin/git` and `git.exe` are `git`. */
function programOf(word: string | undefined): string {
  const name = (word ?? '').slice(-200).replace(/^.*[/\\]/s, '');
  return name.replace(/\.exe$/i, '');
}

/** The script that a shell was given, as an argument or on its input. */
function scriptIn(words: readonly string[], command: ShellCommand): string | null {
  const program = programOf(words[0]).toLowerCase();
  if (program === 'eval') return words.slice(1).join(' ');
  if (!SHELLS.has(program)) return null;
  const flag = words.findIndex((word, i) => i > 0 && SCRIPT_FLAG.test(word));
  if (flag > 0) return program === 'cmd' ? words.slice(flag + 1).join(' ') : (words[flag + 1] ?? null);
  return command.input;
}

interface GitCommand {
  verb: string;
  args: readonly string[];
  folder: string | null;
}

const GIT_FLAG_WITH_WORD = /^(?:-[Cc]|--(?:git-dir|work-tree|namespace|super-prefix|config-env|attr-source))$/;

function gitCommand(words: readonly string[]): GitCommand {
  let folder: string | null = null;
  let at = 0;
  while ((words[at] ?? '').startsWith('-')) {
    const flag = words[at] ?? '';
    if (flag === '-C') folder = words[at + 1] ?? null;
    at += GIT_FLAG_WITH_WORD.test(flag) ? 2 : 1;
  }
  return { verb: words[at] ?? '', args: words.slice(at + 1), folder };
}

const MAKERS = new Set(['commit', 'merge', 'cherry-pick', 'revert', 'rebase', 'am', 'commit-tree']);
const NOT_MADE = /^(?:-h$|--(?:dry-run|abort|quit|skip|show-current-patch|help|edit-todo)$)/;

function gitStep({ verb, args }: GitCommand, at: At, diverted: boolean): Step | null {
  const has = (...flags: string[]): boolean => args.some((word) => flags.includes(word));
  if (MAKERS.has(verb)) {
    const uncommitted = has('--no-commit', '--squash') || ((verb === 'revert' || verb === 'cherry-pick') && has('-n'));
    if (uncommitted || args.some((word) => NOT_MADE.test(word))) return null;
    const quiet = diverted || has('--quiet') || args.some((word) => /^-[a-z]*q/.test(word));
    return { kind: 'make', verb, quiet, ...at };
  }
  switch (verb) {
    case 'push':
      return has('--dry-run', '-n') ? null : { kind: 'push', makes_request: makesRequest(args), ...at };
    case 'checkout':
    case 'switch': {
      const branch = branchOf(args);
      return branch === null ? null : { kind: 'switch', branch, ...at };
    }
    case 'log':
    case 'show':
    case 'reflog':
      return diverted || !showsHead(args) ? null : { kind: 'show', single: verb === 'show' || isSingle(args), ...at };
    case 'rev-parse':
      return diverted || !has('HEAD') || has('--abbrev-ref') ? null : { kind: 'show', single: true, ...at };
    default:
      return null;
  }
}

function makesRequest(args: readonly string[]): boolean {
  return args.some((word) => word.includes('merge_request.create'));
}

function branchOf(args: readonly string[]): string | null {
  if (args.includes('--')) return null;
  const made = args.findIndex((word) => /^-[bBcC]$|^--(?:create|orphan)$/.test(word));
  if (made >= 0) return args[made + 1] ?? null;
  const plain = args.filter((word) => !word.startsWith('-'));
  return plain.length === 1 ? (plain[0] ?? null) : null;
}

/** No other place is named than the newest commit. */
function showsHead(args: readonly string[]): boolean {
  const end = args.indexOf('--');
  const named = (end < 0 ? args : args.slice(0, end)).filter(
    (word, i) => !word.startsWith('-') && !/^-n$/.test(args[i - 1] ?? ''),
  );
  const reversed = args.some((word) => /^--(?:reverse|all|branches|skip|grep|author)/.test(word));
  return !reversed && named.every((word) => word === 'HEAD' || word === '@');
}

function isSingle(args: readonly string[]): boolean {
  return args.some((word, i) => /^(?:-1|-n1|--max-count=1)$/.test(word) || (word === '-n' && args[i + 1] === '1'));
}

const REQUEST_NOUNS: Record<string, RegExp> = {
  gh: /^pr$/,
  glab: /^mr$/,
  tea: /^(?:pr|pulls?)$/,
  bb: /^pr$/,
  az: /^repos$/,
  gt: /^(?:submit|s|ss)$/,
  hub: /^pull-request$/,
};
const TOUCHING =
  /^(?:merge|edit|update|view|show|close|reopen|ready|review|comment|note|checkout|checks|diff|approve|rebase|status)$/;

/** `gh pr create`, `glab mr merge 12`, `hub pull-request`, … */
function requestStep(program: string, args: readonly string[], at: At): Step | null {
  const noun = Object.hasOwn(REQUEST_NOUNS, program) ? REQUEST_NOUNS[program] : undefined;
  const nounAt = args.findIndex((word) => !word.startsWith('-'));
  if (noun === undefined || nounAt < 0 || noun.test(args[nounAt] ?? '') === false) return apiStep(program, args, at);
  const repository = repositoryFlag(program, args);
  const branch = valueOf(args, ['--head', '-H', '--source-branch', '-s']);
  if (program === 'hub' || program === 'gt') return { kind: 'create_request', repository, branch, ...at };
  const rest = args.slice(nounAt + (program === 'az' ? 2 : 1));
  const verb = rest.find((word) => !word.startsWith('-')) ?? '';
  if (verb === 'create' || verb === 'new') return { kind: 'create_request', repository, branch, ...at };
  if (!TOUCHING.test(verb)) return null;
  const named = rest.slice(rest.indexOf(verb) + 1).find((word) => /^[#!]?\d{1,10}$|^https?:/.test(word)) ?? '';
  return { kind: 'touch_request', repository, named, mark: program === 'glab' ? '!' : '#', ...at };
}

/** `gh api repos/o/r/pulls -f title=…` makes one: fields make the call a POST. */
function apiStep(program: string, args: readonly string[], at: At): Step | null {
  if ((program !== 'gh' && program !== 'glab') || args[0] !== 'api') return null;
  const collection = args.some((word) => /(?:\/pulls|\/merge_requests)\/?$/.test(word.slice(-300)));
  const posts = args.some((word) => /^(?:-f|-F|--field|--raw-field|--input|POST)(?:=|$)/.test(word));
  return collection && posts ? { kind: 'create_request', repository: null, branch: null, ...at } : null;
}

/** `-R owner/repository`, with or without its host; null: none, or none that can be read. */
function repositoryFlag(program: string, args: readonly string[]): string | null {
  const value = valueOf(args, ['-R', '--repo']);
  const path = (value ?? '')
    .slice(0, 500)
    .replace(/^https?:\/\//, '')
    .replace(/\.git$/, '');
  const segments = path.split('/');
  if (segments.length < 2 || segments.includes('')) return null;
  if (/[.:]/.test(segments[0] ?? '') && segments.length > 2) return path;
  return `${program === 'glab' ? 'gitlab.com' : 'github.com'}/${path}`;
}

function valueOf(args: readonly string[], flags: readonly string[]): string | null {
  for (const [i, word] of args.entries()) {
    if (flags.includes(word)) return args[i + 1] ?? null;
    const flag = flags.find((name) => name.startsWith('--') && word.startsWith(`${name}=`));
    if (flag !== undefined) return word.slice(flag.length + 1);
  }
  return null;
}

import type { ConversationMessage, ConversationToolCall } from '../../agents/conversation.ts';
import type { GitLink } from '../store/session-store.ts';
import { linesOf } from './commit-output.ts';
import { commitsOf, type FoundCommit } from './commits.ts';
import type { LinkContext } from './context.ts';
import { FoundLinks } from './found-links.ts';
import { findPushed, type PushedBranch } from './push-output.ts';
import {
  commitOfTool,
  isRequestTool,
  repositoryOfTool,
  requestsOf,
  requestsOfTool,
  type FoundRequest,
} from './requests.ts';
import { shellCallOf } from './shell-call.ts';
import { stepsOf, type Script } from './steps.ts';

export type { LinkContext } from './context.ts';

/** Without one of these, a script and its output hold nothing of interest. */
const RELEVANT_SCRIPT = /\b(?:git|gh|glab|hub|tea|bb|az|gt)\b/;
const RELEVANT_OUTPUT = /^\W{0,3}(?:\w{1,12}: )?\[.{1,300} [0-9a-f]{7,64}\]|\/pull|merge_request|^To /m;

/**
 * The commits, pushes, pull and merge requests that a message's tool calls made or show, each once, in the order of the
 * calls. Works on masked and on raw messages, on any text; never throws, and takes time linear in the message.
 */
export function linksOf(message: ConversationMessage, context: LinkContext): GitLink[] {
  if (message.tool_calls.length === 0) return [];
  const found = new FoundLinks();
  const place = { key: context.key, ordinal: message.ordinal };
  for (const call of message.tool_calls) {
    for (const link of linksOfCall(call, context)) found.add({ ...place, ...link });
  }
  return found.all();
}

type FoundLink = Omit<GitLink, 'key' | 'ordinal'>;

function linksOfCall(call: ConversationToolCall, context: LinkContext): FoundLink[] {
  if (call.category === 'Bash') return linksOfShell(call, context);
  if (!isRequestTool(call.tool_name)) return [];
  const sha = commitOfTool(call);
  const repository = repositoryOfTool(call, context);
  const commit: FoundCommit[] = sha === null ? [] : [{ sha, branch: null, repository, confidence: 'high' }];
  return [...commit.map(commitLink), ...requestsOfTool(call, context).map(requestLink)];
}

function linksOfShell(call: ConversationToolCall, context: LinkContext): FoundLink[] {
  const { script: text, folder, output } = shellCallOf(call);
  if (!RELEVANT_SCRIPT.test(text) && !RELEVANT_OUTPUT.test(output)) return [];
  const script = stepsOf(text, folder);
  const lines = linesOf(output);
  const commits = commitsOf(script, text !== '', output, lines, context);
  const pushed = isRehearsal(script) ? [] : findPushed(lines);
  return [
    ...commits.map((commit) => commitLink({ ...commit, repository: targetOf(commit, pushed) ?? commit.repository })),
    ...pushed.map((branch) => pushLink(branch, commits, script, text !== '')),
    ...requestsOf(script, output, call.is_error, context).map(requestLink),
  ];
}

/** `git push --dry-run` prints what it would do. */
function isRehearsal({ steps, git_words }: Script): boolean {
  return (git_words.has('--dry-run') || git_words.has('-n')) && !steps.some(({ kind }) => kind === 'push');
}

/** Where the same call pushed a commit to says more of its repository than where the session works. */
function targetOf({ sha, branch }: FoundCommit, pushed: readonly PushedBranch[]): string | null {
  const target = pushed.find(
    (push) =>
      (push.sha !== null && (push.sha.startsWith(sha) || sha.startsWith(push.sha))) ||
      (push.sha === null && (push.source === branch || push.source === 'HEAD')),
  );
  return target?.repository ?? null;
}

function commitLink({ sha, branch, repository, confidence }: FoundCommit): FoundLink {
  return { kind: 'commit', sha, url: null, repository, branch, confidence };
}

/** For a new branch git prints no id: it stands at what the same call committed last on it. */
function pushLink(push: PushedBranch, commits: readonly FoundCommit[], script: Script, ran: boolean): FoundLink {
  const tip = commits.findLast(
    ({ branch }) => branch === push.source || branch === push.branch || push.source === 'HEAD',
  );
  const made = script.steps.some(({ kind }) => kind === 'push' || kind === 'create_request');
  return {
    kind: 'push',
    sha: push.sha ?? tip?.sha ?? null,
    url: null,
    repository: push.repository,
    branch: push.branch,
    confidence: made ? 'high' : ran && script.reads_only ? 'low' : 'medium',
  };
}

function requestLink({ url, repository, branch, confidence }: FoundRequest): FoundLink {
  return { kind: 'pull_request', sha: null, url, repository, branch, confidence };
}

import type { ConversationToolCall } from '../../agents/conversation.ts';
import { type LinkContext, repositoryAt } from './context.ts';
import type { Confidence } from './found-links.ts';
import { findPullRequests, parsePullRequest, type FoundPullRequest, type PullRequest } from './pull-request.ts';
import { isRecord, parseJson } from './shell-call.ts';
import { parseSha } from './sha.ts';
import type { Script, Step } from './steps.ts';

/** A pull or merge request that a call made or shows. */
export interface FoundRequest extends PullRequest {
  branch: string | null;
  confidence: Confidence;
}

/** `a pull request for branch "x" into branch "main" already exists:` and the address follows. */
const EXISTS = /already exists/i;

/** The requests of one shell call. */
export function requestsOf(script: Script, output: string, failed: boolean, context: LinkContext): FoundRequest[] {
  const found = findPullRequests(output);
  const made = madeOf(script, output, found);
  const near = script.steps.some(
    ({ kind }) => kind === 'create_request' || kind === 'touch_request' || kind === 'push',
  );
  const branch = script.steps.find((step) => step.kind === 'create_request')?.branch ?? null;
  return [
    ...found.map((request): FoundRequest => {
      const isMade = made.has(request.url);
      return { ...request, branch: isMade ? branch : null, confidence: isMade ? 'high' : near ? 'medium' : 'low' };
    }),
    ...script.steps.flatMap((step) => touched(step, failed, context)),
  ];
}

/**
 * The addresses that the commands made. They print each on a line of its own; where none stands so, as in an answer of an
 * API, the first counts. After a listing the last ones are the new ones.
 */
function madeOf({ steps, repeats }: Script, output: string, found: readonly FoundPullRequest[]): Set<string> {
  const makes = (step: Step): boolean => step.kind === 'create_request' || (step.kind === 'push' && step.makes_request);
  const count = steps.filter(makes).length;
  if (count === 0 || EXISTS.test(output)) return new Set();
  const alone = found.filter((request) => request.alone);
  const urls = [...new Set((alone.length > 0 ? alone : found).map(({ url }) => url))];
  if (repeats) return new Set(urls);
  const listedFirst = steps.findIndex(makes) > steps.findIndex(({ kind }) => kind === 'touch_request');
  const listed = listedFirst && steps.some(({ kind }) => kind === 'touch_request');
  return new Set(listed ? urls.slice(-count) : urls.slice(0, count));
}

/** `gh pr merge 12`: the number and the repository make the address. */
function touched(step: Step, failed: boolean, context: LinkContext): FoundRequest[] {
  if (step.kind !== 'touch_request' || step.named === '') return [];
  const named = /^\d/.test(step.named) ? `${step.mark}${step.named}` : step.named;
  const request = parsePullRequest(named, step.repository ?? repositoryAt(step.folder, context));
  return request === null ? [] : [{ ...request, branch: null, confidence: failed ? 'low' : 'medium' }];
}

const MAKING = /(?:create(?:pull|merge)request|(?:pull|merge)requests?create)(?!review|comment|note|thread|discussion)/;
const LISTING = /list|search/;
const COMMITTING = /createorupdatefile|pushfiles|createcommit|mergepullrequest|mergemergerequest/;
/** Where answers of the hosts hold the address, the surest first. */
const ADDRESS_FIELDS = ['html_url', 'web_url', 'webUrl', 'permalink', 'href', 'url'];
const MAX_NODES = 2_000;

/** Whether a tool, by its name, works on pull or merge requests (`mcp__github__create_pull_request`, …). */
export function isRequestTool(tool_name: string): boolean {
  return /(?:pull|merge)[-_. ]?request|createorupdatefile|create_or_update_file|push_?files|create_?commit/i.test(
    tool_name.slice(0, 200),
  );
}

/** The requests of a call of such a tool, from its answer; for those that only touch one, from its input, too. */
export function requestsOfTool(call: ConversationToolCall, context: LinkContext): FoundRequest[] {
  const name = compact(call.tool_name);
  const branch = inputText(call, ['head', 'source_branch', 'sourceBranch', 'sourceRefName']);
  const request = requestIn(parseJson(call.result ?? ''));
  if (MAKING.test(name)) {
    const made = request ?? findPullRequests(call.result ?? '')[0] ?? null;
    return made === null ? [] : [{ ...made, branch, confidence: call.is_error ? 'low' : 'high' }];
  }
  if (!/(?:pull|merge)request/.test(name)) return [];
  if (LISTING.test(name)) {
    return findPullRequests(call.result ?? '').map((found) => ({ ...found, branch: null, confidence: 'low' }));
  }
  const touchedOne = request ?? requestInInput(call, context);
  return touchedOne === null ? [] : [{ ...touchedOne, branch: null, confidence: call.is_error ? 'low' : 'medium' }];
}

/** The id of the commit that a tool made at the host itself. */
export function commitOfTool(call: ConversationToolCall): string | null {
  if (call.is_error || !COMMITTING.test(compact(call.tool_name))) return null;
  const answer = unwrapped(parseJson(call.result ?? ''));
  if (!isRecord(answer)) return null;
  for (const holder of [answer.commit, answer.object, answer]) {
    const sha = isRecord(holder) && typeof holder.sha === 'string' ? parseSha(holder.sha) : null;
    if (sha !== null) return sha;
  }
  return null;
}

/** The repository that a tool was told to work in. */
export function repositoryOfTool(call: ConversationToolCall, context: LinkContext): string | null {
  const [owner, name] = [inputText(call, ['owner', 'workspace']), inputText(call, ['repo', 'repository', 'repo_slug'])];
  const project = inputText(call, ['project_id', 'projectId', 'project_path']);
  const gitlab = owner === null && project !== null;
  const path = gitlab ? project.replaceAll('%2F', '/') : `${owner ?? ''}/${name ?? ''}`;
  if (!/^[^/\s]{1,255}(?:\/[^/\s]{1,255}){1,20}$/.test(path)) return null;
  const own = context.repository;
  if (own !== null && own.slice(own.indexOf('/') + 1).toLowerCase() === path.toLowerCase()) return own;
  return `${gitlab ? 'gitlab.com' : 'github.com'}/${path}`;
}

function compact(tool_name: string): string {
  return tool_name
    .slice(-200)
    .toLowerCase()
    .replace(/[^a-z]/g, '');
}

function requestInInput(call: ConversationToolCall, context: LinkContext): PullRequest | null {
  const number = inputText(call, ['pullNumber', 'pull_number', 'merge_request_iid', 'mergeRequestIid', 'number']);
  const repository = repositoryOfTool(call, context);
  const gitlab = /merge_?request/i.test(call.tool_name);
  return number === null || repository === null ? null : parsePullRequest(`${gitlab ? '!' : '#'}${number}`, repository);
}

function inputText(call: ConversationToolCall, names: readonly string[]): string | null {
  const input = parseJson(call.input_json ?? '');
  if (!isRecord(input)) return null;
  const value = names.map((name) => input[name]).find((candidate) => candidate !== undefined);
  return typeof value === 'string' || typeof value === 'number' ? String(value) : null;
}

/** The request an answer is about: the address nearest to its root. */
function requestIn(answer: unknown): PullRequest | null {
  let level: unknown[] = [unwrapped(answer)];
  for (let nodes = 0; level.length > 0 && nodes < MAX_NODES; nodes += level.length) {
    for (const value of level) {
      const request = isRecord(value) ? addressIn(value) : null;
      if (request !== null) return request;
    }
    level = level
      .flatMap((value) => (typeof value === 'object' && value !== null ? (Object.values(value) as unknown[]) : []))
      .filter((value) => typeof value === 'object' && value !== null)
      .slice(0, MAX_NODES);
  }
  return null;
}

function addressIn(answer: Record<string, unknown>): PullRequest | null {
  for (const field of ADDRESS_FIELDS) {
    const value = answer[field];
    const request = typeof value === 'string' && /^https?:/.test(value) ? parsePullRequest(value) : null;
    if (request !== null) return request;
  }
  return null;
}

/** Answers come as content blocks, whose text is the JSON: `[{"type":"text","text":"{…}"}]`. */
function unwrapped(answer: unknown): unknown {
  const content = isRecord(answer) && Array.isArray(answer.content) ? (answer.content as unknown[]) : answer;
  const first: unknown = Array.isArray(content) ? content[0] : undefined;
  return isRecord(first) && typeof first.text === 'string' ? parseJson(first.text) : answer;
}

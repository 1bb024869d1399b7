import { win32 } from 'node:path';
import type { ConversationHead } from '../conversation.ts';
import { cutText } from '../cut-text.ts';
import type { TranscriptFile } from '../source.ts';
import { wholeSaid, type ConversationLines } from './conversation-lines.ts';
import type { PlannedMessage } from './conversation-plan.ts';
import { isTyped, type SaidResponse } from './said-line.ts';
import { subagentNativeId } from './subagent-links.ts';
import { sidecarOf } from './subagent-sidecars.ts';
import { contextOf, greaterUsage } from './usage.ts';

/** Of the first prompt and of a title as much as a list shows; the message has it whole. */
const MAX_PREVIEW_BYTES = 4096;

/** The native id of the session that a file belongs to: the session's own, or `agent-<id>` of a subagent. */
export function nativeIdOf(file: TranscriptFile): string {
  return file.subagent_id === null ? file.session_id : subagentNativeId(file.subagent_id);
}

/** What is known of a session beside its messages. `forked_from`: the original, where its lines are copies of another's. */
export async function conversationHead(
  file: TranscriptFile,
  lines: ConversationLines,
  messages: readonly PlannedMessage[],
  forked_from: string | null,
): Promise<ConversationHead> {
  const { facts } = lines;
  const totals = usageTotals(messages);
  return {
    native_id: nativeIdOf(file),
    agent_session_id: file.session_id,
    agent: 'claude',
    agent_version: facts.agent_version,
    machine: null,
    // Both kinds of separators: a transcript may have come from another system.
    project_label: facts.cwd === null ? 'unknown' : win32.basename(facts.cwd) || 'unknown',
    cwd: facts.cwd,
    git_branch: facts.git_branch,
    repository: null,
    title: await titleOf(file, lines),
    first_message: await firstMessage(messages),
    started_at_ms: facts.started_at_ms,
    ended_at_ms: facts.ended_at_ms,
    ...originOf(file, facts.continued_session_id, forked_from),
    termination_status: lines.ends_within_line ? 'truncated' : terminationOf(messages),
    is_automated: facts.prompts.person === 0 && facts.prompts.program === 1,
    is_truncated: lines.ends_within_line,
    total_output_tokens: totals.output_tokens,
    peak_context_tokens: totals.peak_context_tokens,
    starred_at_ms: null,
    pins: [],
    presence: { kind: 'present' },
  };
}

/** What was asked first: a prompt, else a command, since `/clear` at the beginning says nothing of what follows. */
async function firstMessage(messages: readonly PlannedMessage[]): Promise<string | null> {
  const own = messages.filter((message) => !isBeside(message));
  const first = own.find((message) => whatOf(message) === 'prompt') ?? own.find((one) => whatOf(one) === 'command');
  const line = first?.lines[0];
  const said = line === undefined ? null : await wholeSaid(line);
  return said?.is === 'message' ? cutText(said.content, MAX_PREVIEW_BYTES).text : null;
}

function usageTotals(messages: readonly PlannedMessage[]): {
  output_tokens: number | null;
  peak_context_tokens: number | null;
} {
  const totals: ReturnType<typeof usageTotals> = { output_tokens: null, peak_context_tokens: null };
  for (const message of messages) {
    const usage = responsesOf(message)
      .map((said) => said.usage)
      .reduce(greaterUsage, null);
    if (usage === null) continue;
    totals.output_tokens = (totals.output_tokens ?? 0) + usage.output;
    if (!isBeside(message)) totals.peak_context_tokens = Math.max(totals.peak_context_tokens ?? 0, contextOf(usage));
  }
  return totals;
}

async function titleOf(file: TranscriptFile, { facts }: ConversationLines): Promise<string | null> {
  if (facts.title !== null) return cutText(facts.title, MAX_PREVIEW_BYTES).text;
  if (file.subagent_id === null) return null;
  const sidecar = await sidecarOf(file);
  return sidecar?.description ?? sidecar?.agent_type ?? null;
}

type Origin = Pick<ConversationHead, 'parent_native_id' | 'relationship'>;

function originOf(file: TranscriptFile, continued: string | null, forked_from: string | null): Origin {
  if (file.subagent_id !== null && file.session_id !== nativeIdOf(file))
    return { parent_native_id: file.session_id, relationship: 'subagent' };
  if (file.subagent_id !== null) return { parent_native_id: null, relationship: 'subagent' };
  if (continued !== null) return { parent_native_id: continued, relationship: 'continuation' };
  if (forked_from !== null) return { parent_native_id: forked_from, relationship: 'fork' };
  return { parent_native_id: null, relationship: '' };
}

/** How the conversation stands (§2.10), judged by the last that was not the program's own. */
function terminationOf(messages: readonly PlannedMessage[]): string {
  const last = messages.findLast((message) => !isBeside(message) && whatOf(message) !== 'notice');
  const pieces = last === undefined ? [] : responsesOf(last);
  if (last === undefined || pieces.length === 0) return 'clean';
  if (pieces.some(({ call_ids }) => call_ids.some((id) => !last.results.has(id)))) return 'tool_call_pending';
  const stop_reason = pieces.findLast((piece) => piece.stop_reason !== null)?.stop_reason;
  return stop_reason === 'end_turn' ? 'awaiting_user' : 'clean';
}

/** A side question, or a subagent that has no file of its own: not the session's own talk. */
function isBeside(message: PlannedMessage): boolean {
  return message.lines[0]?.tree.sidechain === true;
}

function whatOf(message: PlannedMessage): string | null {
  const said = message.lines[0]?.said;
  if (said?.is !== 'message') return null;
  return isTyped(said) || said.what === 'notice' ? said.what : null;
}

function responsesOf(message: PlannedMessage): SaidResponse[] {
  return message.lines.map(({ said }) => said).filter((said) => said.is === 'response');
}

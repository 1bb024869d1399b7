import { SEGMENT_ORDINALS, type ConversationHead, type ConversationSegment } from '../conversation.ts';
import { invariant } from '../../platform/errors.ts';
import type { TranscriptFile } from '../source.ts';
import { MessageTotals, conversationHead } from './conversation-head.ts';
import { ConversationLines, type OpenTranscript } from './conversation-lines.ts';
import { conversationMessage } from './conversation-message.ts';
import { planConversation, type PlannedMessage } from './conversation-plan.ts';
import { SubagentLinks } from './subagent-links.ts';
import { withTranscript } from './transcript-file.ts';

/** One session as its transcripts tell it at one moment. */
export interface ClaudeConversation {
  head: ConversationHead;
  messages: number;
  /** Bytes cut by limits. */
  cut_bytes: number;
  /** Lines passed over: `malformed`, `oversize`, unknown types as `type:<name>`. */
  skipped: Record<string, number>;
}

export interface ConversationOptions {
  /** Native id of the session that this one was forked from, where that is known (§2.8). */
  forked_from: string | null;
  signal: AbortSignal;
  /** Characters of text held; for tests. */
  max_held_chars?: number;
}

/**
 * Reads the conversation of one session from its `files` (one, mostly; oldest first): what is said on the active branch,
 * each result at its call however late it came, in segments of ascending ordinals without gaps. Ordinals of a file that
 * grows stay; a rewind gives the places after it to what was said instead.
 *
 * Memory holds the session's structure and up to 64 MiB of its texts. `visit` must not wait for anything; what it got
 * counts only when this returns. Null when nothing was said (`visit` was not called then).
 *
 * @throws SynclineError `agents.transcript_gone`, `agents.transcript_unreadable`; StaleError
 * `agents.transcript_rewritten`, also after `visit` saw segments: read again
 */
export async function readConversation(
  files: readonly TranscriptFile[],
  options: ConversationOptions,
  visit: (segment: ConversationSegment) => void,
): Promise<ClaudeConversation | null> {
  const visitor = new Visitor(visit);
  try {
    return await withOpen(files, (transcripts) => readOpened(transcripts, options, visitor));
  } catch (error) {
    throw visitor.failed ? visitor.failed.error : error;
  }
}

async function readOpened(
  transcripts: readonly OpenTranscript[],
  options: ConversationOptions,
  visitor: Visitor,
): Promise<ClaudeConversation | null> {
  const [first] = transcripts;
  invariant(first !== undefined, 'a session has a file');
  const lines = new ConversationLines(first.file, options.max_held_chars);
  for (const transcript of transcripts) await lines.read(transcript, options.signal);
  if (!lines.facts.talked) return null;
  const plan = planConversation(lines.lines);
  const totals = new MessageTotals();
  const links = new SubagentLinks(first.file, lines);
  const cut_bytes = await tell(plan, links, totals, options.signal, visitor);
  const head = await conversationHead(first.file, lines, plan, totals, options.forked_from);
  return { head, messages: plan.length, cut_bytes, skipped: lines.skipped };
}

/** Keeps what `visit` threw apart from failures of the files, which get names of their own. */
class Visitor {
  readonly #visit: (segment: ConversationSegment) => void;
  failed: { error: unknown } | null = null;

  constructor(visit: (segment: ConversationSegment) => void) {
    this.#visit = visit;
  }

  take(segment: ConversationSegment): void {
    try {
      this.#visit(segment);
    } catch (error) {
      this.failed = { error };
      throw error;
    }
  }
}

/** Opens `files` in their order, all at once: what is not held is read again. */
async function withOpen<T>(
  files: readonly TranscriptFile[],
  use: (transcripts: OpenTranscript[]) => Promise<T>,
  opened: OpenTranscript[] = [],
): Promise<T> {
  const [file, ...others] = files;
  if (file === undefined) return use(opened);
  return withTranscript(file.path, (handle, stat) =>
    withOpen(others, use, [...opened, { file, handle, size: Number(stat.size) }]),
  );
}

async function tell(
  plan: readonly PlannedMessage[],
  links: SubagentLinks,
  totals: MessageTotals,
  signal: AbortSignal,
  visitor: Visitor,
): Promise<number> {
  let cut_bytes = 0;
  for (let from = 0; from < plan.length; from += SEGMENT_ORDINALS) {
    signal.throwIfAborted();
    const segment: ConversationSegment = { index: from / SEGMENT_ORDINALS, messages: [] };
    for (const [place, planned] of plan.slice(from, from + SEGMENT_ORDINALS).entries()) {
      const message = await conversationMessage(planned, from + place, links);
      totals.note(planned, message);
      cut_bytes += message.cut_bytes;
      segment.messages.push(message);
    }
    visitor.take(segment);
  }
  return cut_bytes;
}

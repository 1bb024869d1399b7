import { stat } from 'node:fs/promises';
import { invariant } from '../../platform/errors.ts';
import { SEGMENT_ORDINALS, type ConversationHead, type ConversationSegment } from '../conversation.ts';
import type { TranscriptFile } from '../source.ts';
import { conversationHead } from './conversation-head.ts';
import { ConversationLines, type OpenTranscript } from './conversation-lines.ts';
import { conversationMessage } from './conversation-message.ts';
import { planConversation, type PlannedMessage } from './conversation-plan.ts';
import { fileStamp } from './file-mark.ts';
import { SubagentLinks } from './subagent-links.ts';
import { openTranscript } from './transcript-file.ts';

export interface ConversationOptions {
  /** Native id of the session that this one was forked from, where that is known (§2.8). */
  forked_from: string | null;
  signal: AbortSignal;
  /** Lets others run; called every thousand messages. */
  pause?: () => Promise<void>;
  /** Characters of text held; for tests. */
  max_held_chars?: number;
}

/** Told between two pauses: 1,024 messages. */
const SEGMENTS_AT_ONCE = 16;

/**
 * Reads one session from its `files` (one, mostly; oldest first), to be told. Memory holds the session's structure and up
 * to 64 MiB of its texts; the files stay open until it is closed. Null when nothing was said.
 *
 * @throws SynclineError `agents.transcript_gone`, `agents.transcript_unreadable`; what `signal` was aborted with
 */
export async function openConversation(
  files: readonly TranscriptFile[],
  options: ConversationOptions,
): Promise<ClaudeConversation | null> {
  const transcripts: OpenTranscript[] = [];
  try {
    for (const file of files) {
      const opened = await openTranscript(file.path);
      transcripts.push({
        file,
        handle: opened.handle,
        size: Number(opened.stat.size),
        stamp: fileStamp(opened.stat),
      });
    }
    const conversation = await conversationIn(transcripts, options);
    if (conversation === null) await closeAll(transcripts);
    return conversation;
  } catch (error) {
    await closeAll(transcripts);
    throw error;
  }
}

async function conversationIn(
  transcripts: readonly OpenTranscript[],
  options: ConversationOptions,
): Promise<ClaudeConversation | null> {
  const [first] = transcripts;
  invariant(first !== undefined, 'a session has a file');
  const lines = new ConversationLines(first.file, options.max_held_chars);
  for (const transcript of transcripts) await lines.read(transcript, options.signal);
  if (!lines.facts.talked) return null;
  const plan = planConversation(lines.lines);
  const head = await conversationHead(first.file, lines, plan, options.forked_from);
  return new ClaudeConversation({ transcripts, lines, plan, head, links: new SubagentLinks(first.file, lines) });
}

interface ConversationParts {
  transcripts: readonly OpenTranscript[];
  lines: ConversationLines;
  plan: readonly PlannedMessage[];
  head: ConversationHead;
  links: SubagentLinks;
}

/**
 * One session as its transcripts told it when they were read: what is said on the active branch, each result at its call
 * however late it came. Ordinals have no gaps; those of a file that grows stay, and a rewind gives the places after it to
 * what was said instead.
 */
export class ClaudeConversation {
  readonly head: ConversationHead;
  readonly messages: number;
  /** Lines passed over: `malformed`, `oversize`, unknown types as `type:<name>`. */
  readonly skipped: Readonly<Record<string, number>>;
  /** Of its files, in their order. */
  readonly paths: readonly string[];
  readonly #parts: ConversationParts;

  constructor(parts: ConversationParts) {
    this.head = parts.head;
    this.messages = parts.plan.length;
    this.skipped = parts.lines.skipped;
    this.paths = parts.transcripts.map(({ file }) => file.path);
    this.#parts = parts;
  }

  /** Whether the files look as they did when they were read. */
  async isCurrent(): Promise<boolean> {
    for (const { file, stamp } of this.#parts.transcripts) {
      const now = await stat(file.path, { bigint: true }).catch(() => null);
      if (now === null || fileStamp(now) !== stamp) return false;
    }
    return true;
  }

  /**
   * Tells the segments from `from_index` on until `visit` says false; what it got counts only when this returns. Returns
   * the bytes cut by limits from what was told.
   * @throws StaleError `agents.transcript_rewritten`, also after `visit` saw segments: read again; what `visit` throws,
   * what `signal` was aborted with
   */
  async tell(
    visit: (segment: ConversationSegment) => boolean,
    options: Pick<ConversationOptions, 'signal' | 'pause'>,
    from_index = 0,
  ): Promise<number> {
    let cut_bytes = 0;
    for (let index = from_index; index * SEGMENT_ORDINALS < this.messages; index++) {
      if (index > from_index && index % SEGMENTS_AT_ONCE === 0) await options.pause?.();
      options.signal.throwIfAborted();
      const segment = await this.#segment(index);
      cut_bytes += segment.messages.reduce((sum, message) => sum + message.cut_bytes, 0);
      if (!visit(segment)) break;
    }
    return cut_bytes;
  }

  /** Closes its files. */
  async close(): Promise<void> {
    await closeAll(this.#parts.transcripts);
  }

  async #segment(index: number): Promise<ConversationSegment> {
    const { plan, links } = this.#parts;
    const from = index * SEGMENT_ORDINALS;
    const messages = [];
    for (const [place, planned] of plan.slice(from, from + SEGMENT_ORDINALS).entries())
      messages.push(await conversationMessage(planned, from + place, links));
    return { index, messages };
  }
}

async function closeAll(transcripts: readonly OpenTranscript[]): Promise<void> {
  for (const { handle } of transcripts) await handle.close();
}

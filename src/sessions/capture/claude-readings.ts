import {
  openConversation,
  type ClaudeConversation,
  type StampedTranscript,
} from '../../agents/claude/conversations.ts';
import type { Timers } from '../../platform/timers.ts';

/**
 * How long a conversation stays in memory for its next reading: a large session is read in several goes, and by each
 * destination, and a transcript must be gone through from its beginning each time.
 */
const KEPT_MS = 2_000;

interface Kept {
  native_id: string;
  forked_from: string | null;
  conversation: ClaudeConversation;
}

/** Conversations that were read, the last one kept for a moment. */
export class ClaudeReadings {
  readonly #timers: Timers;
  #kept: Kept | null = null;
  #forgetting: AbortController | null = null;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /**
   * Runs `work` with the session of these files as they are now. Null when nothing was said in it.
   * @throws as `openConversation`; what `work` throws
   */
  async use<T>(
    session: { native_id: string; files: readonly StampedTranscript[]; forked_from: string | null },
    signal: AbortSignal,
    work: (conversation: ClaudeConversation) => Promise<T>,
  ): Promise<T | null> {
    const conversation = await this.#open(session, signal);
    if (conversation === null) return null;
    try {
      const result = await work(conversation);
      const { native_id, forked_from } = session;
      await this.#keep({ native_id, forked_from, conversation });
      return result;
    } catch (error) {
      await conversation.close();
      throw error;
    }
  }

  /** Lets go of what is kept. */
  async close(): Promise<void> {
    this.#forgetting?.abort();
    const kept = this.#kept;
    this.#kept = null;
    await kept?.conversation.close();
  }

  async #open(
    {
      native_id,
      files,
      forked_from,
    }: { native_id: string; files: readonly StampedTranscript[]; forked_from: string | null },
    signal: AbortSignal,
  ): Promise<ClaudeConversation | null> {
    const kept = this.#kept;
    if (kept?.native_id === native_id && kept.forked_from === forked_from) {
      // Taken out while it is used: two readings at once read for themselves.
      this.#kept = null;
      this.#forgetting?.abort();
      const same_files = kept.conversation.paths.join('\n') === files.map(({ path }) => path).join('\n');
      if (same_files && (await kept.conversation.isCurrent())) return kept.conversation;
      await kept.conversation.close();
    }
    return openConversation(files, { forked_from, signal });
  }

  async #keep(kept: Kept): Promise<void> {
    // Taken over at once: of two readings that end at the same time, the one before must not be lost and left open.
    const before = this.#kept;
    this.#kept = kept;
    this.#forgetting?.abort();
    const forgetting = new AbortController();
    this.#forgetting = forgetting;
    void this.#timers
      .sleep(KEPT_MS, forgetting.signal)
      .then(() => (forgetting.signal.aborted ? undefined : this.close()));
    await before?.conversation.close();
  }
}

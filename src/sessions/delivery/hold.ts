import type { ConversationHead, ConversationMessage, ConversationSegment } from '../../agents/conversation.ts';

/** A clock that runs ahead by more than this tells nothing about when a message was written. */
const FUTURE_MS = 5 * 60_000;

/**
 * Shows of a conversation what is older than the hold, so that a turn can be withdrawn before it leaves.
 *
 * What counts is the age of each message, not of the session's last activity: a session that goes on for hours would
 * otherwise never leave, and one that is picked up again would take its newest turn along at once. The first message
 * that is too young ends what is shown, so that a store never has a conversation with a gap. A message is as young as
 * the last result of its tools.
 */
export class Hold {
  readonly #hold_ms: number;
  readonly #now_ms: number;
  /** When the last message with a time was written; messages without one are as old as those before them. */
  #time_ms: number;
  #held_until_ms: number | null = null;

  /** `hold_ms` 0: everything is shown. `last_activity_ms` stands in where neither head nor messages tell a time. */
  constructor(hold_ms: number, now_ms: number, head: ConversationHead, last_activity_ms: number) {
    this.#hold_ms = hold_ms;
    this.#now_ms = now_ms;
    this.#time_ms = head.ended_at_ms ?? head.started_at_ms ?? last_activity_ms;
  }

  /** When the first message that was not shown may leave; null: all were shown so far. */
  get held_until_ms(): number | null {
    return this.#held_until_ms;
  }

  /** What of the segment may leave; null = nothing of it, nor of any that follows. Ask in order. */
  shown(segment: ConversationSegment): ConversationSegment | null {
    if (this.#hold_ms === 0) return segment;
    if (this.#held_until_ms !== null) return null;
    const first_held = segment.messages.findIndex((message) => this.#isHeld(message));
    if (first_held === -1) return segment;
    return first_held === 0 ? null : { index: segment.index, messages: segment.messages.slice(0, first_held) };
  }

  #isHeld(message: ConversationMessage): boolean {
    this.#time_ms = this.#timeOf(message) ?? this.#time_ms;
    const leaves_ms = this.#time_ms + this.#hold_ms;
    if (leaves_ms <= this.#now_ms) return false;
    this.#held_until_ms = leaves_ms;
    return true;
  }

  #timeOf({ timestamp_ms, tool_calls }: ConversationMessage): number | null {
    const times = [timestamp_ms, ...tool_calls.map(({ result_at_ms }) => result_at_ms)];
    const possible = times.filter((time) => time !== null && time <= this.#now_ms + FUTURE_MS);
    return possible.length === 0 ? null : Math.max(...(possible as number[]));
  }
}

import type { ReplayId } from './replay-id.ts';

/** A transaction of more events than this is stored in the middle: a restart must not read all of it again. */
const MOST_EVENTS = 2000;

/**
 * Follows where whole transactions end: events of one bear one key and come together (records.md §12.9). Holds two places, however
 * many events pass.
 */
export class TransactionBoundary {
  /** Of the newest event. */
  #newest: ReplayId | null = null;
  #transaction: string | null = null;
  #events = 0;
  #boundary: ReplayId | null = null;

  /** `transaction` null: the event cannot be read, and belongs to whatever is open. */
  event(replay_id: ReplayId, transaction: string | null): void {
    const begins = transaction !== null && this.#transaction !== null && transaction !== this.#transaction;
    if (begins && this.#newest) this.#mark(this.#newest);
    this.#transaction = transaction ?? this.#transaction;
    this.#newest = replay_id;
    if (++this.#events >= MOST_EVENTS) this.#mark(replay_id);
  }

  /** Nothing more has come: what was open is whole. */
  idle(replay_id: ReplayId): void {
    this.#transaction = null;
    this.#newest = null;
    this.#mark(replay_id);
  }

  /** The newest end since the last call; null: none. */
  take(): ReplayId | null {
    const boundary = this.#boundary;
    this.#boundary = null;
    return boundary;
  }

  #mark(replay_id: ReplayId): void {
    this.#boundary = replay_id;
    this.#events = 0;
  }
}

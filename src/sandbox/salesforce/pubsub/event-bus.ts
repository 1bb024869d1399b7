/** The retained events of an organisation, in order, under opaque replay ids. */
import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';

/** 72 hours (records.md §12.9). */
export const RETENTION_MS = 72 * 3_600_000;

export interface BusEvent<T> {
  /** Counts from 0 over all events ever; only the bus and its streams know it. */
  readonly position: number;
  readonly replay_id: Buffer;
  readonly at_ms: number;
  readonly content: T;
}

export interface BusOptions {
  clock: Clock;
  /** How far apart replay ids are; seeded. */
  random: Random;
  /** 8 unless said: what is known of the real ones, and not promised. */
  replay_id_bytes: number;
}

/** Where ids begin: with leading zeros, because those are lost where somebody takes an id for a number. */
const FIRST_ID = 10_597_059n;
const MOST_APART = 9;

export class EventBus<T> {
  readonly #options: BusOptions;
  readonly #listeners = new Set<() => void>();
  #events: BusEvent<T>[] = [];
  #next_position = 0;
  #last_id: bigint;

  constructor(options: BusOptions) {
    this.#options = options;
    this.#last_id = FIRST_ID;
  }

  append(content: T): void {
    this.#last_id += 1n + BigInt(Math.floor(this.#options.random.unit() * MOST_APART));
    const at_ms = this.#options.clock.now_ms();
    this.#events.push({ position: this.#next_position++, replay_id: this.#bytes(this.#last_id), at_ms, content });
    this.#forgetOld();
    for (const listener of this.#listeners) listener();
  }

  /** Retained events from a position on, oldest first. */
  *from(position: number): Generator<BusEvent<T>, void, void> {
    this.#forgetOld();
    const events = this.#events;
    const first = events[0]?.position ?? this.#next_position;
    for (let index = Math.max(0, position - first); index < events.length; index++) {
      const event = events[index];
      if (event) yield event;
    }
  }

  /** Position of the oldest retained event, or where the next will be. */
  get first(): number {
    this.#forgetOld();
    return this.#events[0]?.position ?? this.#next_position;
  }

  /** Position behind all events. */
  get end(): number {
    return this.#next_position;
  }

  /** Id of the newest event, or where the first will come after. */
  get tip(): Buffer {
    return this.#bytes(this.#last_id);
  }

  /** Position behind an id; null when it was never one, or is older than what is retained. */
  after(replay_id: Uint8Array): number | null {
    this.#forgetOld();
    if (this.tip.equals(replay_id)) return this.#next_position;
    const found = this.#events.find((event) => event.replay_id.equals(replay_id));
    return found ? found.position + 1 : null;
  }

  /** Forgets all events, as if three days had passed. */
  forgetAll(): void {
    this.#events = [];
    // The tip grows old as well.
    this.#last_id += BigInt(MOST_APART);
  }

  /** Is told after each event; returns how to stop that. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #forgetOld(): void {
    const oldest_ms = this.#options.clock.now_ms() - RETENTION_MS;
    let old = 0;
    while ((this.#events[old]?.at_ms ?? oldest_ms) < oldest_ms) old++;
    if (old > 0) this.#events = this.#events.slice(old);
  }

  #bytes(id: bigint): Buffer {
    const { replay_id_bytes } = this.#options;
    return Buffer.from(id.toString(16).padStart(replay_id_bytes * 2, '0'), 'hex');
  }
}

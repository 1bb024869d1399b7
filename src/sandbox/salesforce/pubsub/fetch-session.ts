/** One subscriber's stream: events are sent while it has asked for some, and a sign of life when it is long quiet. */
import type { Timers } from '../../../platform/timers.ts';
import type { BusEvent, EventBus } from './event-bus.ts';
import type { ErrorName, PubSubFaults } from './faults.ts';
import type { ConsumerEvent, FetchResponse } from './messages.ts';

/** At most every 270 s (records.md §12.10). */
export const KEEP_ALIVE_MS = 270_000;
/** More requests add up to this and no further. */
const MOST_OUTSTANDING = 100;
/** Below the 4 MB of a message. */
const MOST_BYTES = 3 * 1024 * 1024;

export interface FetchSessionOptions<T> {
  bus: EventBus<T>;
  faults: PubSubFaults;
  timers: Timers;
  rpc_id: string;
  /** The event as this topic sends it; null when it does not. */
  encode(event: BusEvent<T>): ConsumerEvent | null;
  send(response: FetchResponse): void;
  /** Ends the stream. */
  fail(error: ErrorName): void;
}

export class FetchSession<T> {
  readonly #options: FetchSessionOptions<T>;
  readonly #ended = new AbortController();
  readonly #unsubscribe: () => void;
  #position: number;
  /** Of what it got last. */
  #last_id: Buffer | null = null;
  #outstanding = 0;

  /** `position`: of the first event that it gets. */
  constructor(position: number, options: FetchSessionOptions<T>) {
    this.#options = options;
    this.#position = position;
    this.#unsubscribe = options.bus.subscribe(() => this.#deliver());
    void this.#keepAlive();
  }

  request(events: number): void {
    if (events <= 0) return this.fail('request');
    this.#outstanding = Math.min(MOST_OUTSTANDING, this.#outstanding + events);
    this.#deliver();
  }

  /** Ends it with an error, once. */
  fail(error: ErrorName): void {
    if (this.#ended.signal.aborted) return;
    this.end();
    this.#options.fail(error);
  }

  /** Ends it without a word: the subscriber went. */
  end(): void {
    this.#ended.abort();
    this.#unsubscribe();
  }

  #deliver(): void {
    const { bus, faults } = this.#options;
    if (faults.silent || this.#ended.signal.aborted) return;
    // What it has not got is gone: said, never passed over.
    if (this.#position < bus.first) return this.fail('replay_id');
    let bytes = 0;
    let events: ConsumerEvent[] = [];
    for (const event of bus.from(this.#position)) {
      if (this.#outstanding === 0 || this.#ended.signal.aborted) break;
      const encoded = this.#options.encode(event);
      if (encoded) {
        const end = faults.takeEnd();
        if (end) {
          this.#send(events);
          return this.fail(end);
        }
        const copies = faults.takeDuplicate() ? 2 : 1;
        for (let copy = 0; copy < copies; copy++) events.push(encoded);
        this.#outstanding = Math.max(0, this.#outstanding - copies);
        bytes += encoded.event.payload.length * copies;
        this.#last_id = event.replay_id;
      }
      this.#position = event.position + 1;
      if (bytes < MOST_BYTES) continue;
      this.#send(events);
      events = [];
      bytes = 0;
    }
    this.#send(events);
  }

  #send(events: ConsumerEvent[]): void {
    const latest_replay_id = events.at(-1)?.replay_id;
    if (latest_replay_id) this.#respond(events, latest_replay_id);
  }

  #respond(events: ConsumerEvent[], latest_replay_id: Buffer): void {
    if (this.#ended.signal.aborted) return;
    const { rpc_id } = this.#options;
    this.#options.send({ events, latest_replay_id, rpc_id, pending_num_requested: this.#outstanding });
  }

  async #keepAlive(): Promise<void> {
    const { bus, faults, timers } = this.#options;
    const { signal } = this.#ended;
    while (!signal.aborted) {
      await timers.sleep(KEEP_ALIVE_MS, signal);
      // Behind nothing that this stream did not send: its id may be stored.
      const latest = this.#position >= bus.end ? bus.tip : this.#last_id;
      if (latest && !faults.silent) this.#respond([], latest);
    }
  }
}

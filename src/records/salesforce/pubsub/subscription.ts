/**
 * Events of one topic, from a place on, for as long as the caller reads. Connections come and go underneath; what the caller
 * sees is a sequence of items in the order of the channel. At least once: after a reconnect events may come again.
 *
 * No more than `batch_size` events are ever asked for and not yet taken, so that a slow reader holds that much and no more.
 */
import { ForbiddenError, SynclineError, UnreachableError } from '../../../platform/errors.ts';
import type { Clock } from '../../../platform/clock.ts';
import type { Random } from '../../../platform/random.ts';
import type { Timers } from '../../../platform/timers.ts';
import { backoff_ms, defaultRetryPolicy, type RetryPolicy } from '../../../engine/retry.ts';
import { openChannel, type ChannelOptions, type FetchStream, type PubSubChannel } from './channel.ts';
import type { DecodedEvent, EventSchema } from './event-schema.ts';
import { failureOf, type FailureClass, type PubSubFailure } from './failure.ts';
import type { SalesforceSession } from '../session.ts';
import type { Token } from '../sign-in/token.ts';
import type { ConsumerEvent, FetchRequest, FetchResponse } from './messages.ts';
import type { ReplayFrom, ReplayId } from './replay-id.ts';
import { SchemaCache, UnreadableSchemaError } from './schema-cache.ts';
import { nextSubscriptionState, type SubscriptionEvent, type SubscriptionState } from './states.ts';

export interface SubscriptionOptions extends ChannelOptions {
  /** `/data/AccountChangeEvent` */
  topic: string;
  replay: ReplayFrom;
  session: SessionSource;
  /** Ends the subscription, also in the middle of a wait. */
  signal: AbortSignal;
  clock: Clock;
  timers: Timers;
  random: Random;
  retry?: RetryPolicy;
  /** Most events asked for and not yet taken; 1 to 100, which is what the service allows. */
  batch_size?: number;
  /** For tests. */
  open?: (options: ChannelOptions) => Promise<PubSubChannel>;
}

/**
 * Where tokens come from. An UnreachableError of `token` or `renewed` is tried again, anything else that they throw ends the
 * subscription.
 */
export type SessionSource = Pick<SalesforceSession, 'token' | 'renewed' | 'accepted'>;

/** An event with its place: what comes after it begins behind `replay_id`. */
export type ReceivedEvent = { readonly replay_id: ReplayId; readonly event_id: string; readonly schema_id: string } & (
  | { readonly kind: 'event'; readonly schema: EventSchema; readonly value: DecodedEvent }
  /** It cannot be read, now or later; those around it can. */
  | { readonly kind: 'poisoned'; readonly code: PoisonCode }
);

/** `empty`: it came without content · `schema`: its schema is not there or no schema · `payload`: its bytes do not fit its schema. */
export type PoisonCode = 'empty' | 'schema' | 'payload';

export type SubscriptionItem =
  /** In their order. `replay_id`: of the last, to begin after all of them. */
  | { readonly kind: 'events'; readonly events: readonly ReceivedEvent[]; readonly replay_id: ReplayId }
  /** Nothing happened up to here, at most every 270 s. Worth storing: the place of a quiet topic grows old, too. */
  | { readonly kind: 'idle'; readonly replay_id: ReplayId }
  /**
   * The last item. What follows `replay_id` cannot be had any more, or it is damaged; null: `latest` was lost before it had a place.
   * The caller begins at `earliest` and reads everything before that anew; nothing is ever skipped here.
   */
  | { readonly kind: 'hole'; readonly replay_id: ReplayId | null; readonly code: string };

export interface SubscriptionStatus {
  state: SubscriptionState;
  since_ms: number;
  /** Failures since the last answer. */
  failures: number;
  /** Kept after it went well again. */
  last_failure: { readonly class: FailureClass; readonly code: string; readonly at_ms: number } | null;
  /** While `waiting`. */
  wait_until_ms: number | null;
}

export interface Subscription extends AsyncIterable<SubscriptionItem> {
  status(): Readonly<SubscriptionStatus>;
}

const MOST_REQUESTED = 100;
/** The service is heard about every 270 s; silence for twice as long is a connection that nobody closed. */
const SILENCE_MS = 600_000;
const SCHEMA_PATIENCE_MS = 30_000;
/** After a limit: no sooner than this. */
const LIMIT_WAIT_MS = 60_000;

/**
 * Reads once: the second iterator of a subscription throws. The iterator ends when the signal aborts, after a hole, or when its
 * reader leaves it.
 * @throws ForbiddenError `salesforce.topic_refused` when the topic is not there or not ours to read
 * @throws SynclineError what the session source throws for good
 */
export function subscribe(options: SubscriptionOptions): Subscription {
  const run = new Run(options);
  return { status: () => ({ ...run.status }), [Symbol.asyncIterator]: () => run.items() };
}

class Run {
  readonly status: SubscriptionStatus;
  readonly #options: SubscriptionOptions;
  readonly #batch_size: number;
  readonly #schemas = new SchemaCache();
  /** Behind what the reader has taken. */
  #place: ReplayFrom;
  /** The server held a place for `latest`, and we do not know it. */
  #unknown_place = false;
  #token: Token | null = null;
  #started = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
    this.#place = options.replay;
    this.#batch_size = Math.min(MOST_REQUESTED, Math.max(1, Math.floor(options.batch_size ?? MOST_REQUESTED)));
    this.status = {
      state: 'connecting',
      since_ms: options.clock.now_ms(),
      failures: 0,
      last_failure: null,
      wait_until_ms: null,
    };
  }

  async *items(): AsyncGenerator<SubscriptionItem, void, void> {
    if (this.#started) throw new SynclineError('salesforce.subscription_read', 'A subscription is read only once');
    this.#started = true;
    const { signal } = this.#options;
    const channel = await (this.#options.open ?? openChannel)(this.#options);
    try {
      while (!signal.aborted) {
        const failure = yield* this.#connection(channel);
        if (signal.aborted) return;
        this.#remember(failure);
        if (this.#lost_place(failure)) return yield this.#hole(failure);
        await this.#recover(failure);
      }
    } finally {
      channel.close();
      this.#step('ended');
    }
  }

  /** One connection from its first request to its end; what went wrong, as a value. */
  async *#connection(channel: PubSubChannel): AsyncGenerator<SubscriptionItem, PubSubFailure, void> {
    const { signal } = this.#options;
    const token = await this.#current_token();
    if (token === null) return { class: 'connection', code: 'session' };
    const stream = channel.subscribe(token);
    const cancel = (): void => stream.cancel();
    signal.addEventListener('abort', cancel, { once: true });
    try {
      stream.request(this.#first_request());
      let taken = 0;
      for (;;) {
        const response = await this.#next(stream);
        const events = await this.#read_all(response.events, channel, token);
        this.#step('answered');
        this.#options.session.accepted(token);
        this.status.failures = 0;
        const item = this.#item(events, response);
        if (item) yield item;
        taken += events.length;
        // Half at a time: a request for each event would be as much traffic as the events.
        if (taken * 2 < this.#batch_size) continue;
        stream.request({ topic_name: this.#options.topic, num_requested: taken });
        taken = 0;
      }
    } catch (error) {
      if (error instanceof SynclineError) throw error;
      if (this.#place === 'latest' && stream.accepted()) this.#unknown_place = true;
      return failureOf(error);
    } finally {
      signal.removeEventListener('abort', cancel);
      stream.cancel();
    }
  }

  #first_request(): FetchRequest {
    const first = { topic_name: this.#options.topic, num_requested: this.#batch_size };
    if (this.#place === 'latest') return { ...first, replay_preset: 'LATEST' };
    if (this.#place === 'earliest') return { ...first, replay_preset: 'EARLIEST' };
    return { ...first, replay_preset: 'CUSTOM', replay_id: this.#place };
  }

  /** The item of a response, and our place behind it: nothing reconnects while the reader still holds it. */
  #item(events: ReceivedEvent[], response: FetchResponse): SubscriptionItem | null {
    const replay_id = events.at(-1)?.replay_id ?? Uint8Array.from(response.latest_replay_id);
    if (replay_id.length === 0) return null;
    this.#place = replay_id;
    return events.length > 0 ? { kind: 'events', events, replay_id } : { kind: 'idle', replay_id };
  }

  async #next(stream: FetchStream): Promise<FetchResponse> {
    const { timers } = this.#options;
    const waiting = new AbortController();
    const silence = timers.sleep(SILENCE_MS, waiting.signal).then(() => null);
    try {
      const result = await Promise.race([stream.responses.next(), silence]);
      if (result === null || result.done) throw new Error('The stream ended');
      return result.value;
    } finally {
      waiting.abort();
    }
  }

  async #read_all(events: readonly ConsumerEvent[], channel: PubSubChannel, token: Token): Promise<ReceivedEvent[]> {
    const read: ReceivedEvent[] = [];
    for (const event of events) read.push(await this.#read(event, channel, token));
    return read;
  }

  /** @throws what gRPC throws when the schema cannot be had now: then nothing of the response is delivered, and it comes again */
  async #read({ event, replay_id }: ConsumerEvent, channel: PubSubChannel, token: Token): Promise<ReceivedEvent> {
    const place = {
      replay_id: Uint8Array.from(replay_id),
      event_id: event?.id ?? '',
      schema_id: event?.schema_id ?? '',
    };
    if (!event) return { ...place, kind: 'poisoned', code: 'empty' };
    let schema: EventSchema;
    try {
      schema = await this.#schemas.get(event.schema_id, (id) => this.#fetch_schema(id, channel, token));
    } catch (error) {
      if (error instanceof UnreadableSchemaError || failureOf(error).class === 'refused')
        return { ...place, kind: 'poisoned', code: 'schema' };
      throw error;
    }
    try {
      return { ...place, kind: 'event', schema, value: schema.read(event.payload) };
    } catch {
      return { ...place, kind: 'poisoned', code: 'payload' };
    }
  }

  async #fetch_schema(schema_id: string, channel: PubSubChannel, token: Token): Promise<string> {
    const patience = new AbortController();
    const answered = new AbortController();
    void this.#options.timers.sleep(SCHEMA_PATIENCE_MS, answered.signal).then(() => patience.abort());
    try {
      return await channel.schema(token, schema_id, AbortSignal.any([this.#options.signal, patience.signal]));
    } finally {
      answered.abort();
    }
  }

  /** Null when none can be had now. */
  async #current_token(): Promise<Token | null> {
    const { session, signal } = this.#options;
    try {
      return (this.#token ??= await session.token(signal));
    } catch (error) {
      if (signal.aborted || error instanceof UnreachableError) return null;
      this.#step('refused');
      throw error;
    }
  }

  #lost_place(failure: PubSubFailure): boolean {
    return failure.class === 'replay' || this.#unknown_place;
  }

  #hole(failure: PubSubFailure): SubscriptionItem {
    this.#step('place_refused');
    const replay_id = typeof this.#place === 'string' ? null : this.#place;
    return { kind: 'hole', replay_id, code: failure.code };
  }

  /** Returns when it is time to connect again. @throws for what only a person can change */
  async #recover(failure: PubSubFailure): Promise<void> {
    switch (failure.class) {
      case 'auth':
        this.#step('session_refused');
        return this.#renew_token();
      case 'connection':
        this.#step('lost');
        return this.#wait(0);
      case 'limit':
        this.#step('limited');
        return this.#wait(LIMIT_WAIT_MS);
      case 'replay':
      case 'refused':
        this.#step('refused');
        throw new ForbiddenError(
          'salesforce.topic_refused',
          `Salesforce refused ${this.#options.topic}: ${failure.code}`,
          {
            hint: 'Check that Change Data Capture is on for the object and that the user may read it; then start the records flow again.',
          },
        );
    }
  }

  async #renew_token(): Promise<void> {
    const { session, signal } = this.#options;
    const refused = this.#token;
    this.#token = null;
    try {
      if (refused) this.#token = await session.renewed(refused, signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof UnreachableError)) {
        this.#step('refused');
        throw error;
      }
      this.#step('lost');
      return this.#wait(0);
    }
    // The first refusal after an answer is a session that ran out; further ones are not cured by hurry.
    if (this.status.failures <= 1) return this.#step('renewed');
    this.#step('lost');
    await this.#wait(0);
  }

  async #wait(at_least_ms: number): Promise<void> {
    const { clock, random, retry, signal, timers } = this.#options;
    const wait_ms = Math.max(at_least_ms, backoff_ms(retry ?? defaultRetryPolicy, this.status.failures, random));
    this.status.wait_until_ms = clock.now_ms() + wait_ms;
    await timers.sleep(wait_ms, signal);
    this.status.wait_until_ms = null;
    if (!signal.aborted) this.#step('due');
  }

  #remember(failure: PubSubFailure): void {
    this.status.failures++;
    this.status.last_failure = { ...failure, at_ms: this.#options.clock.now_ms() };
  }

  #step(event: SubscriptionEvent): void {
    const state = nextSubscriptionState(this.status.state, event);
    if (state !== this.status.state) this.status.since_ms = this.#options.clock.now_ms();
    this.status.state = state;
  }
}

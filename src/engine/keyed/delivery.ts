import type { Clock } from '../../platform/clock.ts';
import { invariant } from '../../platform/errors.ts';
import { uuidv7, type Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import { Turns, allEnded, readiness, type PassResult } from '../pass.ts';
import type { RetryPolicy } from '../retry.ts';
import type { EngineStore } from '../store.ts';
import type { Wakeup } from '../wakeup.ts';
import { attempt, type AttemptContext } from './attempt.ts';
import type { KeyedDestination } from './destination.ts';

export interface KeyedDeliveryOptions {
  store: EngineStore;
  destination: KeyedDestination;
  clock: Clock;
  random: Random;
  timers: Timers;
  retry: RetryPolicy;
  /** Attempts under way at the same time, each at as many keys as the destination takes together. */
  concurrency: number;
  /** Longest sleep between looks, when no notification comes. */
  idle_ms: number;
  /** How long one attempt may take; its lease is longer by a quarter. 60 s when not given. */
  timeout_ms?: number;
  /** Refusals after which a key is refused for good, if its neighbours pass. 5 when not given. */
  most_attempts?: number;
  /** Told of what a sender threw, which is a defect of it; the place where it is logged. */
  report?: (error: unknown) => void;
}

/** Keys of one pass; then the loop looks at pause, circuit and acceptance anew. */
const KEYS_PER_PASS = 1000;

/**
 * Keyed delivery of one stream to one destination (design §5 rule 5): claims keys that are due, has their difference
 * sent, settles link and task together. A key is under way once at a time. No state lives here: after a crash the next
 * pass goes on from the store.
 */
export class KeyedDelivery {
  readonly #options: KeyedDeliveryOptions;
  readonly #turns = new Turns();
  /** Who claims: this loop of this process, and nobody ever again. */
  readonly #owner: string;

  constructor(options: KeyedDeliveryOptions) {
    this.#options = options;
    this.#owner = uuidv7(options.clock.now_ms(), options.random);
  }

  /** Passes until `signal` aborts; sleeps while there is nothing to do. */
  async run(signal: AbortSignal, wakeup: Wakeup): Promise<void> {
    const { clock, timers, idle_ms } = this.#options;
    while (!signal.aborted) {
      const { next_due_ms } = await this.pass(signal);
      const wait = next_due_ms === null ? idle_ms : Math.min(idle_ms, Math.max(0, next_due_ms - clock.now_ms()));
      if (wait > 0) await wakeup.wait(wait, timers, signal);
    }
  }

  /** One pass, after those that were asked for before it. Throws only when the store does. */
  async pass(signal: AbortSignal): Promise<PassResult> {
    const result = await this.#turns.take(() => this.#pass(signal), signal);
    return result ?? { accepted_items: 0, dead_letters: 0, next_due_ms: this.#options.clock.now_ms(), idle: null };
  }

  async #pass(signal: AbortSignal): Promise<PassResult> {
    const { store, destination, clock, retry, concurrency } = this.#options;
    const { idle, next_due_ms, half_open, circuit_failures } = await readiness(store, destination.id, clock, retry);
    if (idle !== null) return { accepted_items: 0, dead_letters: 0, next_due_ms, idle };
    await this.#decide();
    // Passes are serial, so nothing of ours is under way: what is still claimed was left by a pass that failed.
    await store.keyed.releaseExpired(destination.id, this.#owner, clock.now_ms());
    const pass = new Pass(half_open, circuit_failures);
    const workers = half_open ? 1 : concurrency;
    await allEnded(Array.from({ length: workers }, () => this.#work(pass, signal)));
    const { accepted_items, dead_letters, claimed } = pass;
    const next = await this.#nextDue(pass);
    return { accepted_items, dead_letters, next_due_ms: next, idle: claimed === 0 ? 'empty' : null };
  }

  async #nextDue({ over, claimed }: Pass): Promise<number | null> {
    const { store, destination, clock, retry } = this.#options;
    const now_ms = clock.now_ms();
    // The circuit opened or closed: the next pass sees when to go on.
    if (over) return now_ms;
    const due_ms = await store.keyed.nextDue(destination.id, now_ms);
    // What is due and cannot be claimed waits for somebody else's attempt: looking again at once would be a hot loop.
    return claimed === 0 && due_ms !== null ? Math.max(due_ms, now_ms + retry.base_ms) : due_ms;
  }

  async #decide(): Promise<void> {
    const { store, destination } = this.#options;
    const accepts: Parameters<typeof store.keyed.decide>[1] = ({ stream, header }) =>
      destination.accepts(stream, header);
    while ((await store.keyed.decide(destination.id, accepts)).more);
  }

  async #work(pass: Pass, signal: AbortSignal): Promise<void> {
    const { store, destination, clock } = this.#options;
    const { timeout_ms } = this.#context(pass, signal);
    while (!pass.over && !signal.aborted) {
      const tasks = await store.keyed.claim({
        destination_id: destination.id,
        limit: Math.min(destination.most_keys ?? (destination.sendMany ? 100 : 1), KEYS_PER_PASS),
        owner: this.#owner,
        lease_ms: Math.ceil(timeout_ms * 1.25),
        now_ms: clock.now_ms(),
      });
      if (tasks.length === 0) return;
      pass.claimed += tasks.length;
      pass.take(await attempt(tasks, this.#context(pass, signal)));
      if (pass.claimed >= KEYS_PER_PASS) return;
    }
  }

  #context(pass: Pass, signal: AbortSignal): AttemptContext {
    const { timeout_ms = 60_000, most_attempts = 5, report = () => undefined, ...options } = this.#options;
    invariant(timeout_ms > 0, 'an attempt has time');
    return { ...options, timeout_ms, most_attempts, report, circuit_failures: pass.circuit_failures, signal };
  }
}

/** What the workers of one pass share. */
class Pass {
  readonly half_open: boolean;
  readonly circuit_failures: number;
  accepted_items = 0;
  dead_letters = 0;
  claimed = 0;
  /** The circuit opened, or the one request of a half-open one was made. */
  over = false;

  constructor(half_open: boolean, circuit_failures: number) {
    this.half_open = half_open;
    this.circuit_failures = circuit_failures;
  }

  take(result: Awaited<ReturnType<typeof attempt>>): void {
    this.accepted_items += result.accepted_items;
    this.dead_letters += result.dead_letters;
    if (result.tripped || this.half_open) this.over = true;
  }
}

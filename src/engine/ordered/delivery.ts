import { hash } from 'node:crypto';
import type { Clock } from '../../platform/clock.ts';
import { uuidv7, type Random } from '../../platform/random.ts';
import type { Timers } from '../../platform/timers.ts';
import { Turns, allEnded, earliest, readiness, type PassResult, type Readiness } from '../pass.ts';
import { isDue, type RetryPolicy } from '../retry.ts';
import type { Backlog, Batch, EngineStore, Plan } from '../store.ts';
import type { SendWhat, Wakeup } from '../wakeup.ts';
import { attempt, type AttemptResult } from './attempt.ts';
import type { BatchLimits, OrderedDestination } from './destination.ts';

export interface DeliveryOptions {
  store: EngineStore;
  destination: OrderedDestination;
  clock: Clock;
  random: Random;
  timers: Timers;
  retry: RetryPolicy;
  /** Partitions served at the same time. */
  concurrency: number;
  /** Longest sleep between looks, when no notification comes. */
  idle_ms: number;
}

/** Batches of one partition in one pass; then the others have their turn. */
const ROUNDS_PER_PARTITION = 32;

/** Failures of the destination in a row after which a suspect without an answer no longer goes first: it may be the cause. */
const UNHEARD_SUSPECT_FAILURES = 8;

/**
 * Ordered delivery of one stream to one destination (design §5 rule 4). A pass takes every partition that is due,
 * oldest first, several at once, and sends its batches in order; what a reply means is the classifier's, what becomes of
 * the batch the store's. No state of the work lives here: after a crash the next pass goes on from the store.
 */
export class Delivery {
  readonly #options: DeliveryOptions;
  /** Smaller limits that the destination stated with a 413, for later batches of this run. */
  readonly #learned = new Map<string, Partial<BatchLimits>>();
  readonly #turns = new Turns();

  constructor(options: DeliveryOptions) {
    this.#options = options;
  }

  /** Passes until `signal` aborts; sleeps while there is nothing to do. */
  async run(signal: AbortSignal, wakeup: Wakeup): Promise<void> {
    const { clock, timers, idle_ms } = this.#options;
    let what: SendWhat = 'all';
    while (!signal.aborted) {
      const { next_due_ms } = await this.pass(signal, what);
      const wait = next_due_ms === null ? idle_ms : Math.min(idle_ms, Math.max(0, next_due_ms - clock.now_ms()));
      if (wait > 0) what = await wakeup.wait(wait, timers, signal);
    }
  }

  /**
   * One pass, after those that were asked for before it; one whose signal aborts while it waits for its turn does
   * nothing. `what`: whether new batches are opened that are not full. Throws only when the store does.
   */
  async pass(signal: AbortSignal, what: SendWhat = 'all'): Promise<PassResult> {
    const result = await this.#turns.take(() => this.#pass(signal, what), signal);
    return result ?? { accepted_items: 0, dead_letters: 0, next_due_ms: this.#options.clock.now_ms(), idle: null };
  }

  async #pass(signal: AbortSignal, what: SendWhat): Promise<PassResult> {
    const { store, destination, clock } = this.#options;
    const row = await readiness(store, destination.id, clock, this.#options.retry);
    if (row.idle !== null) return { accepted_items: 0, dead_letters: 0, next_due_ms: row.next_due_ms, idle: row.idle };
    const all = await store.backlog(destination.id, (partition) =>
      destination.accepts(partition.stream, partition.header),
    );
    const due = all.filter((backlog) => isDue(backlog.due_ms, clock.now_ms(), this.#options.retry));
    const pass = new Pass(row, what);
    // A half-open circuit lets one request through (I6): one partition, one batch.
    const workers = Math.min(row.half_open ? 1 : this.#options.concurrency, due.length);
    const queue = due.values();
    await allEnded(Array.from({ length: workers }, () => this.#work(queue, pass, signal)));
    const held = all.filter((backlog) => !due.includes(backlog)).map((backlog) => backlog.due_ms);
    return {
      accepted_items: pass.accepted_items,
      dead_letters: pass.dead_letters,
      next_due_ms: earliest([...held, ...pass.wake_at]),
      idle: due.length === 0 ? 'empty' : null,
    };
  }

  async #work(queue: IterableIterator<Backlog>, pass: Pass, signal: AbortSignal): Promise<void> {
    for (const backlog of queue) {
      if (pass.over || signal.aborted) {
        pass.wakeAt(this.#options.clock.now_ms());
        return;
      }
      await this.#serve(backlog, pass, signal);
    }
  }

  /** Sends what one partition has, in order, until it is empty, refused, or its turn is over. */
  async #serve(backlog: Backlog, pass: Pass, signal: AbortSignal): Promise<void> {
    let refusals = 0;
    let first = true;
    for (let round = 0; round < ROUNDS_PER_PARTITION; round++) {
      if (pass.over || signal.aborted) return;
      const plan = await this.#plan(backlog, pass.what);
      const batches = this.#choose(plan, { first, held: first && backlog.held !== null }, pass);
      if (batches.length === 0) return;
      const budget = refusalBudget(Math.max(...batches.map(({ items }) => items), this.#limits(backlog).max_items));
      const context = { plan, refusals, budget, circuit_failures: pass.circuit_failures };
      const results = await allEnded(batches.map((batch) => this.#attempt(backlog, batch, context, signal)));
      pass.take(results);
      if (results.some(({ next }) => next === 'stop')) return;
      if (results.some(({ attempted }) => attempted)) first = false;
      refusals = results.some(({ accepted_items }) => accepted_items > 0) ? 0 : refusals + results.length;
    }
    pass.wakeAt(this.#options.clock.now_ms());
  }

  /**
   * A turn begins with the oldest suspect when the partition is held, or when nothing else is left whose acceptance
   * could judge it; a held partition then tries one batch, any other all that are due. A suspect that got no answer is
   * heard first: a neighbour that passes would condemn it though the destination may just have been mended.
   */
  #choose(plan: Plan, turn: { first: boolean; held: boolean }, pass: Pass): Batch[] {
    const { clock, retry } = this.#options;
    const now_ms = clock.now_ms();
    const { suspect } = plan;
    const judge = suspect && turn.first && (turn.held || plan.open.length === 0);
    if (judge && isDue(suspect.due_ms, now_ms, retry)) return [suspect];
    const unheard = suspect !== null && suspect.failures < 2 && pass.circuit_failures < UNHEARD_SUSPECT_FAILURES;
    if (judge && turn.held && unheard) {
      pass.wakeAt(suspect.due_ms);
      return [];
    }
    const due = plan.open.filter((batch) => isDue(batch.due_ms, now_ms, retry));
    const waiting = [...plan.open, ...(judge ? [suspect] : [])].filter((batch) => !due.includes(batch));
    if (waiting.length > 0) pass.wakeAt(Math.min(...waiting.map(({ due_ms }) => due_ms)));
    return pass.half_open || turn.held ? due.slice(0, 1) : due;
  }

  #limits({ partition }: Backlog): BatchLimits {
    const { destination } = this.#options;
    const stated = destination.limits(partition.header);
    const learned = this.#learned.get(partition.name);
    return {
      max_items: Math.max(1, Math.min(stated.max_items, learned?.max_items ?? Infinity)),
      max_body_bytes: Math.min(stated.max_body_bytes, learned?.max_body_bytes ?? Infinity),
    };
  }

  #plan(backlog: Backlog, what: SendWhat): Promise<Plan> {
    const { store, destination, clock } = this.#options;
    const { partition } = backlog;
    return store.plan({
      destination_id: destination.id,
      partition_id: partition.partition_id,
      limits: this.#limits(backlog),
      envelope_bytes: destination.envelopeBytes(partition.header),
      window: destination.window(partition.header),
      full_only: what === 'full_batches',
      now_ms: clock.now_ms(),
      newBatchId: this.#newBatchId,
    });
  }

  async #attempt(
    { partition }: Backlog,
    batch: Batch,
    context: { plan: Plan; refusals: number; budget: number; circuit_failures: number },
    signal: AbortSignal,
  ): Promise<AttemptResult> {
    const { store, destination, clock, random, retry } = this.#options;
    const result = await attempt({
      store,
      destination,
      clock,
      random,
      retry,
      partition,
      batch,
      holds: context.plan.holds,
      circuit_failures: context.circuit_failures,
      may_bisect: context.refusals < context.budget,
      newBatchId: this.#newBatchId,
      sha256: (body) => hash('sha256', body),
      signal,
    });
    if (result.learned) this.#learned.set(partition.name, { ...this.#learned.get(partition.name), ...result.learned });
    return result;
  }

  readonly #newBatchId = (): string => uuidv7(this.#options.clock.now_ms(), this.#options.random);
}

/** Requests that may be refused one after another before a partition is held: the path of one bisect, twice. */
function refusalBudget(max_items: number): number {
  return 2 * Math.ceil(Math.log2(Math.max(2, max_items))) + 1;
}

/** What the workers of one pass share. */
class Pass {
  readonly half_open: boolean;
  readonly circuit_failures: number;
  readonly what: SendWhat;
  accepted_items = 0;
  dead_letters = 0;
  wake_at: number[] = [];
  /** The circuit opened, or the one request of a half-open one was made. */
  over = false;

  constructor({ half_open, circuit_failures }: Readiness, what: SendWhat) {
    this.half_open = half_open;
    this.circuit_failures = circuit_failures;
    this.what = what;
  }

  take(results: readonly AttemptResult[]): void {
    for (const result of results) {
      this.accepted_items += result.accepted_items;
      this.dead_letters += result.dead_letters;
      if (result.retry_at_ms !== null) this.wake_at.push(result.retry_at_ms);
      if (result.tripped || (this.half_open && result.attempted)) this.over = true;
      if (this.half_open && !result.tripped) this.wake_at.push(0);
    }
  }

  wakeAt(time_ms: number): void {
    this.wake_at.push(time_ms);
  }
}

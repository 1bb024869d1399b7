import { backoff_ms, type RetryPolicy } from '../../engine/retry.ts';
import type { PassResult } from '../../engine/pass.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import { Turns } from '../../platform/turns.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { Memories } from '../memories.ts';
import { linkKey } from '../merge/row.ts';
import { operationId, type OriginId } from '../origin.ts';
import { planLanes, type Plan } from './lane-planner.ts';
import { ExchangeState, type ExchangeStatus } from './exchange-state.ts';
import type { OldPeerClient } from './old-peer-client.ts';
import { Outbox, restoredBy, rowsTouched, storedBy, type OutboxRow, type Refused, type Waiting } from './outbox.ts';
import type { Outgoing } from './outgoing.ts';
import { withheldFrom } from './sharing.ts';
import { PeerRows } from './peer-rows.ts';
import { MAX_BODY_BYTES } from './push-body.ts';
import { itemBytes, mergeItems } from './push-lanes.ts';

/** Rows planned and sent at once. */
const ROWS_AT_ONCE = 500;

/** Room for what a body has besides items. */
const MAX_ITEM_BYTES = MAX_BODY_BYTES - 4096;

/** What its owner reads of a peer that needs no shim. */
export const IS_SYNCLINE =
  'it is a Syncline: pair it (syncline memory invite) instead of speaking to it as to ai-memory';

export interface OldPeerDeliveryOptions {
  /** Its configured id: the one under which it pushes to us, so that both directions know one peer. */
  peer: string;
  memories: Memories;
  db: Database;
  client: Pick<OldPeerClient, 'push' | 'pushBody' | 'speaksNative' | 'close'>;
  /** What may leave to it, and how. */
  outgoing: Outgoing;
  clock: Clock;
  random: Random;
  retry: RetryPolicy;
  /** While true nothing is sent. */
  isPaused?: () => boolean;
}

/** A body that would leave next. */
export interface PreviewedPush {
  items: number;
  body: string;
}

/**
 * Brings an old peer to our state: whatever changed here, from whichever member, is sent as the row that it is now, until
 * the peer took it. Survives restarts and any absence of the peer. A row that the peer refuses by itself is tried again ever
 * more seldom, listed by `refused`, and holds up no other.
 */
export class OldPeerDelivery {
  readonly #options: OldPeerDeliveryOptions;
  readonly #outbox: Outbox;
  readonly #rows: PeerRows;
  readonly #state: ExchangeState;
  readonly #turns = new Turns();
  /** The peer said since our start that it is no Syncline. */
  #is_met = false;

  constructor(options: OldPeerDeliveryOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.db, options.peer);
    this.#rows = new PeerRows(options.db);
    this.#state = new ExchangeState({ ...options, way: 'push' });
  }

  /**
   * Sends what is due, once through; after the passes that were asked for before it. `next_due_ms` says when to come again
   * without a new commit.
   */
  async pass(signal: AbortSignal): Promise<PassResult> {
    return this.#turns.run(() => this.#pass(signal));
  }

  async #pass(signal: AbortSignal): Promise<PassResult> {
    await this.#takeUp();
    const now_ms = this.#options.clock.now_ms();
    const idle = (why: PassResult['idle'], next_due_ms: number | null): PassResult => ({
      ...{ accepted_items: 0, dead_letters: 0 },
      ...{ next_due_ms, idle: why },
    });
    if (this.#isPaused()) return idle('paused', null);
    let accepted_items = 0;
    while (this.#mayGoOn(signal)) {
      const waiting = this.#outbox.due(now_ms, ROWS_AT_ONCE);
      if (waiting.length === 0) break;
      const plans = await this.#plan(waiting);
      const said = plans.filter(({ expected }) => expected.length > 0);
      this.#outbox.settle(plans.filter(({ expected }) => expected.length === 0).map((plan) => plan.waiting));
      if (said.length > 0 && !(await this.#meet(signal))) break;
      for (const group of groups(said)) accepted_items += await this.#send(group, signal);
    }
    if (this.#outbox.size() === 0) return { ...idle('empty', null), accepted_items };
    const due_ms = this.#state.due_ms();
    const why = due_ms > now_ms ? 'circuit' : null;
    return { ...idle(why, Math.max(due_ms, this.#outbox.nextDue() ?? 0)), accepted_items };
  }

  async #plan(waiting: readonly Waiting[]): Promise<Plan[]> {
    const { memories, outgoing, peer } = this.#options;
    const memory_ids = waiting.filter(({ row }) => row === 'memory').map(({ key }) => key);
    const [known, shared] = [this.#rows.get(peer, memory_ids), this.#outbox.shared(memory_ids)];
    return planLanes({ reads: memories, outgoing, known, shared }, waiting);
  }

  /**
   * Once, before anything is sent: another Syncline is not told in this dialect, which would lose half of what its own says.
   */
  async #meet(signal: AbortSignal): Promise<boolean> {
    if (this.#is_met) return true;
    const native = await this.#options.client.speaksNative(signal);
    if (typeof native === 'object') this.#state.failed(native.message, native.wait_ms);
    else if (native) this.#state.failed(IS_SYNCLINE, this.#options.retry.retry_after_cap_ms);
    this.#is_met = native === false;
    return this.#is_met;
  }

  #isPaused(): boolean {
    return this.#options.isPaused?.() ?? false;
  }

  #mayGoOn(signal: AbortSignal): boolean {
    return !signal.aborted && !this.#isPaused() && this.#state.due_ms() <= this.#options.clock.now_ms();
  }

  /** Resolves when no request of a pass is under way any more. */
  async idle(): Promise<void> {
    await this.#turns.run(async () => undefined);
  }

  /** The bodies that would leave next, byte for byte but for the time of sending that a signed one names. Sends nothing. */
  async preview(limit: number): Promise<PreviewedPush[]> {
    return this.#turns.run(async () => {
      await this.#takeUp();
      const plans = await this.#plan(this.#outbox.next(ROWS_AT_ONCE));
      const said = plans.filter(({ expected }) => expected.length > 0);
      const bodies = groups(said).flatMap((group) =>
        [group.map(({ first }) => first), group.map(({ then }) => then)].flatMap((parts) => {
          const items = mergeItems(parts);
          const count = Object.values(items).reduce((sum, texts) => sum + texts.length, 0);
          return count === 0 ? [] : [{ items: count, body: this.#options.client.pushBody(items) }];
        }),
      );
      return bodies.slice(0, limit);
    });
  }

  tryNow(): void {
    this.#state.tryNow();
  }

  status(): ExchangeStatus {
    return this.#state.status();
  }

  /** Since when the row that waits longest does so; epoch ms. */
  oldest(): number | null {
    return this.#outbox.oldest();
  }

  /** More is shared than before: what was passed over is looked at once more. */
  lookAgain(): void {
    this.#outbox.beginAnew();
  }

  refused(): Refused[] {
    return this.#outbox.refused();
  }

  /** Rows that wait, refused ones included. */
  backlog(): number {
    return this.#outbox.size();
  }

  async close(): Promise<void> {
    await this.#options.client.close();
  }

  /** Reads on in the operations of every origin, and queues the rows that they touched. */
  async #takeUp(): Promise<void> {
    const { replica } = this.#options.memories;
    const through = this.#outbox.through();
    for (const [origin, last] of Object.entries(replica.vector())) {
      for (let after = through[origin] ?? 0; after < last;) {
        const page = await replica.read(origin, after);
        if (!page || page.operations.length === 0) {
          await this.#queueAll(origin, last);
          break;
        }
        const rows = page.operations.flatMap((text, i) =>
          rowsTouched(text).map((touched) => ({ ...touched, operation: operationId(origin, page.first + i) })),
        );
        after = page.first + page.operations.length - 1;
        this.#rows.doubt(this.#options.peer, page.operations.flatMap(restoredBy));
        this.#outbox.share(await this.#sharedIn(page.operations));
        this.#outbox.queue(rows, { [origin]: after }, this.#options.clock.now_ms());
      }
    }
  }

  /** Memories that the peer may be told of, or could have been: also those that a later operation ended. */
  async #sharedIn(operations: readonly string[]): Promise<string[]> {
    const { memories, outgoing } = this.#options;
    const { sharing } = outgoing;
    const touched = operations.flatMap(rowsTouched).flatMap(({ row, key }) => (row === 'memory' ? [key] : []));
    const stored = operations.flatMap(storedBy).filter((memory) => withheldFrom(sharing, memory) === null);
    const live = (await memories.getMany([...new Set(touched)])).filter((memory) => outgoing.withheld(memory) === null);
    return [...stored, ...live].map(({ id }) => id);
  }

  /** The operations are past retention: everything that lives is told. What was deleted meanwhile is not known to be. */
  async #queueAll(origin: OriginId, through: number): Promise<void> {
    const operation = operationId(origin, through);
    for await (const page of this.#options.memories.export()) {
      const keys: [OutboxRow, string][] = [
        ...page.memories.map(({ id }): [OutboxRow, string] => ['memory', id]),
        ...page.links.map((link): [OutboxRow, string] => [
          'link',
          linkKey(link.source_id, link.target_id, link.relation),
        ]),
      ];
      this.#outbox.queue(
        keys.map(([row, key]) => ({ row, key, operation })),
        {},
        this.#options.clock.now_ms(),
      );
    }
    this.#outbox.queue([], { [origin]: through }, this.#options.clock.now_ms());
  }

  /** Sends a group; when the peer takes only a part of it, halves, until each item is known by itself. Returns the taken. */
  async #send(plans: readonly Plan[], signal: AbortSignal): Promise<number> {
    if (!this.#mayGoOn(signal)) return 0;
    const outcome = await this.#exchange(plans, signal);
    switch (outcome.outcome) {
      case 'ack':
        this.#settle(plans);
        return plans.length;
      case 'away':
        if (!signal.aborted) this.#state.failed(outcome.message, outcome.wait_ms);
        return 0;
      case 'skipped':
      case 'id_drift':
      case 'failed': {
        const [only, ...others] = plans;
        if (only && others.length === 0) return this.#refuse(only, reasonOf(outcome));
        const middle = Math.ceil(plans.length / 2);
        return (await this.#send(plans.slice(0, middle), signal)) + (await this.#send(plans.slice(middle), signal));
      }
    }
  }

  async #exchange(plans: readonly Plan[], signal: AbortSignal): ReturnType<OldPeerClient['push']> {
    const key = plans[0]?.waiting.operation ?? '';
    const first = mergeItems(plans.map((plan) => plan.first));
    if (Object.keys(first).length > 0) {
      // Deletions that make room; they are no rows of their own, so nothing is expected by name.
      const made_room = await this.#options.client.push(first, key, [], signal);
      if (made_room.outcome !== 'ack') return made_room;
    }
    const expected = plans.flatMap((plan) => plan.expected);
    return this.#options.client.push(mergeItems(plans.map((plan) => plan.then)), key, expected, signal);
  }

  #settle(plans: readonly Plan[]): void {
    const { db, peer } = this.#options;
    db.transaction(() => {
      const known = plans.flatMap((plan) => (plan.known ? [[plan.waiting.key, plan.known] as const] : []));
      this.#rows.put(peer, new Map(known));
      this.#outbox.settle(plans.map(({ waiting }) => waiting));
      this.#state.succeeded(plans.length);
      const again = plans.flatMap(({ again = [], waiting: { operation } }) =>
        again.map((row) => ({ ...row, operation })),
      );
      if (again.length > 0) this.#outbox.queue(again, {}, this.#options.clock.now_ms());
    });
  }

  #refuse({ waiting }: Plan, reason: string): 0 {
    const { clock, retry, random } = this.#options;
    const due_ms = clock.now_ms() + backoff_ms(retry, waiting.attempts + 1, random);
    this.#outbox.postpone(waiting, due_ms, reason);
    return 0;
  }
}

/** Plans that go into one body each; every plan has at most one item of a list, and fewer are planned than a list takes. */
function groups(plans: readonly Plan[]): Plan[][] {
  const bodies: Plan[][] = [];
  let bytes = Infinity;
  for (const plan of plans) {
    const own = itemBytes(plan.then);
    if (bytes + own > MAX_ITEM_BYTES) {
      bodies.push([]);
      bytes = 0;
    }
    bodies.at(-1)?.push(plan);
    bytes += own;
  }
  return bodies;
}

function reasonOf(outcome: { outcome: 'skipped' | 'id_drift' } | { outcome: 'failed'; status: number }): string {
  if (outcome.outcome === 'failed') return `the peer answered ${outcome.status}`;
  return outcome.outcome === 'skipped'
    ? 'the peer took the request and left the item out'
    : 'the peer has it under another id';
}

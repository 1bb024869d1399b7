import { backoff_ms, type RetryPolicy } from '../../engine/retry.ts';
import type { PassResult } from '../../engine/pass.ts';
import type { Clock } from '../../platform/clock.ts';
import type { Random } from '../../platform/random.ts';
import type { Database } from '../../storage/sqlite/database.ts';
import type { Memories } from '../memories.ts';
import { linkKey } from '../merge/row.ts';
import { operationId, type OriginId } from '../origin.ts';
import { planLanes, type Plan } from './lane-planner.ts';
import type { OldPeerClient, PeerAway } from './old-peer-client.ts';
import { Outbox, rowsTouched, type OutboxRow, type Refused } from './outbox.ts';
import { PeerRows } from './peer-rows.ts';
import { MAX_BODY_BYTES } from './push-body.ts';
import { itemBytes, mergeItems } from './push-lanes.ts';

/** Rows planned and sent at once. */
const ROWS_AT_ONCE = 500;

/** Room for what a body has besides items. */
const MAX_ITEM_BYTES = MAX_BODY_BYTES - 4096;

export interface OldPeerDeliveryOptions {
  /** Its configured id: the one under which it pushes to us, so that both directions know one peer. */
  peer: string;
  memories: Memories;
  db: Database;
  client: Pick<OldPeerClient, 'push' | 'close'>;
  clock: Clock;
  random: Random;
  retry: RetryPolicy;
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
  #failures = 0;
  #due_ms = 0;

  constructor(options: OldPeerDeliveryOptions) {
    this.#options = options;
    this.#outbox = new Outbox(options.db, options.peer);
    this.#rows = new PeerRows(options.db);
  }

  /** Sends what is due, once through; one pass at a time. `next_due_ms` says when to come again without a new commit. */
  async pass(signal: AbortSignal): Promise<PassResult> {
    await this.#takeUp();
    const now_ms = this.#options.clock.now_ms();
    let accepted_items = 0;
    while (!signal.aborted && this.#due_ms <= now_ms) {
      const waiting = this.#outbox.due(now_ms, ROWS_AT_ONCE);
      if (waiting.length === 0) break;
      const memory_ids = waiting.filter(({ row }) => row === 'memory').map(({ key }) => key);
      const known = this.#rows.get(this.#options.peer, memory_ids);
      const plans = await planLanes(this.#options.memories, waiting, known);
      const said = plans.filter(({ expected }) => expected.length > 0);
      this.#outbox.settle(plans.filter(({ expected }) => expected.length === 0).map((plan) => plan.waiting));
      for (const group of groups(said)) accepted_items += await this.#send(group, signal);
    }
    const waits_until = Math.max(this.#due_ms, this.#outbox.nextDue() ?? 0);
    const is_empty = this.#outbox.size() === 0;
    const idle = is_empty ? 'empty' : this.#due_ms > now_ms ? 'circuit' : null;
    return { accepted_items, dead_letters: 0, next_due_ms: is_empty ? null : waits_until, idle };
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
        this.#outbox.queue(rows, { [origin]: after });
      }
    }
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
      );
    }
    this.#outbox.queue([], { [origin]: through });
  }

  /** Sends a group; when the peer takes only a part of it, halves, until each item is known by itself. Returns the taken. */
  async #send(plans: readonly Plan[], signal: AbortSignal): Promise<number> {
    if (signal.aborted || this.#due_ms > this.#options.clock.now_ms()) return 0;
    const outcome = await this.#exchange(plans, signal);
    switch (outcome.outcome) {
      case 'ack':
        this.#failures = 0;
        this.#settle(plans);
        return plans.length;
      case 'away':
        this.#pause(outcome);
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
      const again = plans.flatMap(({ again = [], waiting: { operation } }) =>
        again.map((row) => ({ ...row, operation })),
      );
      if (again.length > 0) this.#outbox.queue(again, {});
    });
  }

  #refuse({ waiting }: Plan, reason: string): 0 {
    const { clock, retry, random } = this.#options;
    const due_ms = clock.now_ms() + backoff_ms(retry, waiting.attempts + 1, random);
    this.#outbox.postpone(waiting, due_ms, reason);
    return 0;
  }

  #pause({ wait_ms }: PeerAway): void {
    const { clock, retry, random } = this.#options;
    this.#failures++;
    this.#due_ms = clock.now_ms() + (wait_ms ?? backoff_ms(retry, this.#failures, random));
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

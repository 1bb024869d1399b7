/**
 * How many members have an operation, and waiting for that. Nothing is counted but vectors that members reported of their
 * disks, so an ack of `rejected` cannot count (R1), and one push that carries many writes serves all who wait.
 */
import { InvalidInputError, InvariantError } from '../../platform/errors.ts';
import { linkedAbort } from '../../platform/linked-abort.ts';
import type { Timers } from '../../platform/timers.ts';
import type { Durability, Receipt } from '../durability.ts';
import { covers, placeOf, type MemberId, type OperationId, type OperationPlace } from '../origin.ts';
import type { Replica } from '../replica.ts';
import type { Members } from './members.ts';

/** The least number of members of which any two such groups share one. */
export function majority(members: number): number {
  return Math.floor(members / 2) + 1;
}

/**
 * Checks a W of a request or the configuration. @throws InvalidInputError `memory.quorum`
 */
export function checkQuorum(wanted: number, members: number): number {
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= members) return wanted;
  throw new InvalidInputError('memory.quorum', `A write cannot wait for ${wanted} of ${members} members`, {
    field: 'write_quorum',
    hint: 'It is a whole number from 1 (this machine alone) to the number of paired members, this one included.',
  });
}

interface Waiter {
  place: OperationPlace;
  members: number;
  done: () => void;
}

export class QuorumTracker implements Durability {
  readonly #replica: Pick<Replica, 'identity' | 'vector' | 'standsAt'>;
  readonly #members: Members;
  readonly #timers: Timers;
  readonly #wanted: (others: number) => void;
  readonly #waiters = new Set<Waiter>();

  /** `wanted` is told of how many others a write waits for. */
  constructor(
    replica: Pick<Replica, 'identity' | 'vector' | 'standsAt'>,
    members: Members,
    timers: Timers,
    wanted: (others: number) => void = () => undefined,
  ) {
    this.#replica = replica;
    this.#members = members;
    this.#timers = timers;
    this.#wanted = wanted;
    members.onHeard(() => this.#serve());
  }

  receipt(operation: OperationId): Receipt {
    const on = this.#on(requirePlace(operation));
    return { operation, durable_on: on.length, members: 1 + this.#members.paired.length, on };
  }

  /** A number that is more than there are members is never met: then it returns at once, with what is. */
  async wait(operation: OperationId, members: number, deadline_ms: number, signal?: AbortSignal): Promise<Receipt> {
    const place = requirePlace(operation);
    const all = 1 + this.#members.paired.length;
    if (members > all || this.#on(place).length >= members || signal?.aborted) return this.receipt(operation);
    const over = linkedAbort(signal);
    const waiter = { place, members, done: () => over.abort('over') };
    this.#waiters.add(waiter);
    this.#wanted(members - 1);
    await this.#timers.sleep(deadline_ms, over.signal);
    over.unlink();
    this.#waiters.delete(waiter);
    return this.receipt(operation);
  }

  /** Writes that wait at present. */
  get waiting(): number {
    return this.#waiters.size;
  }

  #serve(): void {
    for (const waiter of this.#waiters) if (this.#on(waiter.place).length >= waiter.members) waiter.done();
  }

  #on(written: OperationPlace): MemberId[] {
    // What was told anew counts where it stands now: its old place may be another's.
    const place = this.#replica.standsAt(written);
    const on = covers(this.#replica.vector(), place) ? [this.#replica.identity().member] : [];
    for (const member of this.#members.paired) if (this.#members.has(member, place)) on.push(member);
    return on;
  }
}

function requirePlace(operation: OperationId): OperationPlace {
  const place = placeOf(operation);
  if (!place) throw new InvariantError('a receipt is asked for with the id of an operation');
  return place;
}

import type { SettleResult, Settlement } from '../../src/engine/store.ts';

/** One item of the source. */
export interface Item {
  id: number;
  partition: string;
  subject: string;
  payload: string;
}

interface Account {
  /** How often each item had its effect. */
  effects: Map<number, number>;
  /** Items in the order in which they were settled as accepted, by partition. */
  order: Map<string, number[]>;
  /** Items of batches that were settled as accepted. */
  settled: Set<number>;
  accepted_items: number;
  /** Bodies by the key under which they were sent, and the keys that arrived and were taken. */
  bodies: Map<string, string>;
  taken: Set<string>;
}

/**
 * What really happened, written down outside of the engine: by the source, at the doors of the store and at the
 * destinations. It survives crashes. `broken` collects promises that were seen to be broken on the way; the oracle
 * judges the rest at the end.
 */
export class Ledger {
  readonly items = new Map<number, Item>();
  /** Items that an append committed. */
  readonly journalled = new Set<number>();
  /** Items appended again after retention had forgotten them: their repeat is no fault. */
  readonly repeatable = new Set<number>();
  readonly erased_subjects = new Map<string, number>();
  /** Items that an operator sent again from a dead letter, or gave up; by destination and item. */
  readonly retried = new Set<string>();
  readonly discarded = new Set<string>();
  readonly broken: string[] = [];
  readonly trace: string[] = [];
  crashes = 0;
  #sequence = 0;
  readonly #accounts = new Map<string, Account>();
  /** Order of the newest claim of a batch, and its fence. */
  readonly #claims = new Map<string, number>();
  readonly #fences = new Map<string, number>();
  readonly #paused_at = new Map<string, number>();
  readonly #bodies_sent = new Map<string, number[]>();
  /** Claim of the first attempt at an item that was not accepted, and of the last that was for a partition (I3). */
  readonly #first_trouble = new Map<string, number>();
  readonly #last_accepted = new Map<string, number>();
  readonly #condemned = new Set<string>();

  account(destination_id: string): Account {
    let account = this.#accounts.get(destination_id);
    if (!account) {
      account = {
        effects: new Map(),
        order: new Map(),
        settled: new Set(),
        accepted_items: 0,
        bodies: new Map(),
        taken: new Set(),
      };
      this.#accounts.set(destination_id, account);
    }
    return account;
  }

  note(line: string): void {
    this.trace.push(line);
  }

  /** An append committed, also when nobody heard of it. */
  appended(ids: readonly number[], result: { appended: number }): void {
    const taken = new Set(ids.filter((id) => !this.isErased(id)));
    const known = [...taken].filter((id) => this.journalled.has(id));
    if (taken.size - known.length < result.appended) for (const id of known) this.repeatable.add(id);
    for (const id of ids) this.journalled.add(id);
    this.note(`append ${ids.join(',')} ${JSON.stringify(result)}`);
  }

  isErased(id: number): boolean {
    return this.erased_subjects.has(this.items.get(id)?.subject ?? '');
  }

  claimed(batch_id: string, fence: number | null): void {
    if (fence !== null) {
      this.#claims.set(batch_id, ++this.#sequence);
      this.#fences.set(batch_id, fence);
    }
    this.note(`claim ${batch_id.slice(-6)} ${fence}`);
  }

  settledAs(settlement: Settlement, result: SettleResult, destination_id: string | undefined): void {
    this.note(`settle ${settlement.batch_id.slice(-6)} ${settlement.kind} ${JSON.stringify(result)}`);
    if (!result.settled || destination_id === undefined) return;
    if (settlement.fence !== this.#fences.get(settlement.batch_id))
      this.broken.push(`${settlement.batch_id} was settled by an older holder (I4)`);
    const claim = this.#claims.get(settlement.batch_id) ?? 0;
    const ids = this.#bodies_sent.get(settlement.batch_id) ?? [];
    if (settlement.kind !== 'accepted') {
      for (const id of ids.map((id) => `${destination_id} ${id}`))
        if (!this.#first_trouble.has(id)) this.#first_trouble.set(id, claim);
      return;
    }
    const account = this.account(destination_id);
    account.accepted_items += settlement.items;
    for (const id of ids) account.settled.add(id);
    const partition = this.items.get(ids[0] ?? 0)?.partition ?? '';
    account.order.set(partition, [...(account.order.get(partition) ?? []), ...ids]);
    const place = `${destination_id} ${partition}`;
    this.#last_accepted.set(place, Math.max(claim, this.#last_accepted.get(place) ?? 0));
  }

  /** A dead letter of class `refused` was written: something of its partition was accepted since its trouble began (I3). */
  condemned(destination_id: string, id: number): void {
    const key = `${destination_id} ${id}`;
    if (this.#condemned.has(key)) return;
    this.#condemned.add(key);
    const accepted = this.#last_accepted.get(`${destination_id} ${this.items.get(id)?.partition}`) ?? 0;
    if (accepted <= (this.#first_trouble.get(key) ?? 0))
      this.broken.push(
        `item ${id} was condemned at ${destination_id} though nothing of its partition passed since (I3)`,
      );
  }

  erasedSubject(subject: string): void {
    if (!this.erased_subjects.has(subject)) this.erased_subjects.set(subject, ++this.#sequence);
    this.note(`erase ${subject}`);
  }

  paused(destination_id: string, event: string): void {
    if (event === 'pause') this.#paused_at.set(destination_id, ++this.#sequence);
    if (event === 'resume') this.#paused_at.delete(destination_id);
    this.note(`${event} ${destination_id}`);
  }

  /** A request is about to leave the process. */
  sent(destination_id: string, batch_id: string, ids: readonly number[], body: string): void {
    this.note(`send ${destination_id} ${batch_id.slice(-6)} ${ids.join(',')}`);
    const claimed = this.#claims.get(batch_id) ?? 0;
    const paused = this.#paused_at.get(destination_id);
    if (claimed === 0) this.broken.push(`${batch_id} was sent without being claimed`);
    if (paused !== undefined && claimed > paused)
      this.broken.push(`${destination_id} was sent ${ids.join()} while paused`);
    const { bodies } = this.account(destination_id);
    if ((bodies.get(batch_id) ?? body) !== body)
      this.broken.push(`key ${batch_id} was sent to ${destination_id} with two bodies (I5)`);
    bodies.set(batch_id, body);
    this.#bodies_sent.set(batch_id, [...ids]);
    for (const id of ids) {
      const erased = this.erased_subjects.get(this.items.get(id)?.subject ?? '');
      if (erased !== undefined && claimed > erased) this.broken.push(`item ${id} was sent after it was erased`);
      if (!this.account(destination_id).settled.has(id)) continue;
      if (this.repeatable.has(id) || this.retried.has(`${destination_id} ${id}`)) continue;
      this.broken.push(`item ${id} was sent to ${destination_id} again after it was settled`);
    }
  }

  /** Whether the destination has taken this key already. */
  arrived(destination_id: string, batch_id: string): boolean {
    const { taken } = this.account(destination_id);
    if (taken.has(batch_id)) return true;
    taken.add(batch_id);
    return false;
  }

  effect(destination_id: string, id: number): void {
    const { effects } = this.account(destination_id);
    effects.set(id, (effects.get(id) ?? 0) + 1);
  }
}

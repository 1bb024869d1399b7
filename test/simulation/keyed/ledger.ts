import type { Task, TaskRef, TaskSettlement, TaskSettlementResult } from '../../../src/engine/keyed/store.ts';

/** What really happened, written down outside of the engine; it survives crashes. */
export class KeyedLedger {
  readonly broken: string[] = [];
  readonly trace: string[] = [];
  crashes = 0;
  #sequence = 0;
  /** The newest claim of each key at each destination: its fence, and its place in the order of things. */
  readonly #claims = new Map<string, { fence: number; at: number }>();
  readonly #paused_at = new Map<string, number>();
  /** Keys that an operator gave up, by destination. */
  readonly discarded = new Set<string>();
  /** Keys whose dead letter an operator tried again: they need no neighbour. */
  readonly retried = new Set<string>();
  /** Settlements that moved a link. */
  links_moved = 0;
  /** Claims of the first trouble with a key, and of the last one accepted of a group (K6). */
  readonly #first_trouble = new Map<string, number>();
  readonly #last_accepted = new Map<string, number>();
  readonly #groups = new Map<string, string>();

  note(line: string): void {
    this.trace.push(line);
  }

  claimed(tasks: readonly Task[]): void {
    for (const task of tasks) {
      this.#claims.set(place(task), { fence: task.fence, at: ++this.#sequence });
      this.#groups.set(place(task), `${task.destination_id}/${task.group}`);
      this.note(`claim ${place(task)} ${task.fence} attempts=${task.attempts} failures=${task.failures}`);
    }
  }

  settled(settlements: readonly TaskSettlement[], results: readonly TaskSettlementResult[]): void {
    for (const [i, settlement] of settlements.entries()) {
      const result = results[i]!;
      this.note(`settle ${place(settlement)} ${settlement.fence} ${settlement.kind} ${JSON.stringify(result)}`);
      if (result.outcome === 'settled' && settlement.fence !== this.#claims.get(place(settlement))?.fence)
        this.broken.push(`${place(settlement)} was settled by an older holder (K2)`);
      if (result.outcome === 'settled') this.#weigh(settlement, result);
    }
  }

  /** A key is condemned by its neighbours: one was accepted that was claimed after its first trouble (K6). */
  #weigh(settlement: TaskSettlement, { dead_letter }: TaskSettlementResult): void {
    const key = place(settlement);
    const group = this.#groups.get(key) ?? '';
    const at = this.#claims.get(key)?.at ?? 0;
    if (settlement.kind === 'done') {
      if (settlement.writes?.length) this.links_moved++;
      if (settlement.sent) this.#last_accepted.set(group, Math.max(at, this.#last_accepted.get(group) ?? 0));
      this.#first_trouble.delete(key);
    } else if (settlement.kind === 'refused' || settlement.kind === 'deferred') {
      if (!this.#first_trouble.has(key)) this.#first_trouble.set(key, at);
    }
    if (!dead_letter || settlement.kind !== 'refused' || this.retried.has(key)) return;
    if ((this.#last_accepted.get(group) ?? 0) <= (this.#first_trouble.get(key) ?? 0))
      this.broken.push(`${key} was condemned though nothing of its group passed since (K6)`);
  }

  changed(destination_id: string, event: string): void {
    if (event === 'pause') this.#paused_at.set(destination_id, ++this.#sequence);
    if (event === 'resume') this.#paused_at.delete(destination_id);
    this.note(`${event} ${destination_id}`);
  }

  /** A request is about to leave the process. */
  leaves(task: TaskRef, version: number): void {
    this.note(`send ${place(task)} ${task.fence} version ${version}`);
    const paused = this.#paused_at.get(task.destination_id);
    if (paused !== undefined && (this.#claims.get(place(task))?.at ?? 0) > paused)
      this.broken.push(`${place(task)} was sent while paused (K8)`);
  }
}

export function place({ destination_id, key }: Pick<TaskRef, 'destination_id' | 'key'>): string {
  return `${destination_id}/${key}`;
}

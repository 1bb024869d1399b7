import { formatInstant, type Instant } from './instant.ts';
import type { PushList } from './push-body.ts';

/**
 * What became of one item. `effect`: it is on disk and counts, also when what was here is newer (as in the original);
 * `nothing`: there was nothing to do, or it waits for what it needs; `skipped`: it is not on disk, and the reason is said.
 */
export type ItemResult = { result: 'effect' | 'nothing' } | { result: 'skipped'; reason: string };

/** The counter of the wire for an effect of each list (§3.1). Embeddings have none. */
const COUNTERS: Record<PushList, string | null> = {
  memories: 'applied',
  deletions: 'deleted',
  archives: 'archived',
  restores: 'restored',
  links: 'links_applied',
  pendings: 'pendings_applied',
  pending_decisions: 'pending_decisions_applied',
  namespace_meta: 'namespace_meta_applied',
  namespace_meta_clears: 'namespace_meta_cleared',
  embeddings: null,
};

export interface SkippedItem {
  list: PushList;
  index: number;
  reason: string;
}

/** Counts the items of one push, and makes the answer of them. */
export class PushTally {
  readonly #counts = new Map<string, number>();
  readonly #accepted: string[] = [];
  readonly skipped: SkippedItem[] = [];
  #noop = 0;

  /** `name` is what the sender expects to be named: the id, or the namespace, or `source→target` of a link (§4.6). */
  count(list: PushList, index: number, name: string, outcome: ItemResult): void {
    if (outcome.result === 'skipped') {
      this.skipped.push({ list, index, reason: outcome.reason });
      return;
    }
    this.#accepted.push(name);
    const counter = outcome.result === 'effect' ? COUNTERS[list] : null;
    if (counter !== null) this.#counts.set(counter, (this.#counts.get(counter) ?? 0) + 1);
    else if (outcome.result === 'nothing') this.#noop++;
  }

  /** Names something beside the items that was accepted as a whole: namespaces that were cleared, joined by `,`. */
  accept(name: string): void {
    this.#accepted.push(name);
  }

  /**
   * The answer. `skipped_items` is ours. `ids` is only for a sender that names what it expects (`Idempotency-Key`, §4.4): a
   * baseline node takes any 200 for an acknowledgement, except one whose `ids` lack the item; so an item that was skipped is
   * not counted to its quorum, which the original could not tell it.
   */
  body(parts: {
    dry_run: boolean;
    agent_id: string;
    clock: readonly [string, Instant] | null;
    name_ids: boolean;
  }): object {
    const names = [...new Set(Object.values(COUNTERS))].filter((name) => name !== null);
    return {
      ...Object.fromEntries(names.map((name) => [name, this.#counts.get(name) ?? 0])),
      noop: this.#noop,
      skipped: this.skipped.length,
      dry_run: parts.dry_run,
      receiver_agent_id: parts.agent_id,
      receiver_clock: { entries: parts.clock === null ? {} : { [parts.clock[0]]: formatInstant(parts.clock[1]) } },
      ...(this.skipped.length === 0 ? {} : { skipped_items: this.skipped }),
      ...(parts.name_ids ? { ids: this.#ids() } : {}),
    };
  }

  #ids(): string[] {
    const { length } = this.skipped;
    return length === 0 ? this.#accepted : [...this.#accepted, `skipped:${length}`];
  }
}

import type { Timers } from '../../platform/timers.ts';

/** A way to a peer, as far as it matters who is told first. */
export interface Told {
  /** Whether the last exchange came to an answer. */
  readonly reached: boolean;
  /** How long pushes took lately. */
  readonly push_ms: number;
  /** There may be something new to send. */
  notify(): void;
}

const STAYS = 0.5;

/**
 * Whom a commit is told, and when: as many peers as a write waits for at once, those that answer fastest; all others a little later, so
 * that one push brings them several commits. Each push costs a peer and us as much as a handful of rows.
 */
export class Spread {
  readonly #links: () => Iterable<Told>;
  readonly #timers: Timers;
  readonly #linger_ms: number;
  #lingers = false;
  #nearest: Told | null = null;

  constructor(links: () => Iterable<Told>, timers: Timers, linger_ms: number) {
    this.#links = links;
    this.#timers = timers;
    this.#linger_ms = linger_ms;
  }

  /** After each commit. */
  committed(): void {
    if (this.#lingers) return;
    this.#lingers = true;
    void this.#timers.sleep(this.#linger_ms).then(() => {
      this.#lingers = false;
      for (const link of this.#links()) link.notify();
    });
  }

  /** A write waits until so many others have it. */
  wanted(others: number): void {
    const links = [...this.#links()];
    links.sort((a, b) => Number(b.reached) - Number(a.reached) || this.#costOf(a) - this.#costOf(b));
    this.#nearest = links[0] ?? null;
    for (const link of links.slice(0, others)) link.notify();
  }

  /** Whoever was told first stays it until another one is much faster: it has most. */
  #costOf(link: Told): number {
    return link === this.#nearest ? link.push_ms * STAYS : link.push_ms;
  }
}

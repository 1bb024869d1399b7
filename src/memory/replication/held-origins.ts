import type { Clock } from '../../platform/clock.ts';
import type { OriginId, VersionVector } from '../origin.ts';

/**
 * Origins of which one side parked an operation (M6): they wait, others go on (R4). Held until the vector has passed the
 * operation, which is how an upgrade shows, or for a time.
 */
export class HeldOrigins {
  readonly #clock: Clock;
  readonly #retry_ms: number;
  readonly #held = new Map<OriginId, { sequence: number; reason: string; until_ms: number }>();

  constructor(clock: Clock, retry_ms: number) {
    this.#clock = clock;
    this.#retry_ms = retry_ms;
  }

  hold(origin: OriginId, sequence: number, reason: string): void {
    this.#held.set(origin, { sequence, reason, until_ms: this.#clock.monotonic_ms() + this.#retry_ms });
  }

  has(origin: OriginId): boolean {
    return this.#held.has(origin);
  }

  holds(origin: OriginId, vector: VersionVector): boolean {
    const held = this.#held.get(origin);
    if (!held) return false;
    if ((vector[origin] ?? 0) < held.sequence && this.#clock.monotonic_ms() < held.until_ms) return true;
    this.#held.delete(origin);
    return false;
  }

  /** Those that are held at this vector. */
  origins(vector: VersionVector): OriginId[] {
    return [...this.#held.keys()].filter((origin) => this.holds(origin, vector));
  }

  list(): { origin: OriginId; sequence: number; reason: string }[] {
    return [...this.#held].map(([origin, { sequence, reason }]) => ({ origin, sequence, reason }));
  }
}

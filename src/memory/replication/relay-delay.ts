import type { Clock } from '../../platform/clock.ts';
import type { OriginId, VersionVector } from '../origin.ts';
import type { KnownMember } from './members.ts';

export interface Relayed {
  /** To be sent now. */
  origins: OriginId[];
  /** Something is due, but what the peer said of itself is older: in the meantime it may have got it elsewhere. */
  must_ask_first: boolean;
}

/**
 * Keeps a full mesh from sending everything n times: operations of third members are relayed only when the peer still
 * lacks them some time after we got them. What the peer lacked when it was greeted is sent at once: it was away.
 */
export class RelayDelay {
  readonly #clock: Clock;
  readonly #delay_ms: number;
  readonly #noticed = new Map<OriginId, { sequence: number; at_ms: number }>();
  #catching_up = false;

  constructor(clock: Clock, delay_ms: number) {
    this.#clock = clock;
    this.#delay_ms = delay_ms;
  }

  /** The peer was just greeted after a silence: all that it lacks now goes without delay. */
  catchUp(): void {
    this.#catching_up = true;
    this.#noticed.clear();
  }

  due(
    lacking: readonly OriginId[],
    ours: OriginId,
    mine: VersionVector,
    { standing, heard_at_ms }: KnownMember,
  ): Relayed {
    const now = this.#clock.monotonic_ms();
    const origins: OriginId[] = [];
    let must_ask_first = false;
    for (const origin of [...this.#noticed.keys()]) if (!lacking.includes(origin)) this.#noticed.delete(origin);
    for (const origin of lacking) {
      const noticed = this.#notice(origin, mine[origin] ?? 0, standing.vector[origin] ?? 0, now);
      if (origin === ours || this.#catching_up) origins.push(origin);
      else if (now >= noticed + this.#delay_ms) {
        if (heard_at_ms >= noticed + this.#delay_ms) origins.push(origin);
        else must_ask_first = true;
      }
    }
    if (lacking.length === 0) this.#catching_up = false;
    return { origins, must_ask_first: must_ask_first && origins.length === 0 };
  }

  /** Since when the peer has lacked something that we have. */
  #notice(origin: OriginId, mine: number, theirs: number, now: number): number {
    const before = this.#noticed.get(origin);
    if (before && theirs < before.sequence) return before.at_ms;
    this.#noticed.set(origin, { sequence: mine, at_ms: now });
    return now;
  }

  /** Until the next one is due, at most `longest_ms`. */
  wait_ms(longest_ms: number): number {
    const now = this.#clock.monotonic_ms();
    const first = Math.min(...[...this.#noticed.values()].map(({ at_ms }) => at_ms + this.#delay_ms - now));
    return Math.max(1, Math.min(longest_ms, first));
  }
}

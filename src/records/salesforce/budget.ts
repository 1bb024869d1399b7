import type { Clock } from '../../platform/clock.ts';

/** The window rolls over 24 hours (§12.1), so what is used sinks by itself: it is looked at again this often. */
const LOOK_AGAIN_MS = 5 * 60_000;

/**
 * The calls of an org: how many of its day are used up, by anybody, and what share of them Syncline may drive it to.
 * Beyond that, and while Salesforce has asked for quiet, no call is made.
 */
export class ApiBudget {
  readonly #clock: Clock;
  readonly #share: number;
  #heard: { readonly used: number; readonly max: number; readonly at_ms: number } | null = null;
  #quiet_until_ms = -Infinity;

  /** `share`: from above 0 to 1; 0.8 leaves a fifth of the org's calls to everybody else. */
  constructor({ clock, share = 0.8 }: { clock: Clock; share?: number }) {
    this.#clock = clock;
    this.#share = share;
  }

  /** Reads the header `Sforce-Limit-Info`; one that is absent or has another form tells nothing. */
  heard(header: string | undefined): void {
    const [, used, max] = /(?:^|[\s;,])api-usage=(\d{1,12})\/(\d{1,12})/.exec(header ?? '') ?? [];
    if (used !== undefined && max !== undefined) this.set(Number(used), Number(max));
  }

  set(used: number, max: number): void {
    if (max > 0) this.#heard = { used, max, at_ms: this.#clock.monotonic_ms() };
  }

  /** Salesforce asked to be left alone (`Retry-After`, too many calls). */
  quiet(wait_ms: number): void {
    this.#quiet_until_ms = Math.max(this.#quiet_until_ms, this.#clock.monotonic_ms() + wait_ms);
  }

  current(): { readonly used: number; readonly max: number } | null {
    return this.#heard && { used: this.#heard.used, max: this.#heard.max };
  }

  /** Calls that may be made before the share is used up; null: not heard yet. */
  left(): number | null {
    return this.#heard && Math.max(0, Math.floor(this.#heard.max * this.#share) - this.#heard.used);
  }

  /** How long no call may be made: 0 for now. While the share is used up, `mayLook` says when to ask about it. */
  wait_ms(): number {
    const now_ms = this.#clock.monotonic_ms();
    const quiet_ms = Math.max(0, this.#quiet_until_ms - now_ms);
    if (this.#heard === null || this.left() !== 0) return quiet_ms;
    return Math.max(quiet_ms, this.#heard.at_ms + LOOK_AGAIN_MS - now_ms, 1);
  }

  /** The share is used up, and long enough ago that asking for the limits is worth one call. */
  mayLook(): boolean {
    const now_ms = this.#clock.monotonic_ms();
    return this.#quiet_until_ms <= now_ms && this.#heard !== null && this.#heard.at_ms + LOOK_AGAIN_MS <= now_ms;
  }
}

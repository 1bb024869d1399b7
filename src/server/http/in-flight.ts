import type { ServerLimits } from '../limits.ts';
import { Refusal } from './refusal.ts';

/** Seconds after which a client that met a full house may try again. */
const RETRY_AFTER_S = '1';

/** What all requests together hold now, and the most they may. */
export class InFlight {
  readonly #limits: Pick<ServerLimits, 'max_concurrent_requests' | 'max_in_flight_bytes'>;
  #requests = 0;
  #bytes = 0;

  constructor(limits: Pick<ServerLimits, 'max_concurrent_requests' | 'max_in_flight_bytes'>) {
    this.#limits = limits;
  }

  get requests(): number {
    return this.#requests;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /**
   * Runs a request within the bound of concurrent ones.
   * @throws Refusal 503 `busy` when there are too many
   */
  async request<T>(work: () => Promise<T>): Promise<T> {
    if (this.#requests >= this.#limits.max_concurrent_requests) throw busy('max_concurrent_requests');
    this.#requests++;
    try {
      return await work();
    } finally {
      this.#requests--;
    }
  }

  /** Room for one body's bytes; give it back with `release`. */
  reserve(): Reservation {
    let held = 0;
    return {
      take: (bytes) => {
        if (this.#bytes + bytes > this.#limits.max_in_flight_bytes) throw busy('max_in_flight_bytes');
        this.#bytes += bytes;
        held += bytes;
      },
      release: () => {
        this.#bytes -= held;
        held = 0;
      },
    };
  }
}

export interface Reservation {
  /** @throws Refusal 503 `busy` when all bodies together would hold too much */
  take(bytes: number): void;
  release(): void;
}

function busy(limit: string): Refusal {
  return new Refusal(503, 'busy', `The server is at its limit ${limit}; try again`, {
    headers: { 'retry-after': RETRY_AFTER_S },
    more: { limit },
  });
}

import type { Replied, Unanswered } from '../../../src/engine/ordered/destination.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';
import { Draw } from '../draw.ts';
import type { Life } from '../process.ts';
import type { KeyedLedger } from './ledger.ts';
import type { KeyedWeather, OtherSideScenario } from './scenario.ts';
import type { SourceKey } from './source.ts';

export interface Put {
  key: SourceKey;
  /** The version that the sender believes to be there. */
  base: number;
  version: number;
}

export type PutReply = (Replied | Unanswered) & { current?: number };

export interface OtherSideOptions {
  scenario: OtherSideScenario;
  seed: number;
  fault_rate: number;
  latency_ms: number;
  /** Whether two loops of one process may send the same key at once: then only fences and bases keep order. */
  senders: number;
  time: VirtualTime;
  ledger: KeyedLedger;
  chaos: () => boolean;
}

/**
 * The other side: a version for each key, moved by compare-and-set. It lives in the world: what is on its way arrives
 * though the process that sent it died.
 */
export class OtherSide {
  readonly scenario: OtherSideScenario;
  readonly versions = new Map<string, number>();
  readonly #options: OtherSideOptions;
  readonly #draw: Draw;
  readonly #under_way = new Map<string, Life>();

  constructor(options: OtherSideOptions) {
    this.#options = options;
    this.scenario = options.scenario;
    this.#draw = new Draw(options.seed, `other side ${options.scenario.id}`);
  }

  async put(life: Life, put: Put): Promise<PutReply> {
    const { time, ledger, senders } = this.#options;
    const { key } = put.key;
    if (senders === 1 && this.#under_way.get(key) === life)
      ledger.broken.push(`${this.scenario.id}/${key} was sent twice at once (P5)`);
    this.#under_way.set(key, life);
    await time.sleep(this.#draw.between(1, this.#options.latency_ms));
    const reply = this.#answer(put);
    await time.sleep(this.#draw.between(1, 500));
    if (this.#under_way.get(key) === life) this.#under_way.delete(key);
    const lost = this.#options.chaos() && this.#draw.chance(this.#options.fault_rate / 2);
    return lost ? { status: null, reason: 'reset', message: 'connection reset' } : reply;
  }

  /** The sender waits for the answer no longer; its request goes on. */
  givenUp({ key }: SourceKey, life: Life): void {
    if (this.#under_way.get(key) === life) this.#under_way.delete(key);
  }

  isWell(): boolean {
    return this.#weather().every(({ kind }) => kind === 'forbidden' || kind === 'refused_whole');
  }

  #weather(): { kind: KeyedWeather; group: string }[] {
    if (!this.#options.chaos()) return [];
    const now_ms = this.#options.time.monotonic_ms();
    return this.scenario.weather.filter(({ from_ms, to_ms }) => from_ms <= now_ms && now_ms < to_ms);
  }

  #answer(put: Put): PutReply {
    const spell = this.#weather().find(
      ({ kind, group }) => (kind !== 'forbidden' && kind !== 'refused_whole') || group === put.key.group,
    );
    if (spell) return this.#bad(spell.kind);
    if (this.#options.chaos() && this.#draw.chance(this.#options.fault_rate))
      return this.#draw.one<PutReply>([{ status: 503 }, { status: null, reason: 'timeout', message: 'too late' }]);
    switch (put.key.nature) {
      case 'bad':
        return { status: 422, code: 'invalid' };
      case 'huge':
        return { status: 413 };
      case 'crashing':
        return { status: 500 };
      case 'good':
        return this.#take(put);
    }
  }

  #bad(kind: KeyedWeather): PutReply {
    switch (kind) {
      case 'outage':
        return { status: 503 };
      case 'unreachable':
        return { status: null, reason: 'refused', message: 'connection refused' };
      case 'throttled':
        return { status: 429, retry_after: String(this.#draw.between(1, 600)) };
      case 'unauthorized':
        return { status: 401 };
      case 'forbidden':
        return { status: 403 };
      case 'refused_whole':
        return { status: 422, code: 'unknown_field' };
    }
  }

  #take({ key: { key }, base, version }: Put): PutReply {
    const current = this.versions.get(key) ?? 0;
    if (current !== base) return { status: 409, current };
    if (version < current) this.#options.ledger.broken.push(`${this.scenario.id}/${key} went back to ${version} (P5)`);
    this.versions.set(key, version);
    this.#options.ledger.note(`${this.scenario.id}/${key} has ${version}`);
    return { status: 200 };
  }
}

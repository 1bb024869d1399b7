import type { BatchLimits, OrderedDestination, OutgoingBatch, Reply } from '../../src/engine/ordered/destination.ts';
import type { VirtualTime } from '../support/virtual-time.ts';
import { Draw } from './draw.ts';
import type { Ledger } from './ledger.ts';
import { idOf, type Life } from './process.ts';
import type { DestinationScenario, Weather } from './scenario.ts';

const REQUEST_TIMEOUT_MS = 10_000;

interface ServerOptions {
  scenario: DestinationScenario;
  seed: number;
  fault_rate: number;
  time: VirtualTime;
  ledger: Ledger;
  /** False once the bad times are over. */
  chaos: () => boolean;
}

/** A destination outside of the process: what it has taken, its faults and the network to it. It survives crashes. */
export class Server {
  readonly #options: ServerOptions;
  readonly #draw: Draw;
  readonly #poison = new Map<number, 'bad' | 'huge' | 'crashing' | 'good'>();

  constructor(options: ServerOptions) {
    this.#options = options;
    this.#draw = new Draw(options.seed, `server ${options.scenario.id}`);
  }

  /** What is wrong with an item, for this destination; the same whenever it is asked. */
  poison(id: number): 'bad' | 'huge' | 'crashing' | 'good' {
    let known = this.#poison.get(id);
    if (!known) {
      const { bad, huge, crashing, id: name } = this.#options.scenario;
      const unit = new Draw(this.#options.seed, `poison ${name} ${id}`).random.unit();
      known = unit < bad ? 'bad' : unit < bad + huge ? 'huge' : unit < bad + huge + crashing ? 'crashing' : 'good';
      this.#poison.set(id, known);
    }
    return known;
  }

  /** A last item of a partition, whose acceptance judges what still waits for a verdict. */
  bless(id: number): void {
    this.#poison.set(id, 'good');
  }

  /** The destination as a process holds it. */
  connect(life: Life): OrderedDestination {
    const { scenario, ledger } = this.#options;
    const limits: BatchLimits = { max_items: scenario.max_items, max_body_bytes: 100_000 };
    return {
      id: scenario.id,
      guarantee: scenario.exact ? 'exact' : 'at-least-once',
      window: () => scenario.window,
      limits: () => limits,
      accepts: (_, { name }) => !scenario.declines.includes(String(name)),
      encode: (_, items) => `[${items.join(',')}]`,
      envelopeBytes: () => 2,
      send: (batch, signal) => {
        if (life.dead) return new Promise(() => {});
        ledger.sent(scenario.id, batch.batch_id, idsOf(batch), batch.body);
        return life.outlived(this.#request(batch, signal));
      },
      ...(scenario.probe ? { probe: () => life.outlived(this.#probe()) } : {}),
    };
  }

  async #probe(): Promise<boolean> {
    await this.#options.time.sleep(10);
    const weather = this.#weather();
    return weather !== 'outage' && weather !== 'unreachable';
  }

  /** One request over the network: it may be slow or get lost on either way, and its sender may give up. */
  #request(batch: OutgoingBatch, signal: AbortSignal): Promise<Reply> {
    const { time, fault_rate, chaos } = this.#options;
    const draw = this.#draw;
    const fault =
      chaos() && draw.chance(fault_rate)
        ? draw.one(['lost', 'reset', 'lost reply', 'reset after', 'slow', '5xx'] as const)
        : null;
    const there_ms = fault === 'slow' ? draw.between(1000, 30_000) : draw.between(1, 100);
    const given_up = new AbortController();
    const timeout = time
      .sleep(REQUEST_TIMEOUT_MS, given_up.signal)
      .then((): Reply => ({ status: null, reason: 'timeout', message: 'no answer' }));
    const aborted = new Promise<Reply>((resolve) =>
      signal.addEventListener('abort', () => resolve({ status: null, reason: 'aborted', message: '' }), { once: true }),
    );
    const answered = time.sleep(there_ms).then(async (): Promise<Reply> => {
      if (fault === 'lost') return new Promise(() => {});
      if (fault === 'reset') return reset;
      if (fault === '5xx') return { status: draw.one([500, 502, 503]) };
      const reply = this.#receive(batch);
      if (fault === 'lost reply') return new Promise(() => {});
      if (fault === 'reset after') return reset;
      await time.sleep(draw.between(1, 50));
      return reply;
    });
    return Promise.race([answered, timeout, aborted]).finally(() => given_up.abort('answered'));
  }

  #weather(partition?: string): Weather | null {
    const { scenario, time, chaos } = this.#options;
    if (!chaos()) return null;
    const now_ms = time.monotonic_ms();
    const spell = scenario.weather.find(
      ({ from_ms, to_ms, kind, partition: only }) =>
        now_ms >= from_ms &&
        now_ms < to_ms &&
        ((kind !== 'forbidden' && kind !== 'refused_whole') || only === partition),
    );
    return spell?.kind ?? null;
  }

  /** The destination's own transaction. */
  #receive(batch: OutgoingBatch): Reply {
    const { scenario, ledger } = this.#options;
    const bad_weather = this.#stopped(String(batch.header.name));
    if (bad_weather) return bad_weather;
    const ids = idsOf(batch);
    const refused = this.#refused(ids);
    if (refused) return refused;
    if (ledger.arrived(scenario.id, batch.batch_id))
      return { status: this.#draw.one([409, 202]), received: ids.length, deduped: ids.length };
    const { effects } = ledger.account(scenario.id);
    for (const id of ids) if (!scenario.exact || !effects.has(id)) ledger.effect(scenario.id, id);
    return { status: this.#draw.one([200, 202, 202, 204]), received: ids.length, deduped: 0 };
  }

  #stopped(partition: string): Reply | null {
    switch (this.#weather(partition)) {
      case 'outage':
        return { status: this.#draw.one([500, 503]) };
      case 'unreachable':
        return { status: null, reason: this.#draw.one(['dns', 'refused', 'reset']), message: 'down' };
      case 'throttled':
        return { status: 429, ...this.#retryAfter() };
      case 'forbidden':
        return { status: 403 };
      case 'refused_whole':
        return { status: 400, code: 'kind' };
      case null:
        return null;
    }
  }

  #retryAfter(): { retry_after?: string } {
    const seconds = this.#draw.between(0, 600);
    const date = new Date(this.#options.time.now_ms() + seconds * 1000).toUTCString();
    return this.#draw.one([{ retry_after: String(seconds) }, { retry_after: date }, {}]);
  }

  #refused(ids: readonly number[]): Reply | null {
    const { scenario } = this.#options;
    if (ids.some((id) => this.poison(id) === 'crashing')) return this.#draw.one([reset, { status: 500 }]);
    // Its real limit is half of what it was configured with.
    const most = Math.max(1, Math.ceil(scenario.max_items / 2));
    if (scenario.states_limits && ids.length > most) return { status: 413, limits: { max_items: most } };
    if (ids.some((id) => this.poison(id) === 'huge')) return { status: 413 };
    const item_errors = ids.flatMap((id, index) =>
      this.poison(id) === 'bad' ? [{ index, code: 'bad', message: 'no' }] : [],
    );
    if (item_errors.length === 0) return null;
    return scenario.indexes ? { status: 422, item_errors } : { status: 400 };
  }
}

const reset: Reply = { status: null, reason: 'reset', message: 'gone' };

function idsOf(batch: OutgoingBatch): number[] {
  return (JSON.parse(batch.body) as unknown[]).map((item) => idOf(JSON.stringify(item)));
}

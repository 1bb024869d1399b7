import { Crash } from '../../support/faulty-database.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';
import { SynclineError } from '../../../src/platform/errors.ts';
import type { MemberId } from '../../../src/memory/origin.ts';
import type { Verb } from '../../../src/memory/replication/messages.ts';
import type { Answer, PeerTransport } from '../../../src/memory/replication/transport.ts';
import type { Draw } from '../draw.ts';
import type { Life } from '../process.ts';
import type { MemoryScenario } from './scenario.ts';

/** What the network needs to know of a machine. */
export interface Machine {
  index: number;
  member: MemberId;
  /** Its process; null while there is none. */
  process: {
    life: Life;
    answer(member: MemberId, verb: Verb, body: string, signal: AbortSignal): Promise<string>;
  } | null;
}

const UNREACHED: Answer = { ok: false, kind: 'unreached', message: 'nobody answered' };

/** Loses, doubles, delays and reorders messages, and parts the members. What is on its way arrives though its sender died. */
export class Network {
  readonly #time: VirtualTime;
  readonly #draw: Draw;
  readonly #scenario: MemoryScenario;
  readonly #broken: string[];
  readonly #note: (line: string) => void;
  messages = 0;
  bytes = 0;
  calm = false;

  constructor(scenario: MemoryScenario, draw: Draw, time: VirtualTime, broken: string[], note: (line: string) => void) {
    this.#scenario = scenario;
    this.#draw = draw;
    this.#time = time;
    this.#broken = broken;
    this.#note = note;
  }

  /** The way from a machine to another, as the process that runs there now sees it. */
  transport(from: Machine, life: Life, to: Machine): PeerTransport {
    return {
      ask: (verb, body, signal) => {
        if (life.dead) return new Promise(() => {});
        return life.outlived(
          new Promise<Answer>((resolve) => {
            const gone = new AbortController();
            const give_up = (): void => {
              gone.abort('gone');
              resolve(UNREACHED);
            };
            if (signal.aborted) return give_up();
            signal.addEventListener('abort', give_up, { once: true });
            void this.#send(from, to, verb, body as string, gone.signal).then((answer) => answer && resolve(answer));
          }),
        );
      },
    };
  }

  /** Null: nothing ever comes back. */
  async #send(from: Machine, to: Machine, verb: Verb, body: string, gone: AbortSignal): Promise<Answer | null> {
    this.messages++;
    this.bytes += body.length;
    const doubled = this.#happens(this.#scenario.duplication);
    const lost = this.#happens(this.#scenario.loss);
    await this.#time.sleep(this.#latency());
    if (doubled) void this.#again(from, to, verb, body);
    if (lost || this.#isParted(from, to)) return null;
    const answer = await this.#deliver(from, to, verb, body, gone);
    await this.#time.sleep(this.#latency());
    if (this.#happens(this.#scenario.loss) || this.#isParted(from, to)) return null;
    return answer;
  }

  async #again(from: Machine, to: Machine, verb: Verb, body: string): Promise<void> {
    await this.#time.sleep(this.#latency() * 3);
    if (!this.#isParted(from, to)) await this.#deliver(from, to, verb, body, AbortSignal.abort());
  }

  async #deliver(from: Machine, to: Machine, verb: Verb, body: string, gone: AbortSignal): Promise<Answer | null> {
    const { process } = to;
    if (!process || process.life.dead) return UNREACHED;
    try {
      return { ok: true, body: await process.life.outlived(process.answer(from.member, verb, body, gone)) };
    } catch (error) {
      if (error instanceof Crash || process.life.dead) return null;
      if (!(error instanceof SynclineError)) {
        this.#broken.push(`${to.index} failed at ${verb} of ${from.index}: ${(error as Error).stack ?? String(error)}`);
        return UNREACHED;
      }
      this.#note(`${to.index} refuses ${verb} of ${from.index}: ${error.code} ${error.message}`);
      if (error.code.startsWith('storage')) return UNREACHED;
      return { ok: false, kind: 'refused', code: error.code, message: error.message };
    }
  }

  #isParted(a: Machine, b: Machine): boolean {
    if (this.calm) return false;
    const now = this.#time.monotonic_ms();
    return this.#scenario.partitions.some(
      ({ from_ms, to_ms, inside }) =>
        from_ms <= now && now < to_ms && inside.includes(a.index) !== inside.includes(b.index),
    );
  }

  #happens(probability: number): boolean {
    return this.#draw.chance(probability) && !this.calm;
  }

  #latency(): number {
    return this.#draw.between(1, this.calm ? 5 : this.#scenario.latency_ms);
  }
}

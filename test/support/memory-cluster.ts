/** Members that replicate in one process and in virtual time, over a network that a test may cut or bend. */
import type { MemoryStoreOptions } from '../../src/memory/open-memory-store.ts';
import type { Alarm } from '../../src/memory/replication/members.ts';
import type { Verb } from '../../src/memory/replication/messages.ts';
import { Replication } from '../../src/memory/replication/replication.ts';
import type { ReplicationSettings } from '../../src/memory/replication/settings.ts';
import type { Answer } from '../../src/memory/replication/transport.ts';
import { SynclineError } from '../../src/platform/errors.ts';
import { seededRandom } from '../../src/platform/random.ts';
import { MemoryMember } from './memory-member.ts';
import { VirtualTime } from './virtual-time.ts';

/** Group commits wait for ends of turns, several one after the other. */
class ClusterTime extends VirtualTime {
  override async settle(): Promise<void> {
    for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}

export interface ClusterNode {
  member: MemoryMember;
  replication: Replication;
  alarms: Alarm[];
}

export interface Said {
  from: string;
  to: string;
  verb: Verb;
  body: string;
}

export class MemoryCluster {
  readonly time = new ClusterTime();
  readonly nodes = new Map<string, ClusterNode>();
  /** Every message that was asked, in order. */
  readonly said: Said[] = [];
  readonly defects: unknown[] = [];
  /** Decides what becomes of a message; null: it is delivered. */
  meddle: (said: Said) => Answer | null = () => null;
  readonly #ended = new AbortController();
  readonly #settings: Partial<ReplicationSettings>;

  constructor(settings: Partial<ReplicationSettings> = {}) {
    this.#settings = settings;
  }

  add(name: string, options: Partial<MemoryStoreOptions> = {}): ClusterNode {
    const clock = { now_ms: this.time.now_ms, monotonic_ms: this.time.monotonic_ms };
    const member = new MemoryMember(name, ':memory:', { clock, ...options });
    const alarms: Alarm[] = [];
    const replication = new Replication({
      replica: member.replica,
      clock: this.time,
      timers: this.time,
      random: seededRandom(name.charCodeAt(0)),
      device: name,
      program: '0',
      settings: this.#settings,
      alarm: (alarm) => alarms.push(alarm),
      onDefect: (error) => this.defects.push(error),
    });
    const node = { member, replication, alarms };
    this.nodes.set(name, node);
    return node;
  }

  /** Pairs them; `dials`: who dials whom, `ab` = a dials b. */
  pair(...dials: string[]): void {
    for (const way of dials) {
      const [from = '', to = ''] = way;
      this.#setPeer(from, to, true);
      if (!dials.includes(`${to}${from}`)) this.#setPeer(to, from, false);
    }
  }

  #setPeer(from: string, to: string, dials: boolean): void {
    const transport = dials
      ? { ask: (verb: Verb, body: string, signal: AbortSignal) => this.#ask({ from, to, verb, body }, signal) }
      : null;
    this.nodes.get(from)?.replication.setPeer({ member: this.#memberOf(to), name: to, transport });
  }

  /** Two nodes may be one member: a machine and its copy. */
  #memberOf(name: string): string {
    return this.nodes.get(name)?.member.replica.identity().member ?? name;
  }

  async #ask(said: Said, signal: AbortSignal): Promise<Answer> {
    this.said.push(said);
    await this.time.sleep(1, signal);
    const meddled = this.meddle(said);
    if (meddled) return meddled;
    try {
      const answering = this.nodes
        .get(said.to)!
        .replication.answer(this.#memberOf(said.from), said.verb, said.body, signal);
      return { ok: true, body: await answering };
    } catch (error) {
      if (!(error instanceof SynclineError)) throw error;
      return { ok: false, kind: 'refused', code: error.code, message: error.message };
    }
  }

  start(...names: string[]): void {
    for (const name of names.length > 0 ? names : this.nodes.keys())
      void this.nodes.get(name)?.replication.run(this.#ended.signal);
  }

  /** What was asked of this kind, from the first letter to the second. */
  count(way: string, verb: Verb): number {
    return this.said.filter((one) => `${one.from}${one.to}` === way && one.verb === verb).length;
  }

  async until(what: () => boolean | Promise<boolean>, limit_ms = 600_000): Promise<void> {
    await this.time.until(what, limit_ms);
  }

  async close(): Promise<void> {
    this.#ended.abort('closed');
    await this.time.settle();
    for (const { member } of this.nodes.values()) await member.close();
  }
}

import { loadHashing } from '../../../src/redaction/hashing.ts';
import { createRedactor, type Redactor } from '../../../src/redaction/redactor.ts';
import type { Memories, Written as WrittenResult } from '../../../src/memory/memories.ts';
import { placeOf, type MemberId } from '../../../src/memory/origin.ts';
import { SynclineError } from '../../../src/platform/errors.ts';
import { Crash } from '../../support/faulty-database.ts';
import { scratchDirectory } from '../../support/scratch-directory.ts';
import { VirtualTime } from '../../support/virtual-time.ts';
import { Draw } from '../draw.ts';
import type { Outcome } from '../world.ts';
import { History, type Read, type Written } from './history.ts';
import { judgeMemory } from './judge.ts';
import { SimulatedMachine } from './machine.ts';
import { Network } from './network.ts';
import { memoryScenarioOf, type DiskEvent, type MemoryScenario } from './scenario.ts';

const CALLER = { caller: { agent_id: 'simulated' } };
const REGISTERS = ['register-0', 'register-1', 'register-2'];
/** Virtual time within which members that hear each other must be equal. */
const CALM_MS = 3 * 3_600_000;

/** Work between two timers is microtasks and ends of turns: a group commit waits for two, a repair for one more each. */
class MemoryTime extends VirtualTime {
  override async settle(): Promise<void> {
    for (let i = 0; i < 6; i++) await new Promise((resolve) => setImmediate(resolve));
  }
}

/** A whole cluster of members from a seed: bad times, then calm until all are equal, then the verdict. */
export class MemoryWorld {
  readonly scenario: MemoryScenario;
  readonly time = new MemoryTime();
  readonly history = new History();
  readonly broken: string[] = [];
  readonly trace: string[] = [];
  readonly machines: SimulatedMachine[] = [];
  readonly network: Network;
  /** Indexes of machines that are part of the cluster. */
  readonly joined = new Set<number>();
  readonly left = new Set<number>();
  crashes = 0;
  readonly #scratch = scratchDirectory();
  readonly #draw: Draw;
  readonly #redactor: Redactor;
  #clones = 0;

  constructor(seed: number, redactor: Redactor, shift: number) {
    this.scenario = memoryScenarioOf(seed);
    this.#draw = new Draw(seed, 'memory world');
    for (let i = 0; i < shift; i++) this.#draw.random.unit();
    this.#redactor = redactor;
    const note = (line: string): void => void this.trace.push(`${this.time.monotonic_ms()} ${line}`);
    this.network = new Network(this.scenario, new Draw(seed, 'network'), this.time, this.broken, note);
    for (let i = 0; i < this.scenario.members; i++) this.#add(`m${i}`, i);
    for (const machine of this.machines)
      if (!this.scenario.late || machine.index < this.scenario.members - 1) this.joined.add(machine.index);
  }

  #add(member: MemberId, like: number): SimulatedMachine {
    const { seed, skews_ms, upkeep_ms, keep_operations_ms } = this.scenario;
    const machine: SimulatedMachine = new SimulatedMachine({
      index: this.machines.length,
      member,
      folder: this.#scratch.path,
      seed,
      time: this.time,
      skew_ms: skews_ms[like] ?? 0,
      settings: { upkeep_ms, keep_operations_ms, request_timeout_ms: 12_000, pull_wait_ms: 10_000 },
      redactor: this.#redactor,
      peers: () => this.#peersOf(machine),
      mayDiffer: () => this.history.forks.size > 0 || this.#mayBeBelowFloor(),
      removed: () => [...this.left].map((i) => `m${i}`),
      network: this.network,
      broken: this.broken,
      note: (line) => this.#note(line),
    });
    this.machines.push(machine);
    return machine;
  }

  /** One that is new, or lost its disk, with a clock behind another's, may write below what they purged (README). */
  #mayBeBelowFloor(): boolean {
    const { skews_ms, clock_steps, late, members } = this.scenario;
    const most = Math.max(...skews_ms);
    const fresh = this.history.losses.map(({ member }) => skews_ms[Number(member.slice(1))] ?? 0);
    if (late) fresh.push(skews_ms[members - 1] ?? 0);
    return fresh.some((skew) => skew < most || clock_steps > 0);
  }

  #peersOf(machine: SimulatedMachine): { machine: SimulatedMachine; dialled: boolean }[] {
    const own = this.#originalOf(machine);
    return this.machines
      .filter((other) => this.joined.has(other.index) && other.index < this.scenario.members && other.index !== own)
      .filter((other) => this.#arePaired(own, other.index))
      .map((other) => ({ machine: other, dialled: this.#dials(own, other.index) }));
  }

  /** A clone speaks as the machine that it is a copy of. */
  #originalOf(machine: SimulatedMachine): number {
    return Number(machine.member.slice(1));
  }

  #arePaired(a: number, b: number): boolean {
    return this.scenario.topology !== 'star' || a === 0 || b === 0;
  }

  #dials(from: number, to: number): boolean {
    if (this.scenario.topology === 'mesh') return true;
    if (this.scenario.topology === 'star') return to === 0;
    return from > to;
  }

  #note(line: string): void {
    this.trace.push(`${this.time.monotonic_ms()} ${line}`);
  }

  async run(): Promise<Outcome> {
    try {
      for (const machine of this.machines) if (this.joined.has(machine.index)) machine.start();
      await this.time.settle();
      await this.#badTimes();
      this.network.calm = true;
      this.#note('calm');
      await this.#calm();
      // A crash that has still to come must not hit who judges.
      for (const { process } of this.cluster) process?.db.spare();
      this.broken.push(...(await judgeMemory(this)));
    } catch (error) {
      this.broken.push(`the run ended: ${(error as Error).stack ?? String(error)}`);
    } finally {
      for (const machine of this.machines) machine.bury();
      await this.time.settle();
      this.#scratch.remove();
    }
    return { broken: this.broken, crashes: this.crashes, trace: this.trace };
  }

  /** Those that are part of the cluster, clones included. */
  get cluster(): SimulatedMachine[] {
    return this.machines.filter(({ index }) => this.joined.has(index));
  }

  async #badTimes(): Promise<void> {
    const { scenario, time } = this;
    const draw = this.#draw;
    const pace_ms = scenario.chaos_ms / scenario.steps;
    const disks = [...scenario.disks].sort((a, b) => a.at_ms - b.at_ms);
    for (let step = 0; step < scenario.steps; step++) {
      const now = time.monotonic_ms();
      while (disks[0] && disks[0].at_ms <= now) this.#disk(disks.shift()!);
      if (scenario.late && step === Math.floor(scenario.steps / 2)) this.#join(scenario.members - 1);
      if (scenario.leaves && step === Math.floor((scenario.steps * 3) / 4)) this.#leave(scenario.members - 2);
      const alive = this.cluster.filter(({ isAlive }) => isAlive);
      for (let burst = draw.one([1, 1, 1, 5]); burst > 0 && alive.length > 0; burst--) this.#act(draw.one(alive));
      if (draw.chance(0.05) && alive.length > 0) draw.one(alive).backup();
      if (draw.chance(scenario.clock_steps)) draw.one(this.machines).skew_ms += draw.between(-3_600_000, 3_600_000);
      if (draw.chance(scenario.crash_rate)) this.#crash();
      await this.#elapse(draw.between(0, Math.ceil(pace_ms * 2)));
    }
  }

  #crash(): void {
    const alive = this.cluster.filter(({ isAlive }) => isAlive);
    if (this.crashes >= this.scenario.crashes || alive.length === 0) return;
    this.crashes++;
    const machine = this.#draw.one(alive);
    if (this.#draw.chance(0.3)) machine.die();
    else machine.crashSoon();
  }

  #disk({ member: index, event }: { member: number; event: DiskEvent }): void {
    const machine = this.machines[index];
    if (!machine || !this.joined.has(index)) return;
    if (event === 'cloned' || event === 'twin') return this.#clone(machine, event === 'twin');
    machine.bury();
    const at_ms = this.time.monotonic_ms();
    const backup_ms = event === 'wiped' ? machine.wipe() : machine.restore(event === 'restored');
    this.#note(`${index} is ${event} to ${backup_ms}`);
    this.history.losses.push({ member: machine.member, at_ms, backup_ms });
    machine.start();
    if (event === 'rolled_back' && backup_ms >= 0) this.#noteFork(machine);
  }

  /** From now on places after these may hold two operations. */
  #noteFork({ running: { memories } }: SimulatedMachine): void {
    const { origin } = memories.replica.identity();
    this.history.forks.set(origin, memories.replica.vector()[origin] ?? 0);
  }

  #clone(machine: SimulatedMachine, unaware: boolean): void {
    // Clones are of members that dial: nobody could reach a clone by itself.
    if (!machine.isAlive || this.#clones > 0 || !this.#peersOf(machine).every(({ dialled }) => dialled)) return;
    this.#clones++;
    const clone = this.#add(machine.member, machine.index);
    this.joined.add(clone.index);
    if (unaware) this.#noteFork(machine);
    clone.copyFrom(machine, unaware);
    this.#note(`${clone.index} is a ${unaware ? 'twin' : 'clone'} of ${machine.index}`);
    clone.start();
    // Both number on from one place, at once: what is said of these numbers is of the one or of the other.
    if (unaware) for (let i = 0; i < 3; i++) for (const one of [machine, clone]) this.#act(one);
  }

  #join(index: number): void {
    this.joined.add(index);
    this.#note(`${index} joins`);
    this.machines[index]?.start();
    for (const other of this.cluster)
      if (other.index !== index)
        for (const { machine, dialled } of this.#peersOf(other))
          if (machine.index === index)
            other.process?.replication.setPeer({
              member: machine.member,
              name: 'late',
              transport: dialled ? this.network.transport(other, other.running.life, machine) : null,
            });
  }

  #leave(index: number): void {
    const machine = this.machines[index];
    if (
      !machine ||
      !this.joined.has(index) ||
      this.cluster.some((one) => one !== machine && one.member === machine.member)
    )
      return;
    this.#note(`${index} leaves`);
    machine.bury();
    this.joined.delete(index);
    this.left.add(index);
    this.history.losses.push({ member: machine.member, at_ms: this.time.monotonic_ms(), backup_ms: -1 });
    for (const other of this.cluster) other.process?.replication.removePeer(machine.member);
  }

  /** Lets virtual time pass; processes that died are started again from what they had committed, after a while. */
  async #elapse(duration_ms: number): Promise<void> {
    let over = false;
    void this.time.sleep(duration_ms).then(() => (over = true));
    await this.time.settle();
    while (!over) {
      this.#revive();
      await this.time.tick();
    }
    this.#revive();
  }

  #revive(): void {
    for (const machine of this.cluster) {
      if (machine.process?.db.crashed && !machine.process.life.dead) machine.die();
      if (!machine.process?.life.dead) continue;
      machine.bury();
      void this.time.sleep(this.#draw.between(1, 30_000)).then(() => {
        if (machine.process === null && this.joined.has(machine.index)) machine.start();
      });
    }
  }

  /** One step of a client at a member; it goes on by itself. */
  #act(machine: SimulatedMachine): void {
    const { life, memories } = machine.running;
    this.#step(machine, memories).catch((error: unknown) => {
      if (life.dead || error instanceof Crash || machine.process?.db.crashed) return;
      const { code } = error as { code?: string };
      if (error instanceof SynclineError && EXPECTED.has(code ?? '')) return;
      this.broken.push(`a client of ${machine.index} was told: ${(error as Error).stack ?? String(error)}`);
    });
  }

  async #step(machine: SimulatedMachine, memories: Memories): Promise<void> {
    const draw = this.#draw;
    const { writes } = this.history;
    const number = writes.length;
    const some = (): string => draw.one([...REGISTERS, ...writes.slice(-20).map(({ id }) => id)]);
    const value = `value ${number}`;
    const chosen = draw.random.unit();
    if (chosen < 0.4) {
      const id = draw.chance(0.25) ? draw.one(REGISTERS) : `memory-${String(number).padStart(5, '0')}`;
      const title = draw.chance(0.2) ? 'the same title' : `title ${number}`;
      const request = { id, title, content: value, namespace: 'simulation', on_conflict: 'version' } as const;
      return this.#write(machine, { kind: 'store', id, value }, (key) =>
        memories.store(request, { ...CALLER, ...key }),
      );
    }
    if (chosen < 0.6) {
      const id = some();
      return this.#write(machine, { kind: 'change', id, value }, (key) =>
        memories.update(id, { content: value }, { ...CALLER, ...key }),
      );
    }
    if (chosen < 0.68) {
      const id = some();
      // Not drawn: so a seed gives the same world as before there was erasing.
      const how =
        Math.floor(this.time.monotonic_ms()) % 3 === 0
          ? (key: object) => memories.erase([id], { ...CALLER, ...key })
          : (key: object) => memories.delete(id, { ...CALLER, ...key });
      return this.#write(machine, { kind: 'delete', id, value: '' }, how);
    }
    if (chosen < 0.74) {
      const [source_id, target_id] = [some(), some()];
      const act = draw.chance(0.7)
        ? () => memories.link({ source_id, target_id }, CALLER)
        : () => memories.unlink(source_id, target_id, undefined, CALLER);
      return this.#write(machine, { kind: 'link', id: source_id, value: '' }, act);
    }
    if (chosen < 0.78) {
      const id = draw.one(REGISTERS);
      const act = draw.chance(0.5)
        ? () => memories.archive([id], undefined, CALLER)
        : () => memories.restore(id, CALLER);
      return this.#write(machine, { kind: 'link', id, value: '' }, act);
    }
    return this.#read(machine, memories);
  }

  async #write(
    machine: SimulatedMachine,
    what: Pick<Written, 'kind' | 'id' | 'value'>,
    act: (key: { idempotency_key?: string }) => Promise<WrittenResult<unknown>>,
  ): Promise<void> {
    const { life, memories, replication } = machine.running;
    const draw = this.#draw;
    const written = this.history.begin({ ...what, machine: machine.index });
    const w = draw.between(1, replication.members);
    const key = draw.chance(0.3) ? { idempotency_key: `key ${written.number}` } : {};
    const deadline_ms = draw.between(1000, 20_000);
    const done = await life.outlived(act(key));
    const operation = done.operations.at(-1) ?? null;
    if (operation === null) return;
    written.operation = operation;
    // In the same turn: nothing of others can have come in between; others of the same group commit came after it.
    const { origin, sequence } = placeOf(operation)!;
    written.vector = { ...memories.replica.vector(), [origin]: sequence };
    const receipt = await life.outlived(memories.waitDurable(operation, w, deadline_ms));
    this.#note(`${machine.index} ${what.kind} ${what.id} ${operation} on ${receipt.on.join()} of ${w}`);
    if (receipt.durable_on < receipt.on.length || (receipt.durable_on < w && receipt.on.length >= w))
      this.broken.push(`a receipt contradicts itself: ${JSON.stringify(receipt)}`);
    this.#checkReceipt(machine, operation, receipt.on);
    await this.#checkRows(written, receipt.on);
    if (receipt.durable_on >= w) written.acknowledged = { on: receipt.on, at_ms: this.time.monotonic_ms(), w };
  }

  /** R1: whoever is named has this very operation, and not only one of its number. */
  #checkReceipt(machine: SimulatedMachine, operation: string, on: readonly string[]): void {
    const { replica } = machine.running.memories;
    const { origin, sequence } = replica.standsAt(placeOf(operation)!);
    const ours = replica.hashAt(origin, sequence);
    if (ours === '') return;
    for (const member of on) {
      const machines = this.machines.filter((one) => one.member === member);
      // Of a member of two machines it may be on the disk of the one that is down.
      if (machines.some((one) => !one.isAlive) || this.history.losses.some((loss) => loss.member === member)) continue;
      const theirs = machines.map(({ running }) => running.memories.replica.hashAt(origin, sequence));
      if (theirs.includes('') || theirs.includes(ours)) continue;
      this.broken.push(`${operation} of ${machine.index} counts on ${member}, which has another operation there (R1)`);
    }
  }

  /** R1 again, by what they have: a memory that nobody deletes is there. */
  async #checkRows({ kind, id, operation }: Written, on: readonly string[]): Promise<void> {
    const deleted = this.history.writes.some((write) => write.id === id && write.kind === 'delete');
    if (kind !== 'store' || deleted) return;
    for (const member of on) {
      const machines = this.machines.filter((one) => one.member === member);
      // Of a member of two machines it may be on the disk of the one that is down.
      if (machines.some((one) => !one.isAlive) || this.history.losses.some((loss) => loss.member === member)) continue;
      const rows = await Promise.all(
        machines.map(({ running }) => running.memories.replica.states([{ row: 'memory', key: id }])),
      );
      if (rows.every((found) => found.length === 0))
        this.broken.push(`${operation} counts on ${member}, where ${id} is not (R1)`);
    }
  }

  async #read(machine: SimulatedMachine, memories: Memories): Promise<void> {
    const draw = this.#draw;
    const { life, replication } = machine.running;
    const id = draw.one(REGISTERS);
    const level = draw.one(['local', 'session', 'quorum'] as const);
    const floor: Written[] = [];
    const deadline_ms = draw.between(1000, 20_000);
    if (level === 'session') {
      const from = draw.one(this.cluster.filter(({ isAlive }) => isAlive));
      const before = this.history.writes.filter((write) => write.id === id && write.operation !== null);
      const token = from.running.replication.readToken();
      // A token names numbers: of one that two machines filled it does not say whose.
      const certain = before.filter((write) => !this.history.isForked(write));
      floor.push(...certain.filter((write) => covered(write, from.running.memories)));
      await life.outlived(replication.readBarrier({ level, token }, deadline_ms, new AbortController().signal));
    }
    if (level === 'quorum') {
      const members = replication.members;
      // Members that have this write together with those that are asked are more than there are, so one of these has it.
      // Not with a clone: two machines then answer as one member.
      const reads = draw.between(1, members);
      const all = new Set(this.cluster.map(({ member }) => member)).size;
      // Nor does one count whose disk was replaced by an older one: it is asked as any other, and may answer without it.
      const kept = this.history.writes.filter(
        (write) => write.id === id && this.history.keptOn(write).length + reads > all,
      );
      if (this.#clones === 0) floor.push(...kept);
      await life.outlived(
        replication.readBarrier({ level, members: reads }, deadline_ms, new AbortController().signal),
      );
    }
    const found = await life.outlived(memories.get(id));
    const read: Read = {
      machine: machine.index,
      id,
      value: found?.content ?? null,
      level,
      floor: floor.map(({ number }) => number),
    };
    this.history.reads.push(read);
  }

  /** All is well: everybody runs, everything arrives. Ends when all are equal. */
  async #calm(): Promise<void> {
    const until_ms = this.time.monotonic_ms() + CALM_MS;
    while (!this.#areEqual()) {
      if (this.time.monotonic_ms() > until_ms)
        return void this.broken.push(`not equal within ${CALM_MS} ms of calm: ${this.#standings()}`);
      await this.#elapse(1000);
    }
    // Purges and removals still go on; they too must come to an end.
    await this.#elapse(2 * this.scenario.upkeep_ms + 60_000);
    const before = this.network.messages;
    await this.#elapse(60_000);
    const said = this.network.messages - before;
    const ways = this.cluster.reduce((sum, machine) => sum + this.#peersOf(machine).length, 0);
    // A greeting every 15 s and a pull every 10 s, each doubled by the other side at most.
    if (said > ways * 30) this.broken.push(`${said} messages in a minute in which nothing happened (R5)`);
    while (!this.#areEqual()) {
      if (this.time.monotonic_ms() > until_ms) return void this.broken.push('not equal again after purges');
      await this.#elapse(1000);
    }
  }

  #standings(): string {
    return this.cluster
      .map(({ index, process }) => {
        if (!process) return `${index} is gone`;
        const links = process.replication
          .status()
          .peers.map(({ name, link }) => `${name} ${link?.state} ${link?.last_error}`);
        return `${index} ${JSON.stringify(process.memories.replica.vector())} ${links.join(', ')}`;
      })
      .join('\n');
  }

  #areEqual(): boolean {
    const alive = this.cluster.filter(({ isAlive }) => isAlive);
    if (alive.length < this.cluster.length) return false;
    const vectors = alive.map(({ running }) =>
      JSON.stringify(Object.entries(running.memories.replica.vector()).sort()),
    );
    return new Set(vectors).size === 1;
  }
}

/** What a client may be told of in bad times. */
const EXPECTED = new Set(['memory.not_found', 'memory.behind', 'memory.conflict', 'memory.invalid', 'memory.archived']);

function covered({ operation }: Written, memories: Memories): boolean {
  const at = operation?.lastIndexOf(':') ?? -1;
  if (operation === null) return false;
  return (memories.replica.vector()[operation.slice(0, at)] ?? 0) >= Number(operation.slice(at + 1));
}

let redactor: Promise<Redactor> | null = null;

/** `shift`: so many numbers are thrown away before the first step, which gives other histories in the same world. */
export async function simulateMemory(seed: number, shift = 0): Promise<Outcome> {
  redactor ??= loadHashing().then((hashing) => createRedactor({ hashing, salt: new Uint8Array(32) }));
  return new MemoryWorld(seed, await redactor, shift).run();
}

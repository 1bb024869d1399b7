import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { openSqliteStore } from '../../../src/engine/sqlite/store.ts';
import type { Memories } from '../../../src/memory/memories.ts';
import { openMemoryStore } from '../../../src/memory/open-memory-store.ts';
import type { MemberId } from '../../../src/memory/origin.ts';
import type { Alarm } from '../../../src/memory/replication/members.ts';
import { Replication } from '../../../src/memory/replication/replication.ts';
import type { ReplicationSettings } from '../../../src/memory/replication/settings.ts';
import type { Clock } from '../../../src/platform/clock.ts';
import type { Redactor } from '../../../src/redaction/redactor.ts';
import { Crash, FaultyDatabase } from '../../support/faulty-database.ts';
import type { VirtualTime } from '../../support/virtual-time.ts';
import { Draw } from '../draw.ts';
import { Life } from '../process.ts';
import type { Machine, Network } from './network.ts';

export interface MachineProcess {
  life: Life;
  db: FaultyDatabase;
  memories: Memories;
  replication: Replication;
  answer: Replication['answer'];
}

export interface MachineOptions {
  index: number;
  member: MemberId;
  folder: string;
  seed: number;
  time: VirtualTime;
  skew_ms: number;
  settings: Partial<ReplicationSettings>;
  redactor: Redactor;
  /** Machines that it is paired with, and whether it can dial them; asked at each start. */
  peers: () => { machine: Machine; dialled: boolean }[];
  removed: () => MemberId[];
  /** Two machines have numbered one origin, or one wrote below the floor: people are told, and rows may differ for a while. */
  mayDiffer: () => boolean;
  network: Network;
  broken: string[];
  note: (line: string) => void;
}

/** A machine with a disk, a clock of its own and, most of the time, a process. */
export class SimulatedMachine implements Machine {
  readonly index: number;
  readonly member: MemberId;
  readonly #options: MachineOptions;
  readonly #draw: Draw;
  readonly clock: Clock;
  process: MachineProcess | null = null;
  skew_ms: number;
  #starts = 0;
  #incarnations = 0;
  #incarnation: string;
  #backup_ms = -1;

  constructor(options: MachineOptions) {
    this.#options = options;
    this.index = options.index;
    this.member = options.member;
    this.skew_ms = options.skew_ms;
    this.#draw = new Draw(options.seed, `machine ${options.index}`);
    this.#incarnation = this.#nextIncarnation();
    const { time } = options;
    this.clock = { now_ms: () => time.now_ms() + this.skew_ms, monotonic_ms: () => time.monotonic_ms() };
  }

  get #file(): string {
    return join(this.#options.folder, `${this.index}.db`);
  }

  get isAlive(): boolean {
    return this.process !== null && !this.process.life.dead;
  }

  /** As it is after a start; the process must be there. */
  get running(): MachineProcess {
    if (!this.process) throw new Error(`machine ${this.index} does not run`);
    return this.process;
  }

  start(): void {
    const { time, network, redactor, settings, broken, note } = this.#options;
    const life = new Life(time);
    const db = new FaultyDatabase(this.#file);
    const { random } = new Draw(this.#options.seed, `process ${this.index} ${++this.#starts}`);
    openSqliteStore(db, { clock: this.clock, random, cap_bytes: 2 ** 30 });
    const memories = openMemoryStore(db, {
      member: this.member,
      incarnation: this.#incarnation,
      nextIncarnation: () => (this.#incarnation = this.#nextIncarnation()),
      device: `machine ${this.index}`,
      clock: this.clock,
      random,
      redactor,
      cap_bytes: 2 ** 30,
    });
    const replication = new Replication({
      replica: memories.replica,
      clock: this.clock,
      timers: life.timers,
      random,
      device: `machine ${this.index}`,
      program: '0',
      settings,
      alarm: (alarm) => this.#hear(alarm),
      onDefect: (error) => {
        if (life.dead || db.crashed || error instanceof Crash) return;
        broken.push(`replication of ${this.index} failed: ${(error as Error).stack ?? String(error)}`);
      },
    });
    for (const { machine, dialled } of this.#options.peers())
      replication.setPeer({
        member: machine.member,
        name: `m${machine.index}`,
        transport: dialled ? network.transport(this, life, machine) : null,
      });
    replication.forget(this.#options.removed());
    this.process = { life, db, memories, replication, answer: (...asked) => replication.answer(...asked) };
    note(`${this.index} starts as ${memories.replica.identity().origin}`);
    const stop = new AbortController();
    replication.run(stop.signal).catch((error: unknown) => {
      if (life.dead || error instanceof Crash) return life.die();
      broken.push(`replication of ${this.index} ended: ${(error as Error).stack ?? String(error)}`);
    });
  }

  #hear(alarm: Alarm): void {
    const { note, broken } = this.#options;
    note(`${this.index} alarms: ${JSON.stringify(alarm)}`);
    if (this.#options.mayDiffer()) return;
    if (alarm.kind === 'identity_shared' || alarm.kind === 'diverged')
      broken.push(`${this.index} raised an alarm: ${JSON.stringify(alarm)}`);
  }

  /** At once, wherever it is. */
  die(): void {
    this.#options.note(`${this.index} dies`);
    this.process?.life.die();
  }

  /** The file is closed as a dead process leaves it: what was committed is there. */
  bury(): void {
    this.process?.life.die();
    this.process?.db.close();
    this.process = null;
  }

  /** In some statement from now on, before or after it. */
  crashSoon(): void {
    this.running.db.crashAt(this.#draw.between(1, 40), this.#draw.one(['before', 'after']));
  }

  backup(): void {
    // One that is about to crash in a statement shall do so in one of its own.
    if (this.running.db.crash_at !== undefined) return;
    rmSync(`${this.#file}.backup`, { force: true });
    this.running.db.exec(`VACUUM INTO '${this.#file}.backup'`);
    this.#backup_ms = this.#options.time.monotonic_ms();
  }

  /** The disk is new. Returns when what is on it now was taken. */
  wipe(): number {
    this.#removeFiles();
    this.#incarnation = this.#nextIncarnation();
    return -1;
  }

  /** An old copy takes the disk's place. `elsewhere`: the program can see that it is one. */
  restore(elsewhere: boolean): number {
    if (!existsSync(`${this.#file}.backup`)) return this.wipe();
    this.#removeFiles();
    copyFileSync(`${this.#file}.backup`, this.#file);
    if (elsewhere) this.#incarnation = this.#nextIncarnation();
    return this.#backup_ms;
  }

  /** Begins with a copy of another machine's disk. `unaware`: numbers on where the other one does. */
  copyFrom(other: SimulatedMachine, unaware: boolean): void {
    if (unaware) this.#incarnation = other.#incarnation;
    other.running.db.spare();
    other.running.db.exec(`VACUUM INTO '${this.#file}'`);
  }

  #removeFiles(): void {
    for (const end of ['', '-wal', '-shm']) rmSync(`${this.#file}${end}`, { force: true });
  }

  #nextIncarnation(): string {
    return `${++this.#incarnations}x${this.index}${this.#draw.between(0, 2 ** 31).toString(36)}`;
  }
}

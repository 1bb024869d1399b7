/** One process: a member whose writers store memories, each waiting until two of three members have its own on disk. */
import { invariant } from '../../../src/platform/errors.ts';
import { answer, processInput } from '../../measured-process.ts';
import { median } from '../../harness.ts';
import { openMember, type OpenMember } from './open-member.ts';
import { memoryRows, payloadBytes } from './rows.ts';

export interface WritesInput {
  home: string;
  writers: number;
  warm_up_ms: number;
  measured_ms: number;
}

export interface WritesFigures {
  /** Acknowledged within the measured time. */
  rows_per_second: number;
  /** Of one write, the median. */
  milliseconds: number;
  /** All that was written, warm-up included. */
  rows: number;
  payload_bytes: number;
  /** Of this process, user and system, for one row. */
  cpu_us: number;
}

const ACKNOWLEDGED_BY = 2;
const DEADLINE_MS = 30_000;

async function write({ memories }: OpenMember, row: ReturnType<ReturnType<typeof memoryRows>>): Promise<void> {
  const { operations } = await memories.store(row, { caller: { agent_id: 'bench' } });
  const receipt = await memories.waitDurable(operations.at(-1) ?? '', ACKNOWLEDGED_BY, DEADLINE_MS);
  invariant(receipt.durable_on >= ACKNOWLEDGED_BY, 'a write of the bench is acknowledged');
}

const input = processInput<WritesInput>();
const rowOf = memoryRows();
const member = await openMember(input.home);
await member.join(2);

const times: number[] = [];
let rows = 0;
let payload_bytes = 0;
const begins_ms = performance.now() + input.warm_up_ms;
const ends_ms = begins_ms + input.measured_ms;
const cpu_before = process.cpuUsage();

async function writeUntilTheEnd(): Promise<void> {
  while (performance.now() < ends_ms) {
    const row = rowOf(rows++);
    payload_bytes += payloadBytes(row);
    const began_ms = performance.now();
    await write(member, row);
    const ended_ms = performance.now();
    if (ended_ms >= begins_ms && ended_ms < ends_ms) times.push(ended_ms - began_ms);
  }
}

await Promise.all(Array.from({ length: input.writers }, writeUntilTheEnd));
const { user, system } = process.cpuUsage(cpu_before);
await member.memories.close();
const figures: WritesFigures = {
  rows_per_second: times.length / (input.measured_ms / 1000),
  milliseconds: median(times),
  rows,
  payload_bytes,
  cpu_us: (user + system) / rows,
};
answer(figures);
process.exit();

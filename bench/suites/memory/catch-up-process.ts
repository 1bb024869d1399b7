/** One process: a member that fills its memory, or gives all of it to a peer. */
import { systemTimers } from '../../../src/platform/timers.ts';
import { answer, processInput } from '../../measured-process.ts';
import { openMember, type OpenMember } from './open-member.ts';
import { memoryRows } from './rows.ts';

export interface CatchUpInput {
  home: string;
  rows: number;
  act: 'fill' | 'give';
}

export interface CatchUpFigures {
  seconds: number;
  /** Of the giving process, user and system, for one row. */
  cpu_us: number;
}

const AT_ONCE = 500;

async function fill({ memories }: OpenMember, rows: number): Promise<void> {
  const rowOf = memoryRows();
  for (let first = 0; first < rows; first += AT_ONCE) {
    const count = Math.min(AT_ONCE, rows - first);
    const some = Array.from({ length: count }, (_, i) => rowOf(first + i));
    await memories.storeMany(some, { caller: { agent_id: 'bench' } });
  }
}

async function give({ join, peers }: OpenMember, rows: number): Promise<CatchUpFigures> {
  const cpu_before = process.cpuUsage();
  const began_ms = performance.now();
  await join(1);
  while ((peers.replication.status().peers[0]?.waiting ?? rows) > 0) await systemTimers.sleep(2);
  const seconds = (performance.now() - began_ms) / 1000;
  const { user, system } = process.cpuUsage(cpu_before);
  return { seconds, cpu_us: (user + system) / rows };
}

const { home, rows, act } = processInput<CatchUpInput>();
const member = await openMember(home);
const figures = act === 'give' ? await give(member, rows) : await fill(member, rows);
await member.stop();
answer(figures ?? null);

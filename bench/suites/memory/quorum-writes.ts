import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, median, type Comparison, type SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import { makeMembers, startMember } from './members.ts';
import type { InsertsFigures, InsertsInput } from './inserts-process.ts';
import type { WritesFigures, WritesInput } from './writes-process.ts';

const WRITES = new URL('./writes-process.ts', import.meta.url);
const INSERTS = new URL('./inserts-process.ts', import.meta.url);
const WRITERS = 64;
export const MEMBERS = 3;

/** Three members in three processes, all paired over mTLS; writers at the first of them. */
export async function measureWrites(
  folder: string,
  writes: Omit<WritesInput, 'home'>,
  reachedAt?: (peer_port: number) => Promise<number>,
): Promise<WritesFigures> {
  const own = mkdtempSync(join(folder, 'members-'));
  const [writer, ...others] = await makeMembers(own, MEMBERS, reachedAt);
  const running = await Promise.all(others.map(startMember));
  try {
    const home = writer?.home ?? own;
    return await measureInProcess({
      script: WRITES,
      input: { home, ...writes } satisfies WritesInput,
      home,
      node_flags: programFlags(),
    });
  } finally {
    await Promise.all(running.map((member) => member.stop()));
    rmSync(own, { recursive: true });
  }
}

/**
 * A write counts when two of three members have it on disk. All three stand on this one machine, so each row is written
 * three times by three processes; the reference does that too, without anything between them: three processes that insert the same
 * bytes for as many writers at the same time, of which the second fastest counts, as the second vote does.
 */
export function quorumWritesComparison({ folder, quick, progress }: SuiteOptions): Comparison {
  const times = quick ? { warm_up_ms: 200, measured_ms: 300 } : { warm_up_ms: 2000, measured_ms: 5000 };
  const bareRate = async (): Promise<number> => {
    const own = mkdtempSync(join(folder, 'inserts-'));
    const { rows_per_second } = await measureInProcess<InsertsFigures>({
      script: INSERTS,
      input: { folder: own, writers: WRITERS, ...times } satisfies InsertsInput,
      home: own,
    });
    rmSync(own, { recursive: true });
    return rows_per_second;
  };
  return {
    name: `acknowledged durable writes at W=2 of 3, ${WRITERS} writers, rows of 0.6 KB`,
    unit: 'rows/s',
    referenceName: `bare group-commit inserts of the same bytes by three processes at once, ${WRITERS} writers each`,
    goal: { at_least: 0.7, of: 'ratio' },
    rounds: quick ? 1 : 5,
    measure: inTurn(
      async () => {
        const { rows_per_second, cpu_us } = await measureWrites(folder, { writers: WRITERS, ...times });
        progress(`  the writing member took ${Math.round(cpu_us)} µs of CPU a row`);
        return rows_per_second;
      },
      async () => median(await Promise.all(Array.from({ length: MEMBERS }, bareRate))),
    ),
  };
}

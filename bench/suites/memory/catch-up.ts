import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, type Comparison, type SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import { measureAppend } from '../telemetry/append.ts';
import type { CatchUpFigures, CatchUpInput } from './catch-up-process.ts';
import { makeMembers, startMember } from './members.ts';

const CATCH_UP = new URL('./catch-up-process.ts', import.meta.url);

/** A member that has everything meets one that has nothing: until the other has all of it on disk, indexed and merged. */
export function catchUpComparison({ folder, quick, progress }: SuiteOptions): Comparison {
  const rows = quick ? 2_000 : 50_000;
  const ours = async (): Promise<number> => {
    const own = mkdtempSync(join(folder, 'catch-up-'));
    const [giver, taker] = await makeMembers(own, 2);
    if (!giver || !taker) throw new Error('there are two members');
    const run = <T>(act: CatchUpInput['act']): Promise<T> => {
      const input: CatchUpInput = { home: giver.home, rows, act };
      return measureInProcess<T>({ script: CATCH_UP, input, home: giver.home, node_flags: programFlags() });
    };
    await run('fill');
    const running = await startMember(taker);
    try {
      const { seconds, cpu_us } = await run<CatchUpFigures>('give');
      progress(`  the giving member took ${Math.round(cpu_us)} µs of CPU a row`);
      return rows / seconds;
    } finally {
      await running.stop();
      rmSync(own, { recursive: true });
    }
  };
  return {
    name: `catch-up of a new member, ${rows.toLocaleString('en-US')} memories of 0.6 KB`,
    unit: 'rows/s',
    referenceName: `suite telemetry's append: our own journal, rows of 0.6 KB, nothing made of them`,
    goal: { at_least: 0.5, of: 'ratio' },
    rounds: quick ? 1 : 3,
    measure: inTurn(ours, () => measureAppend(folder, quick ? 5_000 : 100_000, 'engine')),
  };
}

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, type Comparison, type SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import type { QuietCycleFigures, QuietCycleInput } from './quiet-cycle-process.ts';

const SCRIPT = new URL('./quiet-cycle-process.ts', import.meta.url);

/** A round in which nothing happened must cost the same however many sessions there are. */
export function quietCycleComparison({ folder, quick }: SuiteOptions): Comparison {
  const measure = async (sessions: number): Promise<number> => {
    const own = mkdtempSync(join(folder, 'quiet-'));
    const input: QuietCycleInput = { folder: own, sessions, cycles: quick ? 20 : 1_000 };
    const node_flags = programFlags();
    const { microseconds } = await measureInProcess<QuietCycleFigures>({
      script: SCRIPT,
      input,
      home: own,
      node_flags,
    });
    rmSync(own, { recursive: true });
    return microseconds;
  };
  return {
    name: 'a cycle with nothing new over 100,000 sessions of agentsview, median',
    unit: 'µs',
    referenceName: 'the same over 1,000 sessions',
    goal: { at_most: 2, of: 'ratio' },
    rounds: quick ? 1 : 3,
    measure: inTurn(
      () => measure(quick ? 2_000 : 100_000),
      () => measure(1_000),
    ),
  };
}

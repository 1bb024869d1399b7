import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Comparison, SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import type { BacklogFigures, BacklogInput } from './backlog-process.ts';

const SCRIPT = new URL('./backlog-process.ts', import.meta.url);

/** P9: what waits is on disk, so a hundred times the backlog must not need more memory to deliver. */
export function backlogMemoryComparison({ folder, quick }: SuiteOptions): Comparison {
  const large = quick ? 20_000 : 1_000_000;
  const small = quick ? 2_000 : 10_000;
  const peakOf = async (entries: number): Promise<number> => {
    const home = mkdtempSync(join(folder, 'backlog-'));
    const run = (act: BacklogInput['act']): Promise<BacklogFigures> =>
      measureInProcess({ script: SCRIPT, input: { home, act, entries }, home, node_flags: programFlags() });
    await run('fill');
    const { peak_mib } = await run('deliver');
    rmSync(home, { recursive: true });
    return peak_mib;
  };
  return {
    name: `peak memory of a process that delivers a backlog of ${large.toLocaleString('en-US')} events (P9)`,
    unit: 'MiB',
    referenceName: `the same with ${small.toLocaleString('en-US')} events`,
    goal: { at_most: 32, of: 'difference' },
    rounds: 1,
    measure: async () => ({ reference: await peakOf(small), ours: await peakOf(large) }),
  };
}

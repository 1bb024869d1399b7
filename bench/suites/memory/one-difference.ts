import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WIRE_LIMITS } from '../../../src/memory/replication/limits.ts';
import type { Comparison, SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import type { DifferenceFigures, DifferenceInput } from './one-difference-process.ts';

const SCRIPT = new URL('./one-difference-process.ts', import.meta.url);

/** Anti-entropy: two members that have the same operations, and one row of one of them damaged. */
export function oneDifferenceComparison({ folder, quick }: SuiteOptions): Comparison {
  const rows = quick ? 5_000 : 1_000_000;
  return {
    name: `messages to find and repair one difference in ${rows.toLocaleString('en-US')} rows`,
    unit: 'messages',
    referenceName: `listing all keys with their hashes, ${WIRE_LIMITS.max_rows} a message`,
    goal: { at_most: 64, of: 'figure' },
    rounds: 1,
    measure: async () => {
      const own = mkdtempSync(join(folder, 'difference-'));
      const input: DifferenceInput = { folder: own, rows };
      const node_flags = programFlags();
      const { messages } = await measureInProcess<DifferenceFigures>({ script: SCRIPT, input, home: own, node_flags });
      rmSync(own, { recursive: true });
      return { ours: messages, reference: rows / WIRE_LIMITS.max_rows };
    },
  };
}

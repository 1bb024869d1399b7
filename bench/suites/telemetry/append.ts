import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, type Comparison, type SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import type { AppendFigures, AppendInput } from './append-process.ts';

const SCRIPT = new URL('./append-process.ts', import.meta.url);

/** Rows a second of the engine's append, or of bare inserts of the same rows. */
export async function measureAppend(folder: string, rows: number, by: AppendInput['by']): Promise<number> {
  const own = mkdtempSync(join(folder, 'append-'));
  const input: AppendInput = { folder: own, rows, by };
  const node_flags = by === 'engine' ? programFlags() : [];
  const { seconds } = await measureInProcess<AppendFigures>({ script: SCRIPT, input, home: own, node_flags });
  rmSync(own, { recursive: true });
  return rows / seconds;
}

/**
 * What the journal costs on top of SQLite: dense offsets, the dedupe of (source, cursor), the index of subjects, the
 * checkpoint. The reference keeps the same columns under one unique text id that only grows (foundation §3a).
 */
export function appendComparison({ folder, quick }: SuiteOptions): Comparison {
  const rows = quick ? 5_000 : 200_000;
  return {
    name: 'append to the journal, rows of 0.6 KB, 1,000 a transaction',
    unit: 'rows/s',
    referenceName: 'plain INSERT of the same rows with one ordered unique text id, same transactions, synchronous=FULL',
    goal: { at_least: 0.6, of: 'ratio' },
    rounds: quick ? 1 : 7,
    measure: inTurn(
      () => measureAppend(folder, rows, 'engine'),
      () => measureAppend(folder, rows, 'inserts'),
    ),
  };
}

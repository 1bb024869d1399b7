import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, type Comparison, type SuiteOptions } from '../../harness.ts';
import { measureInProcess } from '../../measured-process.ts';
import type { MaskingFigures, MaskingInput } from './masking-process.ts';

const SCRIPT = new URL('./masking-process.ts', import.meta.url);

/** What looking for secrets in all texts of clean conversations costs, beside one look for the words of the rules alone. */
export function maskingComparison({ folder, quick }: SuiteOptions): Comparison {
  const home = mkdtempSync(join(folder, 'masking-'));
  const measure = async (by: MaskingInput['by']): Promise<number> => {
    const input: MaskingInput = { messages: quick ? 500 : 30_000, by };
    const { characters, seconds } = await measureInProcess<MaskingFigures>({ script: SCRIPT, input, home });
    return characters / 1e6 / seconds;
  };
  return {
    name: 'masking of clean conversations, all texts of their messages',
    unit: 'M characters/s',
    referenceName: 'one expression of all words by which rules are found, alone, over the same texts',
    goal: { at_least: 0.2, of: 'ratio' },
    rounds: quick ? 1 : 5,
    measure: inTurn(
      () => measure('masking'),
      () => measure('pre-filter'),
    ),
  };
}

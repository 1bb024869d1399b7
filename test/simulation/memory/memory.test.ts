import { describe, expect, test } from 'vitest';
import { fingerprint, type Outcome } from '../world.ts';
import { simulateMemory } from './world.ts';

/**
 * Whole clusters of memory members from a seed; at the end all are equal and nothing acknowledged is lost.
 * `SYNCLINE_SIMULATION_SEEDS` and `SYNCLINE_SIMULATION_SEED` as for ordered delivery; `SYNCLINE_SIMULATION_FROM` is the first
 * of the seeds. `SYNCLINE_SIMULATION_SHIFT` lets what is done in the world of a seed fall otherwise: each number is another run.
 */
const FIRST = Number(process.env.SYNCLINE_SIMULATION_FROM ?? 1);
const LAST = FIRST - 1 + Number(process.env.SYNCLINE_SIMULATION_SEEDS ?? 200);
const SHIFT = Number(process.env.SYNCLINE_SIMULATION_SHIFT ?? 0);
const ONLY = process.env.SYNCLINE_SIMULATION_SEED;
const CHUNK = 25;

function explain(seed: number, { broken, trace }: Outcome): string {
  const last = ONLY === undefined ? trace.slice(-15) : trace;
  return `seed=${seed}\n${broken.slice(0, 10).join('\n')}\n... ${last.join('\n')}`;
}

describe.runIf(ONLY !== undefined)('one seed', () => {
  test(`every member converges (seed=${ONLY})`, async () => {
    const outcome = await simulateMemory(Number(ONLY), SHIFT);
    console.log(`seed=${ONLY} crashes=${outcome.crashes} fingerprint=${fingerprint(outcome)}`);
    expect(outcome.broken, explain(Number(ONLY), outcome)).toEqual([]);
  });
});

describe.runIf(ONLY === undefined)('many seeds', () => {
  const chunks = Array.from({ length: Math.ceil((LAST - FIRST + 1) / CHUNK) }, (_, i) => FIRST + i * CHUNK);
  test.each(chunks)(
    'every member converges (seeds from %i)',
    async (first) => {
      let crashes = 0;
      for (let seed = first; seed < first + CHUNK && seed <= LAST; seed++) {
        const outcome = await simulateMemory(seed, SHIFT);
        crashes += outcome.crashes;
        expect(outcome.broken, explain(seed, outcome)).toEqual([]);
      }
      expect(crashes).toBeGreaterThan(0);
    },
    600_000,
  );

  test('a seed reproduces its run exactly', async () => {
    for (const seed of [3, 11])
      expect(fingerprint(await simulateMemory(seed))).toBe(fingerprint(await simulateMemory(seed)));
  });
});

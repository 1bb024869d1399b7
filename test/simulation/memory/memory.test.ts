import { describe, expect, test } from 'vitest';
import { fingerprint, type Outcome } from '../world.ts';
import { simulateMemory } from './world.ts';

/**
 * Whole clusters of memory members from a seed; at the end all are equal and nothing acknowledged is lost.
 * `SYNCLINE_SIMULATION_SEEDS` and `SYNCLINE_SIMULATION_SEED` as for ordered delivery.
 */
const SEEDS = Number(process.env.SYNCLINE_SIMULATION_SEEDS ?? 200);
const ONLY = process.env.SYNCLINE_SIMULATION_SEED;
const CHUNK = 25;

function explain(seed: number, { broken, trace }: Outcome): string {
  const last = ONLY === undefined ? trace.slice(-15) : trace;
  return `seed=${seed}\n${broken.slice(0, 10).join('\n')}\n... ${last.join('\n')}`;
}

describe.runIf(ONLY !== undefined)('one seed', () => {
  test(`every member converges (seed=${ONLY})`, async () => {
    const outcome = await simulateMemory(Number(ONLY));
    console.log(`seed=${ONLY} crashes=${outcome.crashes} fingerprint=${fingerprint(outcome)}`);
    expect(outcome.broken, explain(Number(ONLY), outcome)).toEqual([]);
  });
});

describe.runIf(ONLY === undefined)('many seeds', () => {
  const chunks = Array.from({ length: Math.ceil(SEEDS / CHUNK) }, (_, i) => i * CHUNK + 1);
  test.each(chunks)(
    'every member converges (seeds from %i)',
    async (first) => {
      let crashes = 0;
      for (let seed = first; seed < first + CHUNK && seed <= SEEDS; seed++) {
        const outcome = await simulateMemory(seed);
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

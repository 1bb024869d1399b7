import { describe, expect, test } from 'vitest';
import { fingerprint, simulate, type Outcome } from './world.ts';

/**
 * Whole runs of the engine from a seed, over a real store, in virtual time. `SYNCLINE_SIMULATION_SEEDS=5000` runs more
 * of them; `SYNCLINE_SIMULATION_SEED=17` runs one, exactly as it was, and prints what happened.
 */
const SEEDS = Number(process.env.SYNCLINE_SIMULATION_SEEDS ?? 240);
const ONLY = process.env.SYNCLINE_SIMULATION_SEED;
const CHUNK = 40;

function explain(seed: number, { broken, trace }: Outcome): string {
  const last = ONLY === undefined ? trace.slice(-15) : trace;
  return `seed=${seed}\n${broken.slice(0, 10).join('\n')}\n... ${last.join('\n')}`;
}

describe.runIf(ONLY !== undefined)('one seed', () => {
  test(`nothing is lost (seed=${ONLY})`, async () => {
    const outcome = await simulate(Number(ONLY));
    console.log(`seed=${ONLY} crashes=${outcome.crashes} fingerprint=${fingerprint(outcome)}`);
    expect(outcome.broken, explain(Number(ONLY), outcome)).toEqual([]);
  });
});

describe.runIf(ONLY === undefined)('many seeds', () => {
  const chunks = Array.from({ length: Math.ceil(SEEDS / CHUNK) }, (_, i) => i * CHUNK + 1);
  test.each(chunks)(
    'nothing is lost (seeds from %i)',
    async (first) => {
      let crashes = 0;
      for (let seed = first; seed < first + CHUNK && seed <= SEEDS; seed++) {
        const outcome = await simulate(seed);
        crashes += outcome.crashes;
        expect(outcome.broken, explain(seed, outcome)).toEqual([]);
      }
      expect(crashes).toBeGreaterThan(0);
    },
    600_000,
  );

  test('a seed reproduces its run exactly', async () => {
    for (const seed of [3, 11]) expect(fingerprint(await simulate(seed))).toBe(fingerprint(await simulate(seed)));
  });
});

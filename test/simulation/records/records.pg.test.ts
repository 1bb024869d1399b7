import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres, type TestPostgres } from '../../support/postgres.ts';
import { simulateRecords, type RecordsOutcome } from './world.ts';

/**
 * Whole runs of the records flow from a seed, over a real PostgreSQL with its triggers and a simulated organisation: at the end
 * both sides agree. `SYNCLINE_SIMULATION_SEEDS`: how many (default 20). `SYNCLINE_SIMULATION_SEED`: only this one, with all
 * that happened.
 */
const SEEDS = Number(process.env.SYNCLINE_SIMULATION_SEEDS ?? 20);
const ONLY = process.env.SYNCLINE_SIMULATION_SEED;

let cluster: TestPostgres;
beforeAll(async () => {
  cluster = await startPostgres();
}, 60_000);
afterAll(() => cluster?.remove());

function explain(seed: number, { broken, trace }: RecordsOutcome): string {
  const last = ONLY === undefined ? trace.slice(-15) : trace;
  return `seed=${seed}\n${broken.slice(0, 10).join('\n')}\n... ${last.join('\n')}`;
}

describe.runIf(ONLY !== undefined)('one seed', () => {
  test(`both sides agree (seed=${ONLY})`, async () => {
    const outcome = await simulateRecords(cluster, Number(ONLY));
    expect(outcome.broken, explain(Number(ONLY), outcome)).toEqual([]);
  }, 60_000);
});

describe.runIf(ONLY === undefined)('many seeds', () => {
  test.each(Array.from({ length: SEEDS }, (_, i) => i + 1))(
    'both sides agree (seed=%i)',
    async (seed) => {
      const outcome = await simulateRecords(cluster, seed);
      expect(outcome.broken, explain(seed, outcome)).toEqual([]);
    },
    30_000,
  );
});

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { inTurn, type Comparison, type SuiteOptions } from '../../harness.ts';
import { measureInProcess } from '../../measured-process.ts';
import { measureWrites } from './quorum-writes.ts';
import type { RoundTripFigures, RoundTripInput } from './round-trip-process.ts';

const ROUND_TRIP = new URL('./round-trip-process.ts', import.meta.url);

/**
 * What one write waits for that two members must have. The least that any such write waits for is one sync of a disk, when both
 * happen at once, and one exchange between members; members speak HTTP over mTLS, so the exchange is one of those.
 */
export function oneWriterComparison({ folder, quick }: SuiteOptions): Comparison {
  const times = quick ? { warm_up_ms: 200, measured_ms: 300 } : { warm_up_ms: 2000, measured_ms: 4000 };
  return {
    name: 'one writer at W=2 of 3, median of a write',
    unit: 'ms',
    referenceName: 'a write and fsync of the same bytes and one empty exchange over mTLS on loopback, median',
    goal: { at_most: 2, of: 'ratio' },
    rounds: quick ? 1 : 5,
    measure: inTurn(
      async () => (await measureWrites(folder, { writers: 1, ...times })).milliseconds,
      async () => {
        const own = mkdtempSync(join(folder, 'round-trip-'));
        const input: RoundTripInput = { folder: own, ...times };
        const { milliseconds } = await measureInProcess<RoundTripFigures>({ script: ROUND_TRIP, input, home: own });
        rmSync(own, { recursive: true });
        return milliseconds;
      },
    ),
  };
}

import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../../test/support/postgres.ts';
import { inTurn, type Comparison, type SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import type { ClaimSettleFigures, ClaimSettleInput, Side } from './claim-settle-process.ts';

const SCRIPT = new URL('./claim-settle-process.ts', import.meta.url);

/** As a server's defaults are, apart from the memory of a small machine; fsync is on. */
const CLUSTER = ['fsync=on', 'shared_buffers=256MB', 'max_wal_size=4GB'];
/** Of each side, in one process. */
const CONNECTIONS = 4;
/** Of one claim. Larger ones make none of them faster. */
const BATCH = 500;
/** A queue for each key makes graphile-worker lock all of them for each batch: more would take it minutes. */
const GRAPHILE_KEYS = 3000;

/**
 * Keys that wait, each once, are taken, their links written, and settled, while the order of each key is kept: keys a second
 * from the first claim to the last commit. The better of two job queues is the reference, each at the settings that are
 * best for it: batches of the same size, over the same number of connections, to the same PostgreSQL, with the same
 * statement for the links.
 */
export function claimSettleComparison({ folder, quick, progress }: SuiteOptions): Comparison {
  const home = mkdtempSync(join(folder, 'claim-settle-'));
  const keysOf = (side: Side): number => (quick ? 1000 : side === 'graphile-worker' ? GRAPHILE_KEYS : 40_000);
  const measure = async (side: Side): Promise<number> => {
    // A cluster for each: none finds the other's pages in memory or its WAL to recycle.
    const cluster = await startPostgres(CLUSTER);
    try {
      const keys = keysOf(side);
      const input: ClaimSettleInput = { url: cluster.url, side, keys, batch: BATCH, connections: CONNECTIONS };
      const figures = await measureInProcess<ClaimSettleFigures>({
        script: SCRIPT,
        input,
        home,
        node_flags: side === 'syncline' ? programFlags() : [],
      });
      progress(`  ${side}: ${Math.round(keys / figures.seconds)} keys/s, ${figures.cpu_seconds.toFixed(2)} s of CPU`);
      return keys / figures.seconds;
    } finally {
      await cluster.remove();
    }
  };
  return {
    name: 'claim → settle with links and order per key on PostgreSQL',
    unit: 'keys/s',
    referenceName: 'the better of graphile-worker (a queue for each key) and pg-boss (policy singleton), in batches',
    goal: { at_least: 2, of: 'ratio' },
    rounds: quick ? 1 : 5,
    measure: inTurn(
      () => measure('syncline'),
      async () => Math.max(await measure('pg-boss'), await measure('graphile-worker')),
    ),
  };
}

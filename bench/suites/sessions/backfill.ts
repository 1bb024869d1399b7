import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { startPostgres } from '../../../test/support/postgres.ts';
import { inTurn, type Comparison, type SuiteOptions } from '../../harness.ts';
import { measureInProcess, programFlags } from '../../measured-process.ts';
import type { BackfillFigures, BackfillInput } from './backfill-process.ts';

const SCRIPT = new URL('./backfill-process.ts', import.meta.url);

/** As a server's defaults are, apart from the memory of a small machine; fsync is on. */
const CLUSTER = ['fsync=on', 'shared_buffers=256MB', 'max_wal_size=4GB'];

/**
 * A whole history of conversations, ready in memory as bytes, into an empty PostgreSQL: read, masked, put, and found by search
 * when it is acknowledged. Beside it COPY, in its usual text form, of the rows that come of it, as lines ready in memory, into tables
 * of the same shape with their primary keys alone.
 */
export function backfillComparison({ folder, quick }: SuiteOptions): Comparison {
  const home = mkdtempSync(join(folder, 'backfill-'));
  const measure = async (by: BackfillInput['by']): Promise<number> => {
    // A cluster for each: neither finds the other's pages in memory or its WAL to recycle.
    const cluster = await startPostgres(CLUSTER);
    try {
      const input: BackfillInput = { url: cluster.url, sessions: quick ? 20 : 400, by };
      const node_flags = programFlags();
      const { rows, seconds } = await measureInProcess<BackfillFigures>({ script: SCRIPT, input, home, node_flags });
      return rows / seconds;
    } finally {
      await cluster.remove();
    }
  };
  return {
    name: 'backfill of conversations into PostgreSQL, messages and tool calls, masked and searchable',
    unit: 'rows/s',
    referenceName: 'COPY of the same rows into tables of the same shape, with primary keys alone',
    goal: { at_least: 0.5, of: 'ratio' },
    rounds: quick ? 1 : 5,
    measure: inTurn(
      () => measure('store'),
      () => measure('copy'),
    ),
  };
}

import type { Suite } from '../../harness.ts';
import { catchUpComparison } from './catch-up.ts';
import { oneDifferenceComparison } from './one-difference.ts';
import { oneWriterComparison } from './one-writer.ts';
import { quorumWritesComparison } from './quorum-writes.ts';
import { wireBytesComparison } from './wire-bytes.ts';

/** What the memory flow promises in figures. */
export const memorySuite: Suite = {
  name: 'memory',
  comparisons: async (options) => [
    quorumWritesComparison(options),
    oneWriterComparison(options),
    catchUpComparison(options),
    wireBytesComparison(options),
    oneDifferenceComparison(options),
  ],
};

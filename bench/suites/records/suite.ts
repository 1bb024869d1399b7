import type { Suite } from '../../harness.ts';
import { claimSettleComparison } from './claim-settle.ts';

/** What the records flow promises in figures. */
export const recordsSuite: Suite = {
  name: 'records',
  comparisons: async (options) => [claimSettleComparison(options)],
};

import type { Suite } from '../../harness.ts';
import { changedCallsComparison, reconcileCallsComparison } from './api-calls.ts';
import { claimSettleComparison } from './claim-settle.ts';
import { latencyComparison } from './latency.ts';

/** What the records flow promises in figures. */
export const recordsSuite: Suite = {
  name: 'records',
  comparisons: async (options) => [
    claimSettleComparison(options),
    changedCallsComparison(options),
    latencyComparison(options),
    reconcileCallsComparison(options),
  ],
};

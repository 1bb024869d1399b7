import type { Suite } from '../../harness.ts';
import { backfillComparison } from './backfill.ts';
import { maskingComparison } from './masking.ts';
import { quietCycleComparison } from './quiet-cycle.ts';
import { searchComparisons } from './search.ts';

/** What the sessions flow promises in figures. */
export const sessionsSuite: Suite = {
  name: 'sessions',
  comparisons: async (options) => [
    quietCycleComparison(options),
    maskingComparison(options),
    backfillComparison(options),
    ...searchComparisons(options),
  ],
};

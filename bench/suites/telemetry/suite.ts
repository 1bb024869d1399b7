import type { Suite } from '../../harness.ts';
import { appendComparison } from './append.ts';
import { backlogMemoryComparison } from './backlog-memory.ts';
import { captureComparison } from './capture-to-store.ts';
import { hookComparison } from './hook-start.ts';

/** What the telemetry flow promises in figures. */
export const telemetrySuite: Suite = {
  name: 'telemetry',
  comparisons: async (options) => [
    appendComparison(options),
    await captureComparison(options),
    await hookComparison(options),
    backlogMemoryComparison(options),
  ],
};

import type { ApiUsage } from './api-usage.ts';

/** `GET /limits`: what the organisation may do, and what is left of it. */
export function limitsOf(usage: ApiUsage): Record<string, { Max: number; Remaining: number }> {
  const untouched = (Max: number): { Max: number; Remaining: number } => ({ Max, Remaining: Max });
  return {
    DailyApiRequests: { Max: usage.max, Remaining: Math.max(0, usage.max - usage.used) },
    DailyBulkApiBatches: untouched(15_000),
    DailyBulkV2QueryJobs: untouched(10_000),
    DailyBulkV2QueryFileStorageMB: untouched(976_562),
    DailyDurableStreamingApiEvents: untouched(10_000),
    HourlyPublishedPlatformEvents: untouched(50_000),
    DataStorageMB: untouched(5),
  };
}

/** How long a job waits and how long it works; 0: it is done by the next request. */
export interface BulkTimes {
  queue_ms: number;
  work_ms: number;
}

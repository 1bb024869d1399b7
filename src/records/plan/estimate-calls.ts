/** How many calls of Salesforce's API some changes will take, by lane (records.md §12.5, §12.7). An estimate: retries come on top. */

export interface CallEstimate {
  readonly read: number;
  readonly rest: number;
  readonly collections: number;
  readonly bulk: number;
  readonly total: number;
}

/** What the writer goes by. */
export interface LaneSizes {
  readonly collection_records: number;
  /** From so many of one kind a bulk job is made. */
  readonly bulk_from: number;
  readonly bulk_rows: number;
  /** Create, upload, close, looks at its state, results. */
  readonly bulk_calls: number;
  readonly page_records: number;
}

export const LANE_SIZES: LaneSizes = {
  collection_records: 200,
  bulk_from: 2_000,
  bulk_rows: 50_000,
  bulk_calls: 10,
  page_records: 2_000,
};

/** `writes`: how many of each kind of call (creates, updates, deletes); `reads`: records to be read. */
export function estimateCalls(writes: readonly number[], reads: number, sizes: LaneSizes = LANE_SIZES): CallEstimate {
  const calls = { read: Math.ceil(reads / sizes.page_records), rest: 0, collections: 0, bulk: 0 };
  for (const count of writes) {
    if (count === 1) calls.rest += 1;
    else if (count >= sizes.bulk_from) calls.bulk += Math.ceil(count / sizes.bulk_rows) * sizes.bulk_calls;
    else calls.collections += Math.ceil(count / sizes.collection_records);
  }
  return { ...calls, total: calls.read + calls.rest + calls.collections + calls.bulk };
}
